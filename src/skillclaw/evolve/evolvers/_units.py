"""Units: lines of a skill that stand and fall together, and whether they may stand."""

from __future__ import annotations

from dataclasses import dataclass

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.gate.cited import refs_of
from skillclaw.gate.prune import item_reason
from skillclaw.skills.edits import line_fault, section_fault
from skillclaw.skills.placing import WHEN
from skillclaw.skills.records import Item, ItemKind, Pattern, Proposal
from skillclaw.skills.text import has_mask

__all__ = ["Unit", "made", "passes"]


@dataclass(frozen=True)
class Unit:
    """Lines that stand and fall together: one bullet, or the numbered steps under one heading.

    section   path of headings: `Steps / Cancel a meeting`
    kind      of its items; texts without their markers
    patterns  what it rests on, the strongest first
    triggers  what calls for it, for the description: a task and other names of it, or "npm test fails"
    lead      of a fix, what it achieves: "Get npm test to work when it fails with timeout"
    """

    section: str
    kind: ItemKind
    texts: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    triggers: tuple[str, ...] = ()
    lead: str = ""

    @property
    def key(self) -> tuple[str, str, bool]:
        """What stays the same when the words change: the pattern, and the role that the lines play."""
        return (self.patterns[0].id, self.kind, self.section == WHEN)


def passes(unit: Unit, context: EvolveContext) -> bool:
    """Whether these can stand as lines, and the gate would let them pass where that can be asked already;
    `context.refused` keeps why not."""
    reason = _fault(unit, context)
    if reason:
        context.refused[unit.patterns[0].id] = reason
    return not reason


def _fault(unit: Unit, context: EvolveContext) -> str:
    """Why the lines may not stand; empty where they may."""
    fault = section_fault(unit.section) or next(filter(None, map(line_fault, unit.texts)), "")
    if fault:
        return f"Its line cannot stand in a skill: {fault}."
    if context.gate is None:
        return ""
    probe = Proposal(
        id="", action="create", skill="", base=None, engine="extractive", why="", patterns=list(unit.patterns)
    )
    for text in unit.texts:
        item = Item(
            id="",
            kind=unit.kind,
            text=text,
            section=unit.section,
            patterns=[pattern.id for pattern in unit.patterns],
            evidence=refs_of(unit.patterns),
        )
        if reason := item_reason(item, probe, context.gate):
            return reason
    return ""


def made(
    section: str,
    kind: ItemKind,
    pattern: Pattern,
    *texts: str,
    triggers: tuple[str, ...] = (),
    lead: str = "",
) -> list[Unit]:
    """The unit of these lines; none where one cannot be followed."""
    if any(has_mask(text) for text in texts):
        return []  # a masked value cannot be followed, and says that something private was there
    return [Unit(section=section, kind=kind, texts=texts, patterns=(pattern,), triggers=triggers, lead=lead)]
