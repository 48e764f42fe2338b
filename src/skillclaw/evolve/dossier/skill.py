"""The skill as it is, its neighbours, and what was tried before, as lines that a model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillclaw.errors import BadInputError
from skillclaw.evolve.dossier.fence import line
from skillclaw.evolve.dossier.patterns import number
from skillclaw.evolve.tried import Tried
from skillclaw.gate.context import CurrentSkill
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.items import all_items, markdown
from skillclaw.skills.records import Item

__all__ = ["item_line", "items_of", "neighbours", "tried_lines"]


def items_of(base: CurrentSkill | None) -> list[Item]:
    """The items of a skill, its description first; none where there is no skill or it cannot be read."""
    if base is None:
        return []
    try:
        return all_items(base.bundle, base.sidecar)
    except BadInputError:
        return []


def item_line(label: str, item: Item, patterns: Mapping[str, str], limit: int = 400) -> str:
    """An item with its place and its numbers. `patterns` gives the labels of pattern ids; a line that nobody
    learned is a person's own."""
    if not item.evidence and not item.patterns:
        behind = "a person wrote it: leave it"
    else:
        sessions = len({ref.session for ref in item.evidence})
        users = len({ref.user for ref in item.evidence})
        behind = f"from {number(sessions, 'session')} of {number(users, 'person', 'people')}"
        if item.helpful or item.harmful:
            behind += f", helped in {item.helpful}, did not in {item.harmful}"
        cited = [patterns[one] for one in item.patterns if one in patterns]
        if cited:
            behind += f", {', '.join(cited)}"
    place = f" in {line(item.section, 120)}" if item.section else ""
    return f"{label} {item.kind}{place} ({behind}): {line(item.text, limit)}"


def neighbours(skill: str, current: Mapping[str, CurrentSkill], limit: int = 20) -> list[str]:
    """Names and descriptions of the other skills, so that none is written twice."""
    found = []
    for name, other in sorted(current.items()):
        if name == skill:
            continue
        text = markdown(other.bundle).get("SKILL.md", "")
        try:
            head, _ = parse(text)
        except BadInputError:
            continue
        found.append(f"{line(name, 64)}: {line(head.description, 160)}")
    return found[:limit]


def tried_lines(skill: str, tried: Sequence[Tried], limit: int = 4) -> list[str]:
    """What was proposed for this skill before and refused, and why."""
    found = []
    for one in [t for t in tried if t.skill == skill][-limit:]:
        why = "; ".join(line(reason, 160) for reason in one.reasons[:3])
        found.append(f"refused: {line(one.text, 240)}")
        found.append(f"  because: {why}")
    return found
