"""Take single lines out of a proposal that cannot stay, and judge the rest.

One line of too little support must not cost a good skill. A numbered procedure is one thing: if one of its
steps cannot stay, all of it goes, because a procedure with a hole is worse than none.
"""

from __future__ import annotations

import re

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.gate.checks import ItemCheck, checks
from skillclaw.gate.context import CurrentSkill, Fault, GateContext
from skillclaw.gate.lines import added_items, proposal_items
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import parse, render, split
from skillclaw.skills.items import (
    DESCRIPTION,
    all_items,
    blocks,
    join,
    markdown,
    replace_text,
    same_text,
    without,
)
from skillclaw.skills.records import Bundle, Item, Proposal

__all__ = ["faults", "item_reason", "prune"]

_LINK = re.compile(r"\]\((?:\./)?([^)#\s]+)")


def faults(proposal: Proposal, context: GateContext) -> list[Fault]:
    """The lines that cannot stay, each with the first reason."""
    found = []
    for item in added_items(proposal, context):
        reason = item_reason(item, proposal, context)
        if reason:
            found.append(Fault(item=item.id, reason=reason))
    return found


def prune(proposal: Proposal, context: GateContext) -> tuple[Proposal, int]:
    """The proposal without the lines that alone fail, and how many were taken out.

    Where a new skill would have nothing left it comes back as it was, and judging it tells why; a change to a
    skill of which nothing is left comes back as the version that it would change.
    """
    if proposal.bundle is None or proposal.sidecar is None:
        return proposal, 0
    bad = {fault.item for fault in faults(proposal, context)}
    if not bad:
        return proposal, 0
    added = added_items(proposal, context)
    groups = {
        (item.section, tuple(item.patterns)) for item in added if item.id in bad and item.kind == "step"
    }
    gone = [
        item
        for item in added
        if item.section != DESCRIPTION
        and (item.id in bad or (item.kind == "step" and (item.section, tuple(item.patterns)) in groups))
    ]
    gone += _orphans(added, {item.id for item in gone})
    ids = {item.id for item in gone}
    kept = [item for item in proposal.sidecar.items if item.id not in ids]
    left = {item.id for item in added} - ids
    base = context.base(proposal)
    if base is None and not any(item.id in left and item.kind != "condition" for item in kept):
        return proposal, 0
    described = {item.id for item in added if item.section == DESCRIPTION}
    if base is not None and left <= described and _only_adds(proposal, base):
        return msgspec.structs.replace(proposal, bundle=base.bundle, sidecar=base.sidecar), len(gone)
    bundle = _cut(proposal.bundle, {(item.section, same_text(item.text)) for item in gone})
    for item in added:
        if item.section == DESCRIPTION and item.id in bad:
            shorter = _shorten(item, proposal, context)
            if shorter is None:
                return proposal, 0
            bundle = _describe(bundle, shorter.text)
            kept = [shorter if one.id == item.id else one for one in kept]
    sidecar = msgspec.structs.replace(proposal.sidecar, items=kept, version=version(bundle))
    return msgspec.structs.replace(proposal, bundle=bundle, sidecar=sidecar), len(gone)


def _orphans(added: list[Item], gone: set[str]) -> list[Item]:
    """Conditions of advice that is gone: a skill must not call itself for what it cannot help with."""
    advice = {p for i in added if i.id not in gone and i.kind != "condition" for p in i.patterns}
    lost = {p for i in added if i.id in gone and i.kind != "condition" for p in i.patterns} - advice
    return [
        item
        for item in added
        if item.kind == "condition"
        and item.section != DESCRIPTION
        and item.id not in gone
        and item.patterns
        and set(item.patterns) <= lost
    ]


def _only_adds(proposal: Proposal, base: CurrentSkill) -> bool:
    """Whether every line of the version before is still there."""
    try:
        before = all_items(base.bundle, base.sidecar)
    except BadInputError:
        return False
    now = {same_text(item.text) for item in proposal_items(proposal)}
    return all(same_text(item.text) in now for item in before if item.section != DESCRIPTION)


def item_reason(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """Why this line may not stay, by the first check that says so; None where it may."""
    for check in checks():
        if isinstance(check, ItemCheck):
            reason = check.item_fault(item, proposal, context)
            if reason:
                return reason
    return None


def _cut(bundle: Bundle, drop: set[tuple[str, str]]) -> Bundle:
    texts: dict[str, str] = {}
    for path, text in markdown(bundle).items():
        head, body = split(text)
        parts = blocks(body)
        left = without(parts, drop)
        if left is parts:
            continue
        says = any(part.kind != "heading" and part.raw.strip() for part in left)
        texts[path] = head + join(left) if says or path == "SKILL.md" else ""
    removed = {path for path, text in texts.items() if not text}
    result = replace_text(bundle, texts)
    return _unlink(result, removed) if removed else result


def _unlink(bundle: Bundle, removed: set[str]) -> Bundle:
    """`bundle` without the lines that point to files that are gone."""
    text = markdown(bundle)["SKILL.md"]
    head, body = split(text)
    parts = blocks(body)
    dead = {
        (part.section, same_text(part.text))
        for part in parts
        if part.kind == "item" and set(_LINK.findall(part.text)) & removed
    }
    return replace_text(bundle, {"SKILL.md": head + join(without(parts, dead))})


def _shorten(described: Item, proposal: Proposal, context: GateContext) -> Item | None:
    """The description without the sentences that cannot stay; None where none can."""
    sentences = re.split(r"(?<=[.;。])\s+", described.text)
    good = [
        sentence
        for sentence in sentences
        if item_reason(msgspec.structs.replace(described, text=sentence), proposal, context) is None
    ]
    text = " ".join(good).rstrip("; ")
    return msgspec.structs.replace(described, text=text) if text else None


def _describe(bundle: Bundle, description: str) -> Bundle:
    text = markdown(bundle)["SKILL.md"]
    try:
        head, body = parse(text)
    except BadInputError:
        return bundle
    if head.extra:
        return bundle  # keys of a host would go with it; the description is for `judge` to refuse
    return replace_text(
        bundle, {"SKILL.md": render(msgspec.structs.replace(head, description=description)) + body}
    )
