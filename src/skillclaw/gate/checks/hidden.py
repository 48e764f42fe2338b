"""`hidden`: nothing in a skill that an agent reads and a person does not see."""

from __future__ import annotations

from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import summary
from skillclaw.skills import hiding
from skillclaw.skills.records import Bundle, Item, Proposal, Verdict

__all__ = ["check", "item_fault", "name", "order", "static"]

name = "hidden"
order = 30


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects invisible or deceiving characters, and text that a reader of the page is not shown."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has no files.")]
    return static(proposal.bundle)


def static(bundle: Bundle) -> list[Verdict]:
    """Rejects a bundle with hidden text."""
    found = hiding.hidden(bundle)
    if not found:
        return [Verdict(check=name, verdict="pass", reason="A person sees all that an agent reads.")]
    reasons = [f"{finding.path}: {finding.text}." for finding in found]
    return [Verdict(check=name, verdict="reject", reason=summary(reasons))]


def item_fault(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """Why this line hides something."""
    for text in (item.text, item.section):
        found = [*hiding.hidden_in(text.replace("\n", " ")), *hiding.unseen_in(text)]
        if found:
            return f"The line {found[0][1]}."
    return None
