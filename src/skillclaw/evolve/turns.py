"""Who comes first where only some can be looked at. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["turn_by_turn"]

One = TypeVar("One")


def turn_by_turn(given: Iterable[One], who: Callable[[One], str]) -> list[One]:
    """All of them, in the order of the first of each person, the second of each, and so on: one person's many
    keep nobody else's from being looked at."""
    seen: Counter[str] = Counter()
    turns: list[list[One]] = []
    for one in given:
        turn = seen[who(one)]
        seen[who(one)] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(one)
    return [one for turn in turns for one in turn]
