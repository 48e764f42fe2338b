"""What would have to change in a skill so that it says what the patterns support now."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from skillclaw.evolve.evolvers._draft import Unit, refs_of
from skillclaw.evolve.evolvers._select import contradicted, strength, turned_against
from skillclaw.skills.items import DESCRIPTION, same_text
from skillclaw.skills.records import Item, Pattern

__all__ = ["Change", "compare", "within"]


@dataclass(frozen=True)
class Change:
    """One edit: `order` sorts it (0 out, 1 other words, 2 new), then `rank`; `old` goes or is rewritten."""

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
    known: list[Item], units: list[Unit], present: dict[str, Pattern]
) -> tuple[list[Change], list[Item]]:
    """What would have to change, and the items that stay in any case, their evidence brought up to date."""
    wanted: dict[tuple[str, str], list[Unit]] = {}
    for unit in units:
        wanted.setdefault((unit.patterns[0].id, unit.kind), []).append(unit)
    own: dict[tuple[str, str], list[Item]] = {}
    changes: list[Change] = []
    kept: list[Item] = []
    for item in known:
        if item.patterns and item.section not in (DESCRIPTION, "More"):
            own.setdefault(_role(item), []).append(item)
        else:
            kept.append(item)
    for role, items in own.items():
        targets = wanted.pop(role, [])
        behind = [present[p] for p in items[0].patterns if p in present]
        if not targets:
            gone = [p for p in behind if turned_against(p)]
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
    if change.new is None or change.new.kind != "step" or len(change.old) == len(change.new.texts):
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
    first = unit.patterns[0]
    return msgspec.structs.replace(
        item,
        patterns=[pattern.id for pattern in unit.patterns],
        evidence=refs_of(unit.patterns),
        odds_ratio=first.stats.odds_ratio,
        ci=first.stats.ci,
    )


def within(changes: list[Change], budget: int) -> list[Change]:
    chosen: list[Change] = []
    spent = 0
    for change in sorted(changes, key=lambda c: (c.order, c.rank)):
        if spent + change.cost <= budget or not chosen:
            chosen.append(change)
            spent += change.cost
    return chosen
