"""A skill that nobody learned goes when people correct what it says; one person or a few take none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from turns import session

from skillclaw.evolve.care.blaming import blamed, may_be_blamed, says_otherwise
from skillclaw.gate.policies import policy
from skillclaw.skills.items import all_items
from skillclaw.skills.records import ActionShape, Bundle, File, Pattern, Ref, Sidecar
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import SkillUse, meta, with_meta

NAME = "shift-times"
SKILL = b"""---
name: shift-times
description: How to list shifts.
---

# Shifts

- Files hold local times: `rota list --zone local --day <day> > <file>.txt`
"""
ASKED = "List the shifts of May in shifts.txt"
WRONG = ("bash", {"command": "rota list --zone local --day 4 > shifts.txt"}, "", True)
RIGHT = ("bash", {"command": "rota list --zone utc --day 4 > shifts.txt"}, "", True)


def episodes(user: str, number: int, *turns: Any, read: bool = True) -> list[Episode]:
    made = session(*turns)
    skills = [SkillUse(name=NAME, offered=True, read_step=1 if read else None)]
    told = msgspec.structs.replace(meta(made), key=f"{user}{number}", user=user, skills=skills)
    return cut(with_meta(made, told))


def corrected(user: str, number: int = 0, **more: Any) -> list[Episode]:
    return episodes(user, number, ASKED, WRONG, "No, files are in UTC: --zone utc.", RIGHT, **more)


def fine(user: str, number: int = 0) -> list[Episode]:
    return episodes(user, number, ASKED, WRONG, "Great, thanks.")


def situation(patterns: list[str] | None = None, read: int = 9, name: str = "team") -> Any:
    bundle = Bundle(name=NAME, files=[File(path="SKILL.md", data=SKILL)])
    items = [msgspec.structs.replace(item, patterns=patterns or []) for item in all_items(bundle, None)]
    current = SimpleNamespace(bundle=bundle, sidecar=Sidecar(skill=NAME, version="v", items=items))
    uses = {NAME: SimpleNamespace(offered=9, read=read, users=3)}
    return SimpleNamespace(
        current={NAME: current},
        context=SimpleNamespace(policy=policy(name)),
        memory=SimpleNamespace(skill_uses=lambda: uses),
        patterns=[],
    )


def test_what_several_people_correct_is_blamed_on_the_skill_that_said_it() -> None:
    told = [*corrected("ana"), *corrected("ben"), *corrected("cy")]
    assert {e.user for e in blamed(NAME, told, situation())} == {"ana", "ben", "cy"}


@pytest.mark.parametrize(
    "told",
    [
        [*corrected("ana"), *corrected("ben")],
        [*corrected("ana"), *corrected("ana", 1), *corrected("ana", 2), *corrected("ana", 3)],
        [e for user in ("ana", "ben", "cy") for e in corrected(user, read=False)],
        [e for user in ("ana", "ben", "cy") for e in [*corrected(user), *fine(user, 1)]],
    ],
    ids=["too few", "one person", "not read", "went well as often"],
)
def test_it_stays_otherwise(told: list[Episode]) -> None:
    assert blamed(NAME, told, situation()) == []


def asked_otherwise(user: str, number: int = 0) -> list[Episode]:
    """The agent called it without what the skill says, and drops the day when it is told."""
    plain = ("bash", {"command": "rota list --day 4 > shifts.txt"}, "", True)
    broken = ("bash", {"command": "rota list --zone utc > shifts.txt"}, "usage: rota --day DAY", False)
    return episodes(user, number, ASKED, plain, "Those are local times: `rota` needs --zone utc.", broken)


def silent(user: str, number: int = 0) -> list[Episode]:
    return episodes(user, number, ASKED, WRONG)


def test_who_asks_for_the_contrary_speaks_against_it_though_the_agent_did_not_do_what_it_says() -> None:
    told = [e for user in ("ana", "ben", "cy") for e in asked_otherwise(user)]
    assert {e.user for e in blamed(NAME, told, situation())} == {"ana", "ben", "cy"}
    assert blamed(NAME, told[:4], situation()) == []  # two of them


def test_silence_speaks_half_as_loud_as_a_word() -> None:
    told = [e for user in ("ana", "ben", "cy") for e in corrected(user)]
    assert blamed(NAME, [*told, *silent("dan"), *silent("eve"), *silent("fay")], situation())
    assert blamed(NAME, [*told, *(e for n in range(9) for e in silent("dan", n))], situation())  # one person
    many = [e for user in ("dan", "eve", "fay", "gus") for e in silent(user)]
    assert not blamed(NAME, [*told, *many], situation())
    assert not blamed(NAME, [*told, *fine("dan"), *fine("eve")], situation())


@pytest.mark.parametrize(
    ("call", "demand", "found"),
    [
        ("rota list --zone local --day <day>", "rota --zone utc", True),
        ("rota list --day <day> --zone=local", "rota list --zone utc", True),
        ("cd x && rota --zone local", "rota --zone utc", True),
        ("rota list --zone utc", "rota --zone utc", False),
        ("rota list --zone <zone>", "rota --zone utc", False),
        ("rota list --timezone local", "rota --zone utc", False),
        ("rota list | other --zone local", "rota --zone utc", False),
        ("my-rota list --zone local", "rota --zone utc", False),
        ("other --zone local", "rota --zone utc", False),
        ("rota list --zone local", "rota --zone", False),
        ("rota list --zone local", "rota hold", False),
        ("rota list --zone local", "", False),
    ],
)
def test_a_call_says_otherwise_where_it_gives_the_same_option_another_value(
    call: str, demand: str, found: bool
) -> None:
    assert says_otherwise([call], demand) is found


@pytest.mark.parametrize("word", ["UTC", "utc.", "'utc'"])
def test_the_same_value_written_otherwise_is_the_same(word: str) -> None:
    assert not says_otherwise([f"rota list --zone {word}"], "rota --zone utc")


def test_a_skill_that_shows_the_demanded_call_too_says_no_other() -> None:
    assert not says_otherwise(["rota list --zone utc", "rota show --zone local"], "rota --zone utc")
    assert says_otherwise(["rota show --zone local"], "rota --zone utc")
    assert not says_otherwise(["rota show --zone local"], "rota list --zone utc")


def with_line(line: str) -> Any:
    """The situation with a skill that says this line."""
    made = situation()
    text = SKILL.decode().split("- Files")[0] + line + "\n"
    bundle = Bundle(name=NAME, files=[File(path="SKILL.md", data=text.encode())])
    made.current[NAME].bundle = bundle
    return made


@pytest.mark.parametrize(
    ("line", "goes"),
    [
        ("- Times of the house: `rota list --zone local`", True),
        ("```\nrota list --zone local\n```", True),
        ("```\n# never: rota list --zone local\nrota list\n```", False),
        ("```\nrota list --zone local  # the house's\n```", True),
        ("Never do this:\n\n```\nrota list --zone local\n```", False),
        ("```\n# wrong\nrota list --zone local\n```", False),
        ("Files hold UTC, so do not\nrun `rota list --zone local` for them.", False),
        ("Do not use any of these:\n\n- `rota stop`\n- `rota list --zone local`", False),
        ("- `rota list --zone local` is wrong: files hold UTC.", False),
        ("| Wrong | `rota list --zone local` |", False),
        ("- **Don't**: `rota list --zone local`", False),
        ("- Avoid: `rota list --zone local`", False),
        ("- As people do it: `grep rota --zone local`", False),
        ("- Do NOT run `rota list --zone local`: files hold UTC.", False),
        ("- Always `rota list --zone utc`, never `rota list --zone local`.", False),
        ("- Never with --zone local: it is `rota list --zone utc`", False),
        ("- Files: `rota list --zone utc`; the wall display: `rota show --zone local`", False),
        ("- The zone is --zone local, in words alone", False),
    ],
)
def test_what_a_skill_warns_of_is_not_what_it_says(line: str, goes: bool) -> None:
    told = [e for user in ("ana", "ben", "cy") for e in asked_otherwise(user)]
    assert bool(blamed(NAME, told, with_line(line))) is goes


def asks_for(user: str, *wanted: str) -> list[Episode]:
    plain = ("bash", {"command": "rota list > shifts.txt"}, "", True)
    turns = [part for one in wanted for part in (f"Wrong: `rota` needs {one}.", plain)]
    return episodes(user, 0, ASKED, plain, *turns)


def test_an_agent_that_takes_the_other_call_of_a_right_skill_is_no_fault_of_it() -> None:
    both = with_line("- Files: `rota list --zone utc`; the wall display: `rota show --zone local`")
    told = [
        e
        for user in ("ana", "ben", "cy")
        for e in episodes(user, 0, ASKED, WRONG, "Those are local times: `rota` needs --zone utc.", RIGHT)
    ]
    assert not blamed(NAME, told, both)
    assert blamed(NAME, told, situation())


def test_three_who_want_three_values_blame_nobodys_example() -> None:
    shows = with_line("- One month: `rota list --month may`")
    months = {"ana": "--month june", "ben": "--month july", "cy": "--month august"}
    assert not blamed(NAME, [e for user, month in months.items() for e in asks_for(user, month)], shows)
    assert blamed(NAME, [e for user in months for e in asks_for(user, "--month june")], shows)
    copied = ("bash", {"command": "rota list --month may > shifts.txt"}, "", True)
    told = [
        e
        for user, month in months.items()
        for e in episodes(user, 0, ASKED, copied, f"Wrong: `rota` needs {month}.", copied)
    ]
    assert not blamed(NAME, told, shows), "though their agents did as it shows"


def test_who_did_as_it_says_was_wrong_whatever_was_asked_for_in_the_end() -> None:
    cet = ("bash", {"command": "rota list --zone cet --day 4 > shifts.txt"}, "", True)
    told = [
        e
        for user in ("ana", "ben", "cy")
        for e in episodes(
            user, 0, ASKED, WRONG, "Wrong: `rota` needs --zone utc.", RIGHT,
            "No, sorry: `rota` needs --zone cet.", cet,
        )
    ]  # fmt: skip
    assert {e.demand: e.worked for e in told if e.demand} == {
        "rota --zone utc": False,
        "rota --zone cet": True,
    }
    assert {e.user for e in blamed(NAME, told, situation())} == {"ana", "ben", "cy"}


@pytest.mark.parametrize("call", ["rota hold --zone utc --day 4", "rota hold --filter status=open"])
def test_who_repeats_what_the_skill_says_speaks_not_against_it(call: str) -> None:
    told = [
        e
        for user in ("ana", "ben", "cy")
        for e in episodes(
            user, 0, ASKED, ("bash", {"command": "rota list"}, "", True), f"Wrong, you must use `{call}`.",
            ("bash", {"command": call}, "", True),
        )
    ]  # fmt: skip
    assert not blamed(NAME, told, with_line(f"- Hold it: `{call}`"))


@pytest.mark.parametrize("written", ["--zone=local", '--zone "local"', "--zone local"])
def test_however_followers_write_the_value_they_follow(written: str) -> None:
    did = ("bash", {"command": f"rota list {written} --day 4 > shifts.txt"}, "", True)
    thanks = [e for n in range(5) for e in episodes(f"u{n}", 0, ASKED, did, "Great, thanks.")]
    told = [*asked_otherwise("ana"), *asked_otherwise("ana", 1), *asked_otherwise("ben")]
    assert not blamed(NAME, [*told, *thanks], situation())
    assert blamed(NAME, told, situation())


def well(user: str, number: int = 0) -> list[Episode]:
    return episodes(user, number, ASKED, RIGHT)


def rule(demand: str, users: str) -> Pattern:
    refs = [Ref(session=f"x{n}", user=user, agent="a", day="") for n, user in enumerate(users)]
    call = ActionShape(tool="bash", command="rota list --zone utc")
    return Pattern(
        id="r", kind="correction", title="", topic="rota", signature="", demand=demand, actions=[call],
        evidence=refs,
    )  # fmt: skip


def test_where_people_state_a_rule_those_who_keep_it_speak_against_the_contrary() -> None:
    """Nobody did what the skill says, so that nobody had to correct it."""
    told = [e for user in ("ana", "ben", "cy") for e in well(user)]
    made = situation()
    assert not blamed(NAME, told, made)
    made.patterns = [rule("rota --zone utc", "ddd")]
    assert not blamed(NAME, told, made), "one person's rule"
    made.patterns = [rule("rota --zone utc", "dande")]
    assert {e.user for e in blamed(NAME, told, made)} == {"ana", "ben", "cy"}
    assert not blamed(NAME, [*told, *fine("fay"), *fine("gus"), *fine("hal")], made)
    for other in ("rota --zone local", "rota --deep", "board --zone utc"):
        made.patterns = [rule(other, "dande")]
        assert not blamed(NAME, told, made)


def test_a_rule_for_one_subcommand_speaks_not_against_another() -> None:
    told = [e for user in ("ana", "ben", "cy") for e in well(user)]
    wall = with_line("- The wall display: `rota show --zone local`")
    wall.patterns = [rule("rota --zone utc", "dande")]
    assert not blamed(NAME, told, wall)
    made = situation()
    made.patterns = [msgspec.structs.replace(rule("rota --zone utc", "dande"), project="other")]
    assert not blamed(NAME, told, made)
    both = [e for user in ("ana", "ben", "cy") for e in episodes(user, 0, ASKED, WRONG, RIGHT)]
    made.patterns = [rule("rota --zone utc", "dande")]
    assert not blamed(NAME, both, made), "they did what it says, too"


def test_what_was_taken_back_blames_nothing() -> None:
    told = [e for user in ("ana", "ben", "cy") for e in asks_for(user, "--zone utc", "--zone cet")]
    assert not blamed(NAME, told, with_line("- `rota list --zone cet`"))


def test_a_long_line_of_a_members_takes_no_time() -> None:
    long = "- " + "`rota` " * 60_000
    told = [e for user in ("ana", "ben", "cy") for e in asked_otherwise(user)]
    assert not blamed(NAME, told, with_line(long))


def test_alone_one_person_is_enough() -> None:
    told = [e for number in range(3) for e in corrected("ana", number)]
    assert blamed(NAME, told, situation(name="solo"))


def test_only_skills_that_are_read_and_that_nobody_learned_are_looked_at() -> None:
    assert may_be_blamed(NAME, situation())
    assert not may_be_blamed(NAME, situation(read=2))
    assert not may_be_blamed(NAME, situation(patterns=["correction-1"]))
