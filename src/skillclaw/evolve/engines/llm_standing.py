"""What of a model's proposal can stand: what the gate lets pass, and what no page asked for."""

from __future__ import annotations

import msgspec

from skillclaw import gate
from skillclaw.evolve.dossier import line
from skillclaw.evolve.drafting import Draft, Target
from skillclaw.evolve.engines.echo import echoed
from skillclaw.evolve.engines.reasons import explained
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.gate.cited import refs_of
from skillclaw.gate.lines import added_items
from skillclaw.skills.records import Proposal

__all__ = ["echoes", "settled", "titled"]


def settled(proposal: Proposal, context: EvolveContext) -> Proposal | None:
    """The proposal as the gate would leave it; None where it would refuse it."""
    if context.gate is None:
        return proposal
    pruned, _ = gate.prune(proposal, context.gate)
    if gate.decide(gate.judge(pruned, context.gate)) == "rejected":
        return None
    return explained(pruned, context.gate)


def titled(draft: Draft, target: Target, context: EvolveContext) -> Draft:
    """The draft without a title that only tool output asked for: that of the topic takes its place."""
    known = context.gate
    if known is None or not draft.title or not echoed(draft.title, refs_of(target.patterns), known):
        return draft
    return msgspec.structs.replace(draft, title="")


def echoes(proposal: Proposal, context: EvolveContext) -> dict[str, str]:
    """By item the reason why it looks as if tool output had asked for it."""
    if context.gate is None:
        return {}
    base = context.gate.base(proposal)
    found = {}
    for item in added_items(proposal, context.gate):
        heading = item.section.partition(" / ")[2]
        why = next(
            (
                reason
                for text in (item.text, heading)
                if (reason := echoed(text, item.evidence, context.gate, base.bundle if base else None))
            ),
            None,
        )
        if why:
            found[item.id] = f"“{line(item.text, 60)}”: {why}"
    return found
