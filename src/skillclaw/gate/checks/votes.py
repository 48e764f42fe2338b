"""`votes`: members' own machines tried it on their own sessions, and it helped."""

from __future__ import annotations

from skillclaw.gate.context import GateContext
from skillclaw.gate.voting import votes_verdict
from skillclaw.skills.records import Proposal, Verdict

__all__ = ["check", "costly", "name", "order"]

name = "votes"
order = 85
costly = True


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Holds while votes are waited for: the proposal stays open until then (`evolve.voting`)."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement is not voted on by machines.")]
    found = context.voting(proposal) if context.voting is not None else None
    if found is None:
        return [Verdict(check=name, verdict="n/a", reason="No machine was asked for its vote.")]
    return [votes_verdict(*found)]
