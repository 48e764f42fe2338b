"""What users ask of a program is read from their words, whatever the agent makes of them."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from turns import session

from skillclaw.evolve.corpus import Corpus
from skillclaw.evolve.corrections import find_corrections
from skillclaw.evolve.evolvers._superseded import superseded
from skillclaw.gate.policies import policy
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.demands import Demand, demands, forbidden, put_early, with_it
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.flow import Act

ASKED = "Write the shifts of May into shifts.txt; `rota list` prints them, with --month those of one month."


def ran(command: str, worked: bool = True) -> Any:
    return ("bash", {"command": command}, "ok" if worked else "error: refused", worked)


def act(command: str) -> Act:
    return Act(
        step=2, tool="bash", arguments={"command": command}, command=command, ok=True, result="", writes=True
    )


def wanted(said: str, command: str = "rota list --month may > shifts.txt", **how: bool) -> list[str]:
    return [f"{one.program}: {one.wanted}" for one in demands(said, ASKED, [act(command)], **how)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("`rota` gives local times unless you add --zone utc.", ["rota: --zone utc"]),
        ("Without --deep it skips half of them.", ["rota: --deep"]),
        ("You have to add --now to `rota`, otherwise it reads the old book.", ["rota: --now"]),
        ("That list is too short: always add --page all to `rota list`.", ["rota: --page all"]),
        ("Run it again with --zone=utc please.", ["rota: --zone utc"]),
        ("So: `rota list --zone utc` and the rest, always.", ["rota: --zone utc"]),
        ("It must be held before: first `rota hold`, then your change.", ["rota: rota hold"]),
        (
            "Our colour is kelp, so you need `tint kelp`, not `tint house` or `tint brand`.",
            ["tint: tint kelp"],
        ),
        ("必须加上 --zone utc", ["rota: --zone utc"]),
        ("That did not work because `rota` wants --zone utc. Again, please.", ["rota: --zone utc"]),
        ("It doesn't give UTC unless you add --zone utc.", ["rota: --zone utc"]),
        ("That did not work, because `rota` needs --zone utc.", ["rota: --zone utc"]),
        ("You can not use it because it needs --force again.", []),
        ("It is not to be run because it needs --force.", []),
        ("This isn't allowed unless an admin adds --force, always.", []),
        ("It wasn't right because --zone local is wrong.", []),
        ("That didn't work because of --zone local. Redo it without.", []),
        ("The times weren't right because `rota` had --zone local.", []),
        ("Don't use it, since --force breaks the files. Again, please.", []),
        ("Never add it unless --dry-run is on.", []),
        ("It did not fit because the import no longer wants --zone local.", []),
        ("That did not work because it doesn't want --zone local, again.", []),
        ("Wrong: don't forget --zone utc, always.", ["rota: --zone utc"]),
        ("Do not run that again because it needs --force.", []),
        ("You should not run that because it needs --force.", []),
        ("That did not work because you must not add --zone utc.", []),
        ("You must not run it with --zone utc because that is slow.", []),
        ("It does not need --zone utc again.", []),
        ("Never use --force with it, you must not.", []),
        ("Please run it again without `rota hold` and don't add --zone utc.", []),
        ("It has --zone utc, by the way.", []),
        ("Now always list them with --zone utc too.", []),
        ("Should it have --zone utc?", []),
        ("You must write it down for June, with --month june", ["rota: --month june"]),
        ("Always as before, with --month may.", []),
        ("Use `rota FILE --out <path>`, you have to.", ["rota: --out"]),
        ("Always:\n```\nrota list --zone utc\n```", []),
    ],
)
def test_a_rule_about_a_program_is_told_from_other_words(said: str, found: list[str]) -> None:
    assert wanted(said) == found


@pytest.mark.parametrize(
    ("said", "wanted", "ahead"),
    [
        ("You have to run `make lint` before you commit.", "make lint", "git commit"),
        ("Run make lint before you commit.", "make lint", "git commit"),
        ("Always run make lint before committing.", "make lint", "git commit"),
        ("First make lint, then commit.", "make lint", "git commit"),
        ("Lint before every commit: `make lint`.", "make lint", "git commit"),
        ("Run `make lint` before `git commit`.", "make lint", "git commit"),
        ("You should always run make lint first.", "make lint", "git commit"),
        ("Run `make lint` before you deploy.", "make lint", ""),  # nobody did
    ],
)
def test_what_comes_before_another_programs_call_is_told_with_or_without_backticks(
    said: str, wanted: str, ahead: str
) -> None:
    before = [act("sed -i s/a/b/ a.py"), act("git commit -am 'Fix it'")]
    after = [act("make lint"), act("git commit --amend --no-edit")]
    (found,) = demands(said, "Fix the typo and commit it.", before, after=after)
    assert (found.wanted, found.ahead, found.text) == (wanted, ahead, said)


@pytest.mark.parametrize(
    "said",
    [
        "Run make lint before you commit.",  # and the agent did something else
        "It was right before.",
        "Don't run make lint before you commit.",
        "No, run make lint first for this one.",
    ],
)
def test_a_call_without_backticks_is_one_where_the_agent_made_it_and_the_words_are_an_order(
    said: str,
) -> None:
    after = [act("make test" if said.startswith("Run") else "make lint")]
    assert demands(said, "Fix it.", [act("git commit -am 'Fix it'")], after=after) == ()


def test_who_says_that_it_was_wrong_need_not_insist() -> None:
    assert wanted("The desk abroad would like --zone utc there.") == []
    assert wanted("The desk abroad would like --zone utc there.", objects=True) == ["rota: --zone utc"]


@pytest.mark.parametrize(
    ("command", "wish", "made"),
    [
        ("rota list > a.txt", "--zone utc", "rota list --zone utc > a.txt"),
        ("cd x && rota list | tee a.txt", "--deep", "cd x && rota list --deep | tee a.txt"),
        ("rota list --zone local >a.txt", "--zone utc", "rota list --zone utc >a.txt"),
        ("rota list --zone=local --month may", "--zone utc", "rota list --zone utc --month may"),
        ("ls", "--zone utc", "rota --zone utc"),
        ("rota list", "rota hold", "rota hold"),
    ],
)
def test_the_call_that_was_asked_for_is_the_agents_own_with_that_put_in(
    command: str, wish: str, made: str
) -> None:
    assert with_it(command, Demand("rota", wish, "")) == made


@given(said=st.text(max_size=300), command=st.text(max_size=120))
def test_no_words_and_no_command_are_too_odd(said: str, command: str) -> None:
    for one in demands(f"You must always: {said} `rota x` --zone utc", said, [act(command)], objects=True):
        assert 0 < len(one.wanted) <= 60
        assert one.program
        with_it(command, one)


def lessons(*sessions: tuple[Any, ...], users: int = 99) -> list[Pattern]:
    """What the corrections of these sessions say, of so many users in turn."""
    found: list[Episode] = []
    for number, turns in enumerate(sessions):
        made = [e for e in cut(session(*turns)) if e.kind == "correction"]
        found += [msgspec.structs.replace(e, session=f"s{number}", user=f"u{number % users}") for e in made]
    corpus = Corpus(sessions=9, episodes=9, procedures=[], recoveries=[], corrections=found, pitfalls=[])
    return find_corrections(corpus)


FORGETFUL = (
    ASKED,
    ran("rota list --month may > shifts.txt"),
    "`rota` gives local times unless you add --zone utc.",
    ran("rota list --zone utc > shifts.txt", worked=False),
    "No, whatever goes into a file is in UTC: --zone utc with it.",
    ran("rota list --zone utc > shifts.txt", worked=False),
)
FINE = (
    ASKED,
    ran("rota list --month june > b.txt"),
    "Those are local times. You have to pass --zone utc to `rota`.",
    ran("rota list --month june --zone utc > b.txt"),
)


def test_agents_that_make_a_mess_of_it_do_not_spoil_the_rule() -> None:
    """Two of them drop the month and fail; the rule, and the call that it asks for, are whole."""
    (found,) = lessons(FORGETFUL, FORGETFUL, FINE)
    assert found.demand == "rota --zone utc"
    assert found.sessions == 3
    assert not found.contradictions
    assert found.actions[0].command is not None
    assert "--month" in found.actions[0].command
    assert found.actions[0].command.endswith("--zone utc")


def test_one_persons_word_that_no_agent_ever_ran_takes_twice_as_many_sessions() -> None:
    assert lessons(*[FORGETFUL] * 5, users=1) == []
    (found,) = lessons(*[FORGETFUL] * 6, users=1)
    assert found.sessions == 6
    assert lessons(*[FORGETFUL] * 2, users=2) == []
    (found,) = lessons(*[FORGETFUL] * 3, users=2)
    assert (found.sessions, found.users) == (3, 2)


def test_another_value_asked_for_later_takes_the_first_one_back() -> None:
    changed = (
        *FINE,
        "No, that desk needs --zone cet, always.",
        ran("rota list --month june --zone cet > b.txt"),
    )
    found = lessons(FINE, FINE, FINE, changed, changed, changed)
    assert {p.demand: (p.sessions, len(p.contradictions)) for p in found} == {
        "rota --zone utc": (3, 3),
        "rota --zone cet": (3, 0),
    }


def test_a_request_in_which_the_user_said_how_teaches_no_procedure() -> None:
    ways = [e for e in cut(session(*FINE, "Great, thanks.")) if e.kind == "procedure"]
    assert [e.success for e in ways] == [None]
    plain = [e for e in cut(session(*FINE[:2], "Great, thanks.")) if e.kind == "procedure"]
    assert [e.success for e in plain] == [True]


def test_a_word_that_replaced_one_is_taken_up_where_the_user_objects() -> None:
    (found,) = [
        e
        for e in cut(
            session(
                "Which version is on our stable branch?",
                ran("bough show stable VERSION"),
                "Wrong branch: stable means trunk here.",
                ran("bough show trunk VERSION"),
                "The stable branch is trunk, not the one with that name.",
                ran("bough show trunk VERSION"),
            )
        )
        if e.kind == "correction"
    ]
    assert found.taken == ("trunk",)
    assert found.worked, "told the same once more, the agent did the same once more"


def test_an_option_that_the_error_refuses_gives_way_to_the_one_asked_for() -> None:
    refused = ("bash", {"command": "rota list --zone utc --month may"}, "rota: no such option: --zone", False)
    changed = (ASKED, refused, "You have to pass --clock utc to `rota`.", ran("rota list --clock utc"))
    (old,) = lessons(FINE, FINE, FINE)
    (new,) = lessons(changed, changed, changed)
    assert new.actions[0].command == "rota list --month may --clock utc"
    assert superseded([old, new], policy("team")) == {old.id}


def test_a_demand_after_more_calls_than_are_kept_is_left_alone() -> None:
    read = [("read_file", {"path": f"{number}.py"}, "ok", True) for number in range(70)]
    made = session(
        ASKED, *read, ran("rota list"), "You have to pass --zone utc to `rota`.", ran("rota list --zone utc")
    )
    assert all(not episode.demand for episode in cut(made))


@pytest.mark.parametrize(
    ("command", "program", "shown"),
    [
        ("rota list --day <day> > <path>", "rota", "rota list --zone utc --day <day> > <path>"),
        ("rota list <day> > <path>", "rota", "rota list --zone utc <day> > <path>"),
        ("rota list <day> -d 3", "rota list", "rota list --zone utc <day> -d 3"),
        ("rota exec <pod> -- ls --day 3", "rota", "rota exec --zone utc <pod> -- ls --day 3"),
        ("rota <command> --day 3 | sort", "rota", "rota <command> --zone utc --day 3 | sort"),
        ("rota push origin main", "rota push", "rota push --zone utc origin main"),
        ("rota <path>", "rota", "rota --zone utc <path>"),
        ("rota", "rota", "rota --zone utc"),
    ],
)
def test_in_an_example_an_option_stands_before_the_others(command: str, program: str, shown: str) -> None:
    assert put_early(command, program, "--zone utc") == shown


@given(st.text("ab<>-=| '\"\n", max_size=40))
def test_the_option_is_put_in_once_and_nothing_else_is_lost(rest: str) -> None:
    shown = put_early(f"rota {rest}", "rota", "--zone utc")
    assert shown.count("--zone utc") == 1
    assert shown.replace(" --zone utc", "", 1) == f"rota {rest}"


def test_what_a_message_forbids_is_known() -> None:
    assert forbidden("Never use --force with `rota`, always --dry.") == {"--force"}
    assert forbidden("Add --dry instead of --force or `-f`. Use --zone utc.") == {"--force", "-f"}
    assert forbidden("") == frozenset()


def test_long_calls_and_messages_take_no_long_time() -> None:
    calls = [act(";rota " * 40_000)] * 40
    options = " ".join(f"--x{number} y" for number in range(300))
    began = time.process_time()
    demands(f"You must always run `rota` with {options}", "", calls)
    cut(session("Do it", ran(";rota" * 8_000), "No, `rota` needs --zone utc.", ran("rota --zone utc")))
    assert time.process_time() - began < 5  # what grew with the square took a minute
