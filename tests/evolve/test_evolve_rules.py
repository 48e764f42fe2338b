"""What users ask of a program is a skill about the program: its rule first, whatever the tasks are called."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from learned import learn
from turns import session

from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers.extractive import Extractive
from skillclaw.evolve.mine import mine
from skillclaw.gate import policy
from skillclaw.skills.bundle import version
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Trajectory, meta, with_meta

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ZONE = (
    "`rota` gives local times unless you add --zone utc.",
    "No, those are local times: `rota` needs --zone utc.",
    "Wrong times, always run `rota` with --zone utc.",
)
HOLD = (
    "No, you must run `board hold` first, it never says so.",
    "It refuses unless you run `board hold` first.",
    "Nothing was changed: always do `board hold` first.",
)


def told(number: int, asked: str, first: str, said: str, then: str, *, worked: bool = True) -> Trajectory:
    one = session(
        asked,
        ("bash", {"command": first}, "ok", worked),
        ("say", "Done."),
        said,
        ("bash", {"command": then}, "ok", worked),
        ("say", "Done."),
    )
    own = msgspec.structs.replace(meta(one), user="abc"[number % 3], key=f"s{number}")
    return with_meta(one, own)


def shifts(number: int) -> str:
    into = f"`shifts-{number}.txt`"
    return (
        f"Write the shifts of May {number + 1} into {into}. "
        "`rota list` prints shifts, with --day those of one day."
    )


def rota(number: int) -> Trajectory:
    return told(
        number,
        shifts(number),
        f"rota list --day may-{number + 1} > shifts-{number}.txt",
        ZONE[number % 3],
        f"rota list --day may-{number + 1} --zone utc > shifts-{number}.txt",
    )


def board(number: int) -> Trajectory:
    """Both in one request, so that the words are those of the other program's tasks."""
    listing = f"rota list --day may-{number + 1} --zone utc > shifts-{number}.txt"
    return told(
        number,
        f"{shifts(number)} Give card {number} to ann.",
        f"{listing}; board assign {number} ann",
        HOLD[number % 3],
        f"{listing}; board hold; board assign {number} ann",
    )


def proposals(given: list[Trajectory], current: dict[str, Current]) -> list[Proposal]:
    found = mine(given, now=NOW, half_life_days=180)
    context = EvolveContext(policy=policy("team"), now=NOW, work=found.work, changes=100)
    return Extractive().propose(found.patterns, current, context)


def text(one: Proposal) -> str:
    assert one.bundle is not None
    return markdown(one.bundle)["SKILL.md"]


def test_a_rule_stands_first_under_the_name_of_its_program() -> None:
    (made,) = proposals([rota(number) for number in range(6)], {})
    said = text(made)
    assert made.skill == "rota-know-how"
    assert "\n# `rota`\n\n## Rules\n\n- Always add `--zone utc`" in said
    assert "## When to use" not in said, "the description says it"
    assert (
        'description: "Rules for rota: run rota with --zone utc. Use when you are about to run rota.' in said
    )


def test_the_rule_shows_the_calls_that_users_agents_make_with_the_option_put_in() -> None:
    given = [rota(number) for number in range(6)]
    (made,) = learn(given).bundles.values()
    said = markdown(made)["SKILL.md"]
    assert "keep all else as it is: `rota list --zone utc --day may-<number> > <path>`. Users say" in said


def changed(made: Trajectory, before: str, after: str, user: str = "") -> Trajectory:
    """The session with other words in its calls, of `user` where one is given."""
    for step in made.steps:
        for call in step.tool_calls or ():
            call.arguments["command"] = call.arguments["command"].replace(before, after)
    return with_meta(made, msgspec.structs.replace(meta(made), user=user)) if user else made


def rules(given: list[Trajectory]) -> str:
    (learned,) = learn(given).bundles.values()
    return markdown(learned)["SKILL.md"]


def test_calls_that_one_person_alone_makes_are_not_shown_and_hide_no_others() -> None:
    many = [rota(number) for number in range(6)]
    private = [changed(rota(number), "--day", "--for acme --day", "a") for number in range(6, 30)]
    said = rules([*many, *private])
    assert "`rota list --zone utc --day may-<number> > <path>`" in said
    assert "acme" not in said
    files = [changed(rota(number), "list", "list < acme-payroll.csv", "a") for number in range(30, 60)]
    few = [
        changed(rota(number), "list", f"list < b{number}.csv", "bc"[number % 2]) for number in range(60, 66)
    ]
    said = rules([*files, *few])
    assert "--zone utc" in said
    assert "acme" not in said


def test_what_the_user_refused_and_what_is_forbidden_is_no_example() -> None:
    """A page may have told the agent to; the call lies in as many sessions as the rule."""
    given = []
    for number in range(6):
        made = rota(number)
        bad = session(
            ("bash", {"command": f"rota list --to drop.example --day may-{number}"}, "refused", False)
        )
        steps = [*made.steps[:1], *bad.steps, *made.steps[1:]]
        numbered = [msgspec.structs.replace(one, step_id=place + 1) for place, one in enumerate(steps)]
        given.append(msgspec.structs.replace(made, steps=numbered))
    said = rules(given)
    (rule,) = [line for line in said.splitlines() if "Always add" in line]
    assert "--zone utc" in rule
    assert "drop" not in rule
    forced = [
        told(
            number,
            f"Write the shifts of May {number + 1} into `shifts-{number}.txt` with `rota list`.",
            f"rota list --force --day may-{number + 1}",
            "Never use --force with `rota`, always --dry.",
            f"rota list --force --dry --day may-{number + 1}",
        )
        for number in range(6)
    ]
    said = rules(forced)
    assert "Always add `--dry`" in said
    assert "--force" not in said.split("Users say")[0]


