"""The reason for a proposal that a model gives: data like its lines, and read before a decision is made."""

from __future__ import annotations

from msgspec.structs import replace

from skillclaw import gate
from skillclaw.evolve.dossier.patterns import number
from skillclaw.evolve.engines.echo import echoed
from skillclaw.gate.lines import all_evidence
from skillclaw.gate.prune import item_reason
from skillclaw.skills.records import Item, Proposal

__all__ = ["explained"]


def explained(proposal: Proposal, known: gate.GateContext) -> Proposal:
    """The proposal with a reason that people may read: the model's, where the gate would let it stand as a
    line, else one that counts. It must not plead with what a page says, nor tell all what one person said."""
    evidence = all_evidence(proposal)
    if proposal.bundle is None:
        against = [ref for pattern in proposal.patterns for ref in pattern.contradictions]
        evidence = list({ref.session: ref for ref in [*against, *proposal.against]}.values())
    probe = Item(
        id="", kind="fact", text=proposal.why, patterns=[p.id for p in proposal.patterns], evidence=evidence
    )
    base = known.base(proposal)
    if not item_reason(probe, proposal, known) and not echoed(
        probe.text, evidence, known, base.bundle if base else None
    ):
        return proposal
    sessions, users = len({ref.session for ref in evidence}), len({ref.user for ref in evidence})
    told = f"{number(sessions, 'session')} of {number(users, 'user')}"
    if proposal.bundle is None:
        return replace(proposal, why=f"{told} speak against it; a model weighed them.")
    return replace(proposal, why=f"Worded by a model from {told}.")
