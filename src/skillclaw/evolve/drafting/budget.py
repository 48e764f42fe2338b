"""The edit budget: how much of a draft one proposal may change in a skill that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from skillclaw.evolve.evolvers._select import contradicted, strength
from skillclaw.skills.edits import Edit
from skillclaw.skills.records import Item, Pattern

__all__ = ["fitting", "within"]

T = TypeVar("T")

_ORDER = {"drop": 0, "change": 1, "move": 2, "add": 3}


def fitting(units: Iterable[T], cost: Callable[[T], int], budget: int) -> list[T]:
    """Those of `units`, the most important first, whose cost together is within `budget`. A first one that is
    larger than the budget may go alone."""
    chosen: list[T] = []
    spent = 0
    for unit in units:
        if spent + cost(unit) <= budget or not chosen:
            chosen.append(unit)
            spent += cost(unit)
    return chosen


def within(
    edits: Sequence[Edit], items: Sequence[Item], patterns: Mapping[str, Pattern], budget: int
) -> tuple[list[Edit], int]:
    """The edits that fit, in the order given, and how many do not.

    What experience has turned against goes first (most contradicted first), then other words and places, then
    what is new (best supported first). Edits that stand and fall together go together: the steps below one
    new heading, what comes behind an addition, all edits of one item, and a line that goes with those that
    say what it said. A single such unit that is larger than the budget may go alone.
    """
    there = {item.section for item in items}
    units: dict[str, list[Edit]] = {}
    labels: dict[str, str] = {}
    for number, edit in enumerate(edits):
        key = f"edit {number}"
        if edit.after in labels:
            key = labels[edit.after]
        elif edit.op != "add":
            key = f"item {edit.item}"
        elif " / " in edit.section and edit.section not in there:
            key = f"section {edit.section}"
        if edit.op == "add" and edit.item:
            labels[edit.item] = key
        units.setdefault(key, []).append(edit)
    _join_replacements(units, items)
    ranked = sorted(units.values(), key=lambda unit: _rank(unit, patterns))
    chosen = {id(edit) for unit in fitting(ranked, _cost, budget) for edit in unit}
    kept = [edit for edit in edits if id(edit) in chosen]
    return kept, len(edits) - len(kept)


def _join_replacements(units: dict[str, list[Edit]], items: Sequence[Item]) -> None:
    """Puts a drop to the first unit that adds or changes a line for one of the same patterns."""
    behind = {item.id: frozenset(item.patterns) for item in items}
    for key, unit in list(units.items()):
        if any(edit.op != "drop" for edit in unit):
            continue
        lost = frozenset().union(*(behind.get(edit.item, frozenset()) for edit in unit))
        other = next((k for k, one in units.items() if k != key and _says(one, lost)), None)
        if other is not None:
            units[other] += units.pop(key)


def _says(unit: Sequence[Edit], patterns: frozenset[str]) -> bool:
    return any(edit.op != "drop" and patterns.intersection(edit.patterns) for edit in unit)


def _cost(unit: Sequence[Edit]) -> int:
    """How many items it changes."""
    return len({edit.item if edit.op != "add" else str(id(edit)) for edit in unit})


def _rank(unit: Sequence[Edit], patterns: Mapping[str, Pattern]) -> tuple[object, ...]:
    cited = [patterns[one] for edit in unit for one in edit.patterns if one in patterns]
    order = min(_ORDER[edit.op] for edit in unit)
    worst = -max((contradicted(p) for p in cited), default=0.0) if order == 0 else 0.0
    best = min((strength(p) for p in cited), default=(0, 0, 0.0, ""))
    return (order, worst, best, unit[0].item, unit[0].text)
