"""Units as edits of a skill."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from skillclaw.evolve.evolvers._draft import ANOTHER, Unit
from skillclaw.skills.edits import Edit

__all__ = ["additions"]


def additions(units: Iterable[Unit], there: Collection[str]) -> list[Edit]:
    """What adds `units` to a skill that has the sections `there`.

    A procedure never runs on below the heading of another: where its own is taken it gets one more, and where
    that is taken too it is left out.
    """
    taken = set(there)
    found: list[Edit] = []
    for unit in units:
        section = unit.section
        if unit.kind == "step":
            section = f"{section}{ANOTHER}" if section in taken else section
            if section in taken:
                continue
            taken.add(section)
        patterns = [pattern.id for pattern in unit.patterns]
        found += [
            Edit(op="add", kind=unit.kind, section=section, text=text, patterns=patterns)
            for text in unit.texts
        ]
    return found
