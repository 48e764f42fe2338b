"""The lines of a proposal as the checks see them."""

from __future__ import annotations

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.gate.context import GateContext
from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import DESCRIPTION, all_items, blocks, markdown, same_text
from skillclaw.skills.records import Bundle, Item, Proposal, Ref

__all__ = ["added_items", "all_evidence", "free_text", "proposal_items", "quoted", "summary"]


def proposal_items(proposal: Proposal) -> list[Item]:
    """The items of the proposal's files, the description first; a person's lines have no evidence.

    A description without evidence of its own stands on that of all lines. An unreadable SKILL.md has no
    items: the spec check refuses it.
    """
    if proposal.bundle is None:
        return []
    try:
        found = all_items(proposal.bundle, proposal.sidecar)
    except BadInputError:
        return []
    if found and found[0].section == DESCRIPTION and not found[0].evidence:
        found[0] = msgspec.structs.replace(found[0], evidence=all_evidence(proposal))
    return found


def all_evidence(proposal: Proposal) -> list[Ref]:
    """What all lines of the proposal cite, each session once."""
    found: dict[str, Ref] = {}
    for item in proposal.sidecar.items if proposal.sidecar else []:
        for ref in item.evidence:
            found.setdefault(ref.session, ref)
    return [found[session] for session in sorted(found)]


def added_items(proposal: Proposal, context: GateContext) -> list[Item]:
    """The items that the version before did not have; these have to prove themselves."""
    base = context.base(proposal)
    if base is None:
        return proposal_items(proposal)
    try:
        old = {same_text(item.text) for item in all_items(base.bundle, base.sidecar)}
    except BadInputError:
        old = set()
    return [item for item in proposal_items(proposal) if same_text(item.text) not in old]


def free_text(bundle: Bundle) -> list[str]:
    """The lines of the Markdown files that are no items: titles, paragraphs, code blocks."""
    return [
        block.text or block.raw
        for text in markdown(bundle).values()
        for block in blocks(split(text)[1])
        if block.kind != "item" and block.raw.strip()
    ]


def summary(reasons: list[str], limit: int = 3) -> str:
    """The first reasons as one sentence row, with how many more there are."""
    unique = list(dict.fromkeys(reasons))
    more = f" And {len(unique) - limit} more." if len(unique) > limit else ""
    return " ".join(unique[:limit]) + more


def quoted(text: str, limit: int) -> str:
    """`text` in quotation marks and one line, cut to `limit` characters."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= limit else line[: limit - 3] + '...'}”"
