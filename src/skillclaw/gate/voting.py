"""The rule of votes: what members' machines found, and what follows for the proposal. Pure.

A member has one vote, however many cases its counts tell of: it helps, it harms, or they say neither. So who
makes numbers up can say no more than who tried. Members whose own sessions the proposal was made from count
for nothing: the sessions that taught it would judge it. Who they are is not told: the log names who found
what, so that each number of those who count would tell by its difference who does not. Hence a verdict says
what follows, and no number of members or cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from skillclaw.hub.records import Counts
from skillclaw.hub.vote_jobs import VoteRules
from skillclaw.skills.records import Proposal, Verdict
from skillclaw.trajectory.model import Record

__all__ = ["Ballot", "Tally", "Voting", "opinion", "tally", "votes_verdict"]

Opinion = Literal["helps", "harms", "neither"]


class Ballot(Record, frozen=True, kw_only=True):
    """What one member's machine found; `source`: of a member whose sessions the proposal was made from."""

    member: str
    counts: Counts
    source: bool = False


class Tally(Record, frozen=True, kw_only=True):
    """How the votes on a proposal stand.

    state   `wait` for more; `pass`, `reject`; `doubt`: time is over, and somebody found that it harms;
            `few`: time is over, or nobody is there to vote, and nothing was said against it
    helps, harms  members that count; cases: theirs that could be tried; these are never published
    """

    state: Literal["wait", "pass", "reject", "doubt", "few"]
    helps: int = 0
    harms: int = 0
    cases: int = 0
    why: str = ""


Voting = Callable[[Proposal], tuple[Tally, VoteRules] | None]
"""How the votes on a proposal stand, and by which rules; None where none are asked for."""


def opinion(counts: Counts, rules: VoteRules) -> Opinion:
    """What a member's counts say."""
    if counts.lost > rules.lost or (counts.lost and counts.lost >= counts.won):
        return "harms"
    return "helps" if counts.won else "neither"


def tally(ballots: Sequence[Ballot], rules: VoteRules, *, voters: int, everyone: int, over: bool) -> Tally:
    """How the votes stand. `ballots` has a member once; `voters` is how many members may vote and did not
    teach it, `everyone` counts those who did too; `over` whether the time for it is. Before that it ends for
    want of votes only once everyone has spoken: if it ended with the last that counts, those who are silent
    would have taught it."""
    counted = [one.counts for one in ballots if not one.source]
    said = [opinion(one, rules) for one in counted]
    helps, harms = said.count("helps"), said.count("harms")
    tried = sum(one.won + one.lost + one.tied for one in counted)
    asked = round(rules.share * (helps + harms), 9)  # as floats 0.56 of 25 is a little more than 14
    enough = helps >= rules.needed and helps >= asked and tried >= rules.cases
    why = ""
    state: Literal["wait", "pass", "reject", "doubt", "few"] = "wait"
    if enough:
        state = "pass"
    elif harms >= rules.needed:
        state = "reject"
    elif over or voters < rules.needed or len(ballots) >= everyone:
        state = "doubt" if harms else "few"
        why = "everybody has voted"
        if over:
            why = "the time for it is over"
        elif voters < rules.needed:
            why = f"fewer than {rules.needed} others could vote"
    return Tally(state=state, helps=helps, harms=harms, cases=tried, why=why)


def votes_verdict(found: Tally, rules: VoteRules) -> Verdict:
    """The tally as a verdict of the gate, without its numbers; a `wait` holds."""
    enough = f"t least {rules.needed} of the members' machines"
    said: Literal["pass", "reject", "hold", "n/a"] = "hold"
    if found.state == "pass":
        said, reason = "pass", f"A{enough} found that it helps, and few or none that it harms."
    elif found.state == "reject":
        said, reason = "reject", f"A{enough} found that it harms."
    elif found.state == "wait":
        reason = f"It waits for votes: a{enough} have to find that it helps."
    elif found.state == "doubt":
        reason = f"Too few votes ({found.why}), and not all of them for it. A person has to look."
    else:
        said, reason = "hold" if rules.required else "n/a", f"Not enough votes ({found.why})."
    return Verdict(check="votes", verdict=said, reason=reason)
