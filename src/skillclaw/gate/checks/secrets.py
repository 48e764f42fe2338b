"""`secrets`: no secret, no personal data, and no placeholder that stands for one in a skill."""

from __future__ import annotations

from collections import Counter

from skillclaw.gate.context import GateContext, Masker
from skillclaw.gate.static import default_masker
from skillclaw.skills.file_text import as_text
from skillclaw.skills.records import Bundle, Item, Proposal, Verdict
from skillclaw.skills.text import has_mask

__all__ = ["check", "item_fault", "name", "order", "static"]

name = "secrets"
order = 40


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects a bundle that holds a secret or personal data anywhere."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has no files.")]
    return _judge(proposal.bundle, context.redactor)


def static(bundle: Bundle) -> list[Verdict]:
    """The same with the rules that need no knowledge of the person."""
    return _judge(bundle, default_masker())


def item_fault(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """Why this line gives something away."""
    for text in (item.text, item.section):
        mask = has_mask(text)
        if mask is not None:
            return f"The line holds {mask}, which stands for something private, so it cannot be followed."
        kinds = context.redactor.text(text)[1]
        if kinds:
            return f"The line holds {_kinds(kinds)}."
    return None


def _judge(bundle: Bundle, masker: Masker) -> list[Verdict]:
    found: list[str] = []
    for file in sorted(bundle.files, key=lambda f: f.path):
        text = as_text(file.data)
        kinds = masker.text(text)[1] + masker.text(file.path)[1]
        if kinds:
            found.append(f"{file.path} holds {_kinds(kinds)}.")
        mask = has_mask(text)
        if mask is not None:
            found.append(f"{file.path} holds {mask}, which stands for something private.")
    if found:
        return [Verdict(check=name, verdict="reject", reason=" ".join(found))]
    return [Verdict(check=name, verdict="pass", reason="No secrets and no personal data.")]


def _kinds(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
