"""The rule of votes: one member one vote, whatever its numbers; nothing passes that more find harmful."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.gate.voting import Ballot, Tally, opinion, tally, votes_verdict
from skillclaw.hub.records import Counts
from skillclaw.hub.vote_jobs import VoteRules

CASES = st.integers(0, 1000)
COUNTS = st.builds(Counts, won=CASES, lost=CASES, tied=CASES, void=CASES)
RULES = st.builds(
    VoteRules,
    needed=st.integers(1, 5),
    voters=st.integers(5, 9),
    share=st.floats(0.51, 1),
    cases=st.integers(1, 20),
    lost=st.integers(0, 3),
    required=st.booleans(),
)


def ballots(*found: tuple[int, int], sources: int = 0) -> list[Ballot]:
    """Members' (won, lost); the last `sources` of them taught it."""
    return [
        Ballot(member=f"m{at}", counts=Counts(won=won, lost=lost, tied=1), source=at >= len(found) - sources)
        for at, (won, lost) in enumerate(found)
    ]


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ([], "wait"),
        ([(3, 0)], "wait"),
        ([(3, 0), (1, 0)], "pass"),
        ([(1000, 0)], "wait"),
        ([(3, 0), (0, 0)], "wait"),
        ([(3, 0), (3, 1)], "wait"),
        ([(3, 0), (3, 0), (0, 1)], "pass"),
        ([(3, 0), (0, 1), (0, 1)], "reject"),
        ([(1000, 0), (1, 1), (1, 1), (1, 1)], "reject"),
    ],
)
def test_members_decide_and_not_their_numbers(found: list[tuple[int, int]], state: str) -> None:
    result = tally(ballots(*found), VoteRules(), voters=9, everyone=9, over=False)
    assert (result.state, result.why) == (state, ""), "nothing has ended it but the votes"


def test_each_number_of_the_rules_is_asked_for() -> None:
    """One by one, where all others are kept."""
    lenient = VoteRules(lost=3)
    assert opinion(Counts(won=2, lost=2), lenient) == "harms", "as often as it helps is too often"
    assert opinion(Counts(won=3, lost=2), lenient) == "helps"
    two, split = ballots((3, 0), (3, 0)), ballots((3, 0), (3, 0), (0, 1))
    fourth = ballots((3, 0), (3, 0), (3, 0), (0, 1))
    for rules, found, state in (
        (VoteRules(share=0.6, cases=8), split, "pass"),
        (VoteRules(share=0.75, cases=8), split, "wait"),
        (VoteRules(share=0.75), fourth, "pass"),
        (VoteRules(cases=8), two, "pass"),
        (VoteRules(cases=9), two, "wait"),
        (VoteRules(cases=10), split, "pass"),
        (VoteRules(cases=11), split, "wait"),
    ):
        assert tally(found, rules, voters=9, everyone=9, over=False).state == state


def test_who_saw_no_difference_speaks_neither_for_it_nor_against_it() -> None:
    same = Counts(won=0, lost=0, tied=9)
    assert opinion(same, VoteRules()) == "neither"
    silent = [Ballot(member=f"s{at}", counts=same) for at in range(2)]
    for found, state in (([(3, 0), (3, 0)], "pass"), ([(3, 0)], "few")):
        assert tally([*ballots(*found), *silent], VoteRules(), voters=9, everyone=9, over=True).state == state


def test_the_share_is_met_by_the_very_number_that_it_means() -> None:
    """0.56 of 25 is 14; as floats multiply it is a little more."""
    found = ballots(*[(3, 0)] * 14, *[(0, 1)] * 11)
    assert tally(found, VoteRules(share=0.56), voters=30, everyone=30, over=False).state == "pass"


def test_time_or_too_few_members_end_it() -> None:
    rules = VoteRules()
    late = tally(ballots((3, 0)), rules, voters=9, everyone=9, over=True)
    assert (late.state, late.why) == ("few", "the time for it is over")
    assert tally(ballots((3, 0), (0, 1)), rules, voters=9, everyone=9, over=True).state == "doubt"
    alone = tally([], rules, voters=1, everyone=4, over=False)
    assert (alone.state, alone.why) == ("few", "fewer than 2 others could vote"), "one other cannot be two"
    all_of_them = tally(ballots((3, 0), (0, 1)), rules, voters=2, everyone=2, over=False)
    assert (all_of_them.state, all_of_them.why) == ("doubt", "everybody has voted")


