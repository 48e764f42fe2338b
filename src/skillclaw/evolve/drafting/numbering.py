"""Lines that name a step by its number, when edits change which step has that number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from skillclaw.skills.edit_records import Edit, shown
from skillclaw.skills.records import Item

__all__ = ["shifted"]

_STEP = re.compile(r"\bsteps? (\d{1,2})\b", re.IGNORECASE)


def shifted(edits: Sequence[Edit], items: Sequence[Item]) -> Iterator[str]:
    """A fault for each line that would point to another step than it did, and that no edit changes."""
    touched = {edit.item for edit in edits if edit.op != "add"}
    sections: dict[str, list[Item]] = {}
    for item in items:
        if " / " in item.section and item.kind == "step":
            sections.setdefault(item.section, []).append(item)
    for steps in sections.values():
        places = {item.id: place for place, item in enumerate(steps, start=1)}
        first = min((place for edit in edits if (place := _from(edit, places)) is not None), default=None)
        if first is None:
            continue
        for item in steps:
            numbers = [int(number) for number in _STEP.findall(item.text)]
            moved = next((n for n in numbers if n >= first and n <= len(steps)), None)
            if moved is not None and item.id not in touched:
                yield (
                    f"The line {shown(item.text)} names step {moved}, which would have another number; "
                    "change that line as well."
                )


def _from(edit: Edit, places: dict[str, int]) -> int | None:
    """The first number that may stand for another step after `edit`."""
    if edit.op == "change":
        return None
    own = places.get(edit.item) if edit.op != "add" else None
    behind = places[edit.after] + 1 if edit.after in places else None
    found = [place for place in (own, behind) if place is not None]
    return min(found) if found else None
