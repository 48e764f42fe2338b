"""Commands that come back in one order, and failures without an end: counts over episodes of sessions."""

from __future__ import annotations

from collections.abc import Sequence

from atif_sessions import Ran, session
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.evolve.repeats import Failing, Ordered, failing, sequences
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import decode

SHIP = ("git fetch origin", "make build", "make deploy")


def cuts(*sessions: Sequence[Ran | str]) -> list[list[Episode]]:
    """The episodes of sessions that ran these, each of its own."""
    import json

    made = []
    for number, ran in enumerate(sessions):
        steps = [one if isinstance(one, Ran) else Ran(one) for one in ran]
        made.append(cut(decode(json.dumps(session("ana", number, "do the usual", steps)).encode())))
    return made


def test_a_sequence_of_three_sessions_is_told_once_and_whole() -> None:
    found = sequences(cuts(SHIP, ["ls", *SHIP], [*SHIP, "date"], ["make build"]))
    assert found == [Ordered(commands=list(SHIP), sessions=3, agents=["claude-code"])]


def test_two_sessions_are_no_habit_and_one_counts_once() -> None:
    assert sequences(cuts(SHIP, SHIP)) == []
    assert sequences(cuts([*SHIP, *SHIP, *SHIP])) == []


def test_looking_around_is_no_sequence_and_repeating_one_command_is_none() -> None:
    assert sequences(cuts(*[["ls", "cat a.txt", "pwd"]] * 4)) == []
    assert sequences(cuts(*[["make build", "make build"]] * 4)) == []


def test_a_sequence_begins_with_what_changes_something() -> None:
    looks = ("ls", "cat Makefile", "git status")
    (found,) = sequences(cuts(*[[*looks, *SHIP]] * 3))
    assert found.commands == list(SHIP)
    assert sequences(cuts(*[[*looks, "make build"]] * 3)) == []


def test_what_failed_is_no_part_of_a_sequence() -> None:
    found = sequences(cuts(*[["make build", Ran("make check", 2, "no rule"), "make deploy"]] * 3))
    assert [one.commands for one in found] == [["make build", "make deploy"]]


def test_the_words_are_those_of_most_sessions() -> None:
    others = [["git fetch upstream", "make build"], ["git fetch origin", "make build"]]
    (found,) = sequences(cuts(*others, ["git fetch origin", "make build"]))
    assert found.commands == ["git fetch origin", "make build"]
    assert found.sessions == 3


def test_where_each_session_says_it_otherwise_the_programs_alone_are_told() -> None:
    (found,) = sequences(cuts(*[[f"git fetch r{n}", f"make build -j{n}"] for n in range(3)]))
    assert (found.commands, found.sessions) == (["git fetch", "make build"], 3)
    (one,) = failing(cuts(*[[Ran(f"npm test {n}", 1, "Error: boom happened")] for n in "abc"]), ())
    assert one.command == "npm test"


def test_failures_without_an_end() -> None:
    fails = Ran("npm test", 1, "Error: boom happened")
    assert failing(cuts([fails], [fails], ["ls", fails]), ()) == [
        Failing(command="npm test", error="Error: boom happened", sessions=3)
    ]
    assert failing(cuts([fails], [fails]), ()) == []
    assert failing(cuts([fails], [fails], [fails, "npm test"]), ()) == [], "there it worked in the end"
    assert failing(cuts([fails], [fails], [fails]), {"npm test"}) == [], "it is known what makes it work"


@given(
    st.lists(st.lists(st.sampled_from(["make a", "make b", "make c", "ls"]), max_size=7), max_size=6),
    st.randoms(),
)
def test_what_is_told_was_run_so_often_whatever_the_order_of_sessions(ran, random) -> None:  # type: ignore[no-untyped-def]
    given_cuts = cuts(*ran)
    found = sequences(given_cuts)
    for one in found:
        flat = [[c for n, c in enumerate(rows) if n == 0 or rows[n - 1] != c] for rows in ran]
        size = len(one.commands)
        holds = [any(rows[at : at + size] == one.commands for at in range(len(rows))) for rows in flat]
        assert sum(holds) == one.sessions >= 3
    random.shuffle(given_cuts)
    assert sequences(given_cuts) == found
