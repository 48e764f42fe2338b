"""`scan`: nothing in a skill makes an agent do harm, whatever the evidence says (DESIGN 3.5)."""

from __future__ import annotations

from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import summary
from skillclaw.gate.rules import dangers
from skillclaw.skills.records import Bundle, Item, Proposal, Verdict

__all__ = ["check", "item_fault", "name", "order", "static"]

name = "scan"
order = 50


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects dangerous commands and instructions that turn an agent against its user."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has no files.")]
    return static(proposal.bundle)


def static(bundle: Bundle) -> list[Verdict]:
    """The same for a bundle alone."""
    reasons = []
    for file in sorted(bundle.files, key=lambda f: f.path):
        text = file.data.decode("utf-8", errors="replace")
        # A phrase may be broken over lines, so the text is looked at once more as one line a paragraph.
        joined = "\n".join(" ".join(part.split()) for part in text.split("\n\n"))
        found = {danger.what: danger for danger in [*dangers(text), *dangers(joined)]}
        reasons += [f"{file.path} {d.what}: `{d.text}`." for d in found.values()]
    if reasons:
        return [Verdict(check=name, verdict="reject", reason=summary(reasons))]
    return [Verdict(check=name, verdict="pass", reason="No dangerous command or instruction.")]


def item_fault(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """Why this line is dangerous."""
    found = next(dangers(f"{item.section}\n{' '.join(item.text.split())}"), None)
    return f"The line {found.what}: `{found.text}`." if found else None