@pytest.mark.parametrize(
    ("state", "required", "verdict"),
    [
        ("pass", False, "pass"),
        ("reject", False, "reject"),
        ("wait", False, "hold"),
        ("doubt", False, "hold"),
        ("few", False, "n/a"),
        ("few", True, "hold"),
    ],
)
def test_what_follows_from_the_votes(
    state: Literal["wait", "pass", "reject", "doubt", "few"], required: bool, verdict: str
) -> None:
    said = votes_verdict(Tally(state=state, why="the time for it is over"), VoteRules(required=required))
    assert (said.check, said.verdict) == ("votes", verdict)
    assert ("the time for it is over" in said.reason) == (state in ("doubt", "few"))


def test_who_taught_it_is_counted_out() -> None:
    found = tally(ballots((3, 0), (3, 0), (3, 0), sources=2), VoteRules(), voters=9, everyone=11, over=False)
    assert (found.state, found.helps, found.harms, found.cases) == ("wait", 1, 0, 4)
    against = tally(ballots((0, 3), (0, 3), sources=1), VoteRules(), voters=9, everyone=11, over=False)
    assert (against.state, against.helps, against.harms, against.cases) == ("wait", 0, 1, 4)


def test_it_does_not_end_with_the_last_who_counts_since_that_would_tell_who_taught_it() -> None:
    spoken = ballots((3, 0), (0, 1), sources=0)
    assert tally(spoken, VoteRules(), voters=2, everyone=4, over=False).state == "wait"


@given(st.lists(st.tuples(COUNTS, st.booleans()), max_size=8), RULES, st.booleans())
def test_a_verdict_tells_what_follows_and_no_number_of_who_counts(
    found: list[tuple[Counts, bool]], rules: VoteRules, over: bool
) -> None:
    """Beside the log's counts by member, any number of those who count would name those who do not."""
    votes = [Ballot(member=str(at), counts=one, source=bad) for at, (one, bad) in enumerate(found)]
    free = 9 - sum(bad for _, bad in found)
    result = tally(votes, rules, voters=free, everyone=9, over=over)
    reason = votes_verdict(result, rules).reason
    assert set(re.findall(r"\d+", reason)) <= {str(rules.needed)}, "the group's own rule is known to all"


@given(st.lists(COUNTS, max_size=8), RULES, st.booleans(), st.integers(0, 9))
def test_nothing_passes_that_more_find_harmful_than_helpful(
    found: list[Counts], rules: VoteRules, over: bool, voters: int
) -> None:
    votes = [Ballot(member=str(at), counts=one) for at, one in enumerate(found)]
    result = tally(votes, rules, voters=voters, everyone=9, over=over)
    said = [opinion(one, rules) for one in found]
    if result.state == "pass":
        assert said.count("helps") >= rules.needed and said.count("helps") > said.count("harms")
        assert result.cases >= rules.cases
    if said.count("harms") >= rules.needed and said.count("harms") >= said.count("helps"):
        assert result.state == "reject"
    if over:
        assert result.state != "wait"
    verdict = votes_verdict(result, rules)
    assert verdict.check == "votes"
    assert verdict.verdict == {"wait": "hold", "doubt": "hold", "pass": "pass", "reject": "reject"}.get(
        result.state, "hold" if rules.required else "n/a"
    )
    assert verdict.reason.endswith(".")


@given(st.lists(COUNTS, max_size=6), RULES, st.integers(0, 1000))
def test_no_member_changes_anything_by_larger_numbers(
    found: list[Counts], rules: VoteRules, more: int
) -> None:
    """A liar that multiplies its counts says no more than one that does not."""
    plain = [Ballot(member=str(at), counts=one) for at, one in enumerate(found)]
    if not found or sum(one.won + one.lost + one.tied for one in found) < rules.cases:
        return
    first = found[0]
    louder = (
        Counts(won=first.won + more, lost=first.lost, tied=first.tied)
        if not first.lost and first.won
        else first
    )
    loud = [Ballot(member="0", counts=louder), *plain[1:]]
    first_said, then = (tally(one, rules, voters=9, everyone=9, over=False) for one in (plain, loud))
    assert first_said.state == then.state


def test_the_rules_of_a_group_make_sense() -> None:
    with pytest.raises(ValueError, match="voters cannot be fewer"):
        VoteRules(needed=3, voters=2)