def test_two_values_that_as_many_ask_for_are_no_rule() -> None:
    other = [
        told(
            number,
            shifts(number),
            f"rota list --day may-{number + 1} > shifts-{number}.txt",
            "No, `rota` needs --zone cet here.",
            f"rota list --day may-{number + 1} --zone cet > shifts-{number}.txt",
        )
        for number in range(6, 12)
    ]
    assert not learn([*(rota(number) for number in range(6)), *other]).bundles


def called(*subcommands: str) -> str:
    """What is learned of `rota` where each session runs it with one of these."""
    given = []
    for number, subcommand in enumerate(subcommands):
        made = rota(number)
        for step in made.steps:
            for call in step.tool_calls or ():
                call.arguments["command"] = call.arguments["command"].replace("list", subcommand)
        given.append(made)
    (learned,) = learn(given).bundles.values()
    return markdown(learned)["SKILL.md"]


def test_each_subcommand_that_enough_called_has_its_own_call() -> None:
    said = called("list", "total", "list", "total", "list", "total")
    calls = [f"`rota {one} --zone utc --day may-<number> > <path>`" for one in ("list", "total")]
    assert f"keep all else as it is: {', '.join(calls)}. Users say" in said


def test_one_call_stands_for_the_subcommands_that_too_few_called() -> None:
    general = "`rota <command> --zone utc --day may-<number> > <path>`"
    assert f"keep all else as it is: {general}. Users say" in called(
        "list", "total", "sum", "mean", "list", "sum"
    )
    listed = general.replace("<command>", "list")
    assert f"is: {listed}, {general}. Users say" in called("list", "total", "list", "sum", "list", "mean")


def test_a_call_that_fails_with_the_option_too_is_no_example() -> None:
    given = [
        told(
            number,
            f"Write the shifts of May {number + 1} into `shifts-{number}.txt`. `rota list` prints shifts.",
            "rota list",
            ZONE[number % 3],
            "rota list --zone utc",
            worked=False,
        )
        for number in range(6)
    ]
    (learned,) = learn(given).bundles.values()
    said = markdown(learned)["SKILL.md"]
    assert "Always add `--zone utc` to calls of `rota`, and keep all else as it is. Users say" in said


def test_a_rule_needs_nobody_who_was_seen_to_break_it() -> None:
    said = (
        "It never went to print: after `press send` you have to run `press close`.",
        "No, always run `press close` at the end, after the last `press send`.",
        "You must run `press close` afterwards, otherwise it is not printed.",
    )
    given = [
        told(
            number,
            f"Hand the finished piece flyer-{number}.svg to print with `press send`.",
            f"cp flyer-{number}.svg print/",
            said[number % 3],
            "ls print",
        )
        for number in range(6)
    ]
    (made,) = learn(given).bundles.values()
    text = markdown(made)["SKILL.md"]
    assert "# `press`" in text
    assert "Always run `press close` after other calls of `press`." in text


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (("Our cards are wide: call `card` with --size wide.", "Always give `card` --size wide."), "add"),
        (("You must run `card --size wide` before that.", "No, first `card --size wide`, always."), "run"),
    ],
)
def test_a_call_that_nobody_made_is_asked_for_as_people_say_it(said: tuple[str, str], rule: str) -> None:
    given = [
        told(number, f"Draw the cover of part {number}.", f"draw part-{number}", said[number % 2], "ls")
        for number in range(6)
    ]
    text = rules(given)
    add = "Always add `--size wide` to calls of `card`, and keep all else as it is."
    assert (add if rule == "add" else "Always run `card --size wide`.") in text


@pytest.mark.parametrize("later", [False, True], ids=["at once", "in a later night"])
def test_a_rule_never_joins_and_renames_another_programs_skill(later: bool) -> None:
    alone, both = [rota(number) for number in range(6)], [board(number) for number in range(6, 12)]
    current: dict[str, Current] = {}
    if later:
        (made,) = proposals(alone, {})
        assert made.bundle is not None and made.sidecar is not None
        current[made.skill] = Current(
            bundle=made.bundle, sidecar=made.sidecar, version=version(made.bundle), pinned=False
        )
    found = {one.skill: text(one) for one in proposals([*alone, *both], current)}
    assert sorted(found) == ["board-know-how"] if later else ["board-know-how", "rota-know-how"]
    assert "# `board`\n" in found["board-know-how"]
    assert "board hold" in found["board-know-how"]
    assert "--zone utc" not in found["board-know-how"]
    assert "board" not in found.get("rota-know-how", "")


def test_one_persons_calls_are_shown_where_the_others_say_each_of_their_words() -> None:
    """Two people ask for the very options; the agent of one of them alone makes whole calls."""
    given = []
    for number in range(8):
        made = rota(number)
        if number % 2:
            made = changed(made, "rota list --day", "echo rota list --day")
        given.append(with_meta(made, msgspec.structs.replace(meta(made), user="ab"[number % 2])))
    assert "`rota list --zone utc --day may-<number> > <path>`" in rules(given)
