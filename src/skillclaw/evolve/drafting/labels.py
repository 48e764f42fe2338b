"""Short names for patterns and items, for models to cite: `P1`, `L3`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.evolve.drafting.records import Target
from skillclaw.skills.edits import Edit
from skillclaw.skills.items import all_items
from skillclaw.skills.records import Item

__all__ = ["Labels", "known_items", "labels"]


@dataclass(frozen=True)
class Labels:
    """From label to id. `patterns`: `P1` is the first pattern of the target. `items`: `L1` is the first line
    of the skill, its description left out, people's own lines included."""

    patterns: dict[str, str]
    items: dict[str, str]

    def resolved(self, edit: Edit) -> Edit:
        """The edit with ids where it has labels; what is no label stays."""
        own = edit.item if edit.op == "add" else self.items.get(edit.item, edit.item)
        return msgspec.structs.replace(
            edit,
            item=own,
            after=self.items.get(edit.after, edit.after),
            patterns=list(dict.fromkeys(self.patterns.get(one, one) for one in edit.patterns)),
        )


def labels(target: Target) -> Labels:
    """The labels for `target`: the same for the same target."""
    return Labels(
        patterns={f"P{n}": pattern.id for n, pattern in enumerate(target.patterns, start=1)},
        items={f"L{n}": item.id for n, item in enumerate(_lines(known_items(target)), start=1)},
    )


def known_items(target: Target) -> list[Item]:
    """The items of the skill as it is, the description first; empty where there is none, or where SKILL.md
    cannot be read."""
    if target.base is None:
        return []
    try:
        return all_items(target.base.bundle, target.base.sidecar)
    except BadInputError:
        return []


def _lines(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.section != "description"]
