"""The rule of votes: what members' machines found, and what follows for the proposal (DESIGN 7.5). Pure.

A member has one vote, however many cases its counts tell of: it helps, it harms, or they say neither. So who
makes numbers up can say no more than who tried. Members whose own sessions the proposal was made from count
for nothing, and that is told: the sessions that taught it would judge it.
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
    helps, harms, neither  members; left_out: those that count for nothing
    won, lost, tied  the counted members' cases
    """

    state: Literal["wait", "pass", "reject", "doubt", "few"]
    helps: int = 0
    harms: int = 0
    neither: int = 0
    left_out: int = 0
    won: int = 0
    lost: int = 0
    tied: int = 0
    why: str = ""


Voting = Callable[[Proposal], tuple[Tally, VoteRules] | None]
"""How the votes on a proposal stand, and by which rules; None where none are asked for."""


def opinion(counts: Counts, rules: VoteRules) -> Opinion:
    """What a member's counts say."""
    if counts.lost > rules.lost or (counts.lost and counts.lost >= counts.won):
        return "harms"
    return "helps" if counts.won else "neither"


def tally(ballots: Sequence[Ballot], rules: VoteRules, *, voters: int, over: bool) -> Tally:
    """How the votes stand. `ballots` has a member once; `voters` is how many members may vote at all; `over`
    whether the time for it is."""
    counted = [one.counts for one in ballots if not one.source]
    said = [opinion(one, rules) for one in counted]
    helps, harms = said.count("helps"), said.count("harms")
    won, lost = sum(one.won for one in counted), sum(one.lost for one in counted)
    tied = sum(one.tied for one in counted)
    tried = won + lost + tied
    enough = helps >= rules.needed and helps >= rules.share * (helps + harms) and tried >= rules.cases
    why = ""
    state: Literal["wait", "pass", "reject", "doubt", "few"] = "wait"
    if enough:
        state = "pass"
    elif harms >= rules.needed:
        state = "reject"
    elif over or voters < rules.needed or len(counted) >= voters:
        state = "doubt" if harms else "few"
        why = "the time for it is over" if over else f"{voters} other members could vote"
    return Tally(
        state=state,
        helps=helps,
        harms=harms,
        neither=said.count("neither"),
        left_out=len(ballots) - len(counted),
        won=won,
        lost=lost,
        tied=tied,
        why=why,
    )


def votes_verdict(found: Tally, rules: VoteRules) -> Verdict:
    """The tally as a verdict of the gate; a `wait` holds."""
    told = (
        f"{found.helps} members' machines found that it helps, {found.harms} that it harms, "
        f"{found.neither} neither (cases: {found.won} won, {found.lost} lost, {found.tied} tied)"
    )
    if found.left_out:
        told += f"; {found.left_out} more taught it and do not count"
    if found.state == "pass":
        return Verdict(check="votes", verdict="pass", reason=f"{told}.")
    if found.state == "reject":
        return Verdict(check="votes", verdict="reject", reason=f"{told}.")
    if found.state == "wait":
        asked = f"It waits for the votes of {rules.needed} members' machines"
        return Verdict(check="votes", verdict="hold", reason=f"{asked}: {told}.")
    if found.state == "doubt":
        reason = f"Too few votes ({found.why}), and not all of them for it: {told}. A person has to look."
        return Verdict(check="votes", verdict="hold", reason=reason)
    reason = f"Not enough votes ({found.why}): {told}."
    return Verdict(check="votes", verdict="hold" if rules.required else "n/a", reason=reason)
