"""Directions that an agent followed are told by what was named and done, in whatever words they were put."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from turns import session

from skillclaw.evolve.corpus import Corpus
from skillclaw.evolve.corrections import find_corrections
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.feedback import corrects

ASKED = "List the shifts of May in shifts.txt"


def ran(command: str, worked: bool = True) -> Any:
    return ("bash", {"command": command}, "ok" if worked else "error: refused", worked)


def corrections(*turns: Any) -> list[Episode]:
    return [e for e in cut(session(*turns)) if e.kind == "correction"]


@pytest.mark.parametrize(
    "said",
    [
        "`rota` gives local times unless you add --zone utc.",
        "Whoever reads that file counts in UTC: `rota list --zone utc`.",
        "The desk abroad would like --zone utc there.",
        "文件里的时间要用 --zone utc",
    ],
)
def test_work_made_over_with_what_the_user_named_was_corrected(said: str) -> None:
    """None of these is in words that say no."""
    assert not corrects(said)
    (found,) = corrections(
        ASKED, ran("rota list > shifts.txt"), ("say", "Done."), said, ran("rota list --zone utc > shifts.txt")
    )
    assert "--zone" in found.taken
    assert "--zone utc" in found.user_text
    assert found.worked
    assert found.intent == ASKED


def test_a_call_that_was_named_and_made_first_counts_where_the_work_is_done_again() -> None:
    (found,) = corrections(
        "Move card 4 to done",
        ran("board move 4 done", worked=False),
        "Whoever changes it takes `board hold` before.",
        ran("board hold"),
        ran("board move 4 done"),
    )
    assert found.taken == ("hold",)


def test_another_value_of_an_option_that_is_known_is_something_new() -> None:
    (found,) = corrections(
        ASKED,
        ran("rota list --zone local > a.txt"),
        "What goes into a file is in UTC, so --zone utc with it.",
        ran("rota list --zone utc > a.txt"),
    )
    assert found.taken == ("--zone utc",)


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ("Show me those of June as well.", "rota list --month june"),
        ("Now list them with --zone utc too.", "rota list --zone utc"),
        ("Great. Please run it with --zone utc for the archive.", "rota list --zone utc"),
        ("Would you build it with `make dist`?", "make dist"),
        ("The rota tool has --zone utc, by the way.", "ls"),
    ],
)
def test_a_further_request_is_none(said: str, then: str) -> None:
    assert corrections(ASKED, ran("rota list --month may"), ("say", "Done."), said, ran(then)) == []


def test_what_had_been_said_or_used_before_is_nothing_new() -> None:
    said = "`rota list --zone utc` it is."
    asked = "List the shifts with --zone utc in UTC"
    assert corrections(asked, ran("rota list"), said, ran("rota list --zone utc")) == []


def test_another_rule_told_later_does_not_take_back_the_first() -> None:
    turns = (
        "Tell the channel that we open at nine",
        ran("chat post general 'open at nine'", worked=False),
        "Channels begin with hs- there.",
        ran("chat post hs-general 'open at nine'"),
        "A post in the chat ends with /desk.",
        ran("chat post hs-general 'open at nine /desk'"),
    )
    assert [(e.taken, e.worked) for e in corrections(*turns)] == [(("hs-",), True), (("/desk",), True)]


def test_the_same_told_again_takes_back_what_did_not_help() -> None:
    turns = (
        ASKED,
        ran("rota list > a.txt"),
        "`rota` has --zone utc.",
        ran("rota list --zone utc > a.txt"),
        "No, I meant --zone utc+1.",
        ran("rota list --zone utc+1 > a.txt"),
    )
    assert [e.worked for e in corrections(*turns)] == [False, True]


def test_one_option_in_different_words_is_one_lesson() -> None:
    said = (
        "`rota` gives local times unless you add --zone utc.",
        "Whoever reads that file counts in UTC, hence --zone utc with it.",
        "Clocks! --zone utc",
    )
    episodes = []
    for number, words in enumerate(said):
        made = corrections(ASKED, ran("rota list > a.txt"), words, ran("rota list --zone utc > a.txt"))
        episodes += [msgspec.structs.replace(e, session=f"s{number}", user=f"u{number}") for e in made]
    corpus = Corpus(sessions=3, episodes=3, procedures=[], recoveries=[], corrections=episodes, pitfalls=[])
    (pattern,) = find_corrections(corpus)
    assert pattern.signature == "rota -> rota --zone utc"
    assert {ref.user for ref in pattern.evidence} == {"u0", "u1", "u2"}
    assert pattern.actions[0].command is not None
    assert "--zone utc" in pattern.actions[0].command


def test_two_options_in_nearly_the_same_words_are_two_lessons() -> None:
    episodes = []
    for number in range(6):
        option = "--zone utc" if number % 2 else "--clock utc"
        words = f"You have to pass {option} to `rota`, it never says so."
        made = corrections(ASKED, ran("rota list > a.txt"), words, ran(f"rota list {option} > a.txt"))
        episodes += [msgspec.structs.replace(e, session=f"s{number}", user=f"u{number}") for e in made]
    corpus = Corpus(sessions=6, episodes=6, procedures=[], recoveries=[], corrections=episodes, pitfalls=[])
    found = find_corrections(corpus)
    assert [p.signature for p in found] == ["rota -> rota --clock utc", "rota -> rota --zone utc"]
    assert all(p.sessions == 3 for p in found)
