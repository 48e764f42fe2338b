"""The lines of a proposal as the checks see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.gate.context import GateContext
from skillclaw.skills.file_text import as_text, is_binary
from skillclaw.skills.frontmatter import parse, split
from skillclaw.skills.items import DESCRIPTION, Block, all_items, blocks, markdown, same_text
from skillclaw.skills.programs import programs
from skillclaw.skills.records import Item, Proposal, Ref

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
    """The items that the version before did not have there; these have to prove themselves. Under another
    heading a line says something else ("Never do this", "Always do this")."""
    base = context.base(proposal)
    if base is None:
        return proposal_items(proposal)
    try:
        old = {_placed(item) for item in all_items(base.bundle, base.sidecar)}
    except BadInputError:
        old = set()
    return [item for item in proposal_items(proposal) if _placed(item) not in old]


def _placed(item: Item) -> tuple[str, str]:
    return item.section, same_text(item.text)


def free_text(proposal: Proposal, context: GateContext) -> list[str]:
    """What the proposal's files say beside items: titles, paragraphs and code blocks of Markdown; and, where
    the version before did not have it so, values of frontmatter and the lines of other texts. Programs are
    told apart by the checks on them."""
    if proposal.bundle is None:
        return []
    base = context.base(proposal)
    old = {file.path: file.data for file in base.bundle.files} if base is not None else {}
    known = frozenset(_values(old.get("SKILL.md", b"")))
    pages = markdown(proposal.bundle)
    found = [part for text in pages.values() for part in _paragraphs(blocks(split(text)[1]))]
    run = {file.path for file in programs(proposal.bundle)}
    for file in proposal.bundle.files:
        if file.path == "SKILL.md":
            found += [value for value in _values(file.data) if value not in known]
        elif old.get(file.path) == file.data or file.path in run or is_binary(file.path):
            continue
        else:
            text = as_text(file.data)
            lines = split(text)[0] if file.path in pages else text
            found += [line for line in lines.splitlines() if line.strip(" -\t")]
    return found


def _paragraphs(parts: Iterable[Block]) -> Iterator[str]:
    """What is no item: headings and blocks of code as they are, the lines of a paragraph as one, since code
    and quotations reach over its lines."""
    lines = ""
    for block in parts:
        if block.kind == "text" and block.raw.strip() and len(block.raw.splitlines()) == 1:
            lines += block.raw
            continue
        if lines:
            yield lines
        lines = ""
        if block.kind != "item" and block.raw.strip():
            yield block.text or block.raw
    if lines:
        yield lines


def _values(data: bytes) -> list[str]:
    """What a SKILL.md's head says beside its name and description."""
    try:
        head = parse(as_text(data))[0]
    except BadInputError:  # the static checks refuse it
        return []
    more = {**head.metadata, **head.extra}
    own = [head.compatibility, head.license, head.allowed_tools, *(f"{key}: {more[key]}" for key in more)]
    return [value for value in own if value]


def summary(reasons: list[str], limit: int = 3) -> str:
    """The first reasons as one sentence row, with how many more there are."""
    unique = list(dict.fromkeys(reasons))
    more = f" And {len(unique) - limit} more." if len(unique) > limit else ""
    return " ".join(unique[:limit]) + more


def quoted(text: str, limit: int) -> str:
    """`text` in quotation marks and one line, cut to `limit` characters."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= limit else line[: limit - 3] + '...'}”"
