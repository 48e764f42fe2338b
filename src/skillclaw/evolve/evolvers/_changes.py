"""What would have to change in a skill so that it says what the patterns support now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from skillclaw.evolve.drafting.budget import fitting
from skillclaw.evolve.evolvers._draft import Unit
from skillclaw.evolve.evolvers._lines import additions
from skillclaw.evolve.evolvers._select import contradicted, strength, turned_against
from skillclaw.skills.edits import Edit
from skillclaw.skills.items import DESCRIPTION, same_text
from skillclaw.skills.placing import MORE
from skillclaw.skills.records import Item, Pattern

__all__ = ["Change", "compare", "edits", "within"]


@dataclass(frozen=True)
class Change:
    """Edits that go together: `order` sorts them (0 out, 1 other words, 2 new), then `rank`; `old` goes or is
    rewritten."""

    order: int
    rank: tuple[float | int | str, ...]
    old: tuple[Item, ...]
    new: Unit | None

    @property
    def cost(self) -> int:
        """How many items it changes."""
        return max(len(self.old), len(self.new.texts) if self.new else 0)


def _role(item: Item) -> tuple[str, str]:
    return (item.patterns[0], item.kind)


def compare(
    known: list[Item],
    units: list[Unit],
    present: dict[str, Pattern],
    superseded: Collection[str] = (),
) -> tuple[list[Change], list[Item]]:
    """What would have to change, and the items that stay in any case, with the patterns they rest on now.

    superseded  ids of patterns in whose place others stand
    """
    wanted: dict[tuple[str, str], list[Unit]] = {}
    for unit in units:
        wanted.setdefault((unit.patterns[0].id, unit.kind), []).append(unit)
    own: dict[tuple[str, str], list[Item]] = {}
    changes: list[Change] = []
    kept: list[Item] = []
    for item in known:
        if item.patterns and item.section not in (DESCRIPTION, MORE):
            own.setdefault(_role(item), []).append(item)
        else:
            kept.append(item)
    for role, items in own.items():
        targets = wanted.pop(role, [])
        behind = [present[p] for p in items[0].patterns if p in present]
        if not targets:
            gone = [p for p in behind if p.id in superseded or turned_against(p)]
            if behind and len(gone) == len(items[0].patterns):
                worst = max(contradicted(p) for p in gone)
                changes.append(Change(0, (-worst, *role), tuple(items), None))
            else:
                kept += items
            continue
        kept_now, changed = _match(items, targets)
        if any(_amid(change, known) for change in changed):
            kept += items
            continue
        kept += kept_now
        changes += changed
    for left in wanted.values():
        changes += [Change(2, strength(unit.patterns[0]), (), unit) for unit in left]
    return changes, kept


def _amid(change: Change, known: list[Item]) -> bool:
    """Whether a procedure would be written anew elsewhere and leave a person's own step behind alone."""
    if change.new is None or change.new.kind != "step" or _in_place(change, known):
        return False
    places = {item.section for item in change.old}
    return any(not item.patterns and item.section in places for item in known)


def _match(items: list[Item], targets: list[Unit]) -> tuple[list[Item], list[Change]]:
    """Units that are there word for word keep their items; the others are changes."""
    kept: list[Item] = []
    changes: list[Change] = []
    pool = list(items)
    open_units: list[Unit] = []
    for unit in targets:
        same = [next((i for i in pool if same_text(i.text) == same_text(t)), None) for t in unit.texts]
        found = [item for item in same if item is not None]
        if len(found) == len(unit.texts) and (unit.kind != "step" or len(pool) == len(found)):
            kept += [_updated(item, unit) for item in found]
            pool = [item for item in pool if item not in found]
        else:
            open_units.append(unit)
    for unit in open_units:
        size = len(unit.texts)
        old, pool = (tuple(pool), []) if unit.kind == "step" else (tuple(pool[:size]), pool[size:])
        changes.append(Change(1 if old else 2, strength(unit.patterns[0]), old, unit))
    return kept + pool, changes


def _updated(item: Item, unit: Unit) -> Item:
    return msgspec.structs.replace(item, patterns=[pattern.id for pattern in unit.patterns])


def within(changes: list[Change], budget: int) -> list[Change]:
    """The changes that one proposal makes, the most important first."""
    return fitting(sorted(changes, key=lambda c: (c.order, c.rank)), lambda c: c.cost, budget)


def edits(chosen: Sequence[Change], known: Sequence[Item]) -> tuple[list[Edit], list[Item]]:
    """The edits that make the changes, and the items `known` with the patterns they rest on then.

    A line that gets other words keeps its identity, so that its history can be followed. Where not each line
    has one that takes its place, or other words would stand there twice, the old lines go and the new come.
    """
    items = {item.id: item for item in known}
    found: list[Edit] = []
    added: list[Unit] = []
    for change in chosen:
        unit = change.new
        if unit is not None and change.old and _in_place(change, items.values()):
            for old, text in zip(change.old, unit.texts, strict=True):
                items[old.id] = _updated(old, unit)
                if same_text(old.text) != same_text(text):
                    found.append(
                        Edit(
                            op="change",
                            item=old.id,
                            kind=unit.kind,
                            text=text,
                            patterns=items[old.id].patterns,
                        )
                    )
            continue
        found += [Edit(op="drop", item=old.id) for old in change.old]
        added += [unit] if unit is not None else []
    gone = {edit.item for edit in found if edit.op == "drop"}
    there = {item.section for item in items.values() if item.id not in gone}
    return [*found, *additions(added, there)], list(items.values())


def _in_place(change: Change, known: Iterable[Item]) -> bool:
    """Whether each old line can be given its new words: none of them stands in its section already."""
    texts = change.new.texts if change.new is not None else ()
    if len(change.old) != len(texts):
        return False
    words = {(item.section, same_text(item.text)): item.id for item in known}
    return all(
        words.get((old.section, same_text(text)), old.id) == old.id
        for old, text in zip(change.old, texts, strict=True)
    )
