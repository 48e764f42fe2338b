"""The rule of the log about `counts`: what members found when they tried a proposal themselves. Pure.

A member's counts on a proposal are one entry of it, however many cases they are of: the later replaces the
earlier. Only while the proposal is open: what comes after a decision changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from skillclaw.hub import kinds, membership
from skillclaw.hub.records import Commit, Counts, HubState, Key
from skillclaw.hub.statements import COUNTED
from skillclaw.hub.void import Void

__all__ = ["RULES", "VOTERS"]

VOTERS = ("member", "importer")
"""Roles whose counts count: a machine that is owner or evolver too has one of these, and so one vote."""


def _counts(state: HubState, commit: Commit, signer: Key, body: kinds.CountsEntry) -> HubState:
    proposal = state.proposals.get(body.proposal)
    if proposal is None:
        raise Void("there is no such proposal")
    if proposal.status != "open":
        raise Void(f"the proposal is {proposal.status} already: its time for votes is over")
    if body.object != proposal.object:
        raise Void("something else was tried than what was proposed")
    said = membership.said_by(
        state, body.public, body.sig, "counts", *(getattr(body, name) for name in COUNTED)
    )
    if said.role not in VOTERS:
        raise Void("counts are of members")
    before = proposal.counts.get(said.member)
    if before is not None and before.n >= body.n:
        raise Void("the member said something later already")
    found = Counts(
        won=body.won,
        lost=body.lost,
        tied=body.tied,
        void=body.void,
        model=body.model,
        calls=body.calls,
        tokens=body.tokens,
        seconds=body.seconds,
        skillclaw=body.skillclaw,
        n=body.n,
        time=commit.time,
    )
    proposal = replace(proposal, counts={**proposal.counts, said.member: found})
    return replace(state, proposals={**state.proposals, proposal.id: proposal})


RULES: dict[str, Callable[[HubState, Commit, Key, Any], HubState]] = {"counts": _counts}
