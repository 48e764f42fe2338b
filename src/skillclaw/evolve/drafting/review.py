"""What the gate would say of a proposal, as sentences that its author can act on."""

from __future__ import annotations

from skillclaw import gate
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.gate.lines import proposal_items
from skillclaw.skills.bundle import version
from skillclaw.skills.edit_records import shown
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.records import Item, Proposal

__all__ = ["review"]

_MENDED = frozenset({"spec", "size", "hidden", "secrets", "scan"})
"""Checks whose `hold` an author can do something about; others wait for people whatever is written."""


def review(proposal: Proposal, context: EvolveContext) -> list[str]:
    """What to mend in `proposal`, worst first; empty where nothing is.

    Each line that the gate would not let stand is named with the reason; then comes what is wrong with the
    rest as a whole. Without sessions to look into (`context.gate` is None) only the files are checked.
    """
    if proposal.bundle is None:
        return [] if context.gate is None else _rejects(proposal, context.gate)
    if context.gate is None:
        verdicts = gate.static_checks(proposal.bundle)
        return [f"{v.check}: {v.reason}" for v in verdicts if v.verdict in ("reject", "hold")]
    items = {item.id: item for item in proposal_items(proposal)}
    found = [
        f"{_named(items.get(fault.item))}: {fault.reason}" for fault in gate.faults(proposal, context.gate)
    ]
    pruned, _ = gate.prune(proposal, context.gate)
    if pruned.base is not None and pruned.bundle is not None and version(pruned.bundle) == pruned.base:
        return [*found, "Without these lines nothing is left of the change."]
    return list(dict.fromkeys([*found, *_rejects(pruned, context.gate)]))


def _rejects(proposal: Proposal, context: gate.GateContext) -> list[str]:
    return [
        f"{verdict.check}: {verdict.reason}"
        for verdict in gate.judge(proposal, context)
        if verdict.verdict == "reject" or (verdict.verdict == "hold" and verdict.check in _MENDED)
    ]


def _named(item: Item | None) -> str:
    if item is None:
        return "A line"
    if item.section == DESCRIPTION:
        return "The description"
    return f"The line {shown(item.text)} in {shown(item.section)}"
