"""What lies in a hub's `log/`, by the names of its objects, and its entries read a few at a time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from skillclaw.hub import log

if TYPE_CHECKING:
    from skillclaw.hub.store import Store

T = TypeVar("T")
R = TypeVar("R")

__all__ = ["AT_ONCE", "Listing", "each", "fetch", "landmarks", "look", "run"]

AT_ONCE = 16
"""Requests under way at a time."""
_FEW = 4
"""For fewer than that no threads are started."""
_WINDOW = 512
"""Entries that are asked for before the first of them is used."""

_ENTRY = re.compile(r"log/([0-9]{20})\.json")
_CHECKPOINT = re.compile(r"log/checkpoint-([0-9]{20})\.json")
_PACK = re.compile(r"log/pack-([0-9]{20})-([0-9]{20})\.json")
_BEHIND_ENTRIES = "log/a"
"""Sorts behind the names of all entries and before those of checkpoints and packs."""


@dataclass(frozen=True)
class Listing:
    """The numbers of entries and checkpoints, first and last number of packs, each sorted; `strange` are
    names that belong to none of them.
    """

    entries: list[int]
    checkpoints: list[int]
    packs: list[tuple[int, int]]
    strange: list[str]

    def behind(self, seq: int) -> list[int]:
        """The numbers of the single entries after `seq`."""
        return self.entries[bisect_right(self.entries, seq) :]

    def holding(self, seq: int) -> list[tuple[int, int]]:
        """The packs that hold entry `seq`, the longest first."""
        return sorted((p for p in self.packs if p[0] <= seq <= p[1]), key=lambda p: p[0] - p[1])


def look(store: Store, after: int) -> Listing:
    """All checkpoints and packs, and the single entries after `after`."""
    return _sorted(store.list("log", log.key_of(after) if after else None))


def landmarks(store: Store) -> Listing:
    """The checkpoints and packs alone: one request, however long the log is."""
    return _sorted(store.list("log", _BEHIND_ENTRIES))


def _sorted(names: list[str]) -> Listing:
    entries: list[int] = []
    checkpoints: list[int] = []
    packs: list[tuple[int, int]] = []
    strange: list[str] = []
    for name in names:
        if (found := _ENTRY.fullmatch(name)) and int(found[1]):
            entries.append(int(found[1]))
        elif (found := _CHECKPOINT.fullmatch(name)) and int(found[1]):
            checkpoints.append(int(found[1]))
        elif (found := _PACK.fullmatch(name)) and 0 < int(found[1]) <= int(found[2]):
            packs.append((int(found[1]), int(found[2])))
        else:
            strange.append(name)
    return Listing(entries, checkpoints, packs, strange)


def run(numbers: Sequence[int]) -> Sequence[int]:
    """The numbers from the first of `numbers` on that follow each other without a gap."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high + 1) // 2
        if numbers[middle - 1] - numbers[0] == middle - 1:
            low = middle
        else:
            high = middle - 1
    return numbers[:low]


def fetch(store: Store, numbers: Sequence[int]) -> Iterator[bytes | None]:
    """The bytes of these single entries, in this order; None for one that is not there."""

    def get(seq: int) -> bytes | None:
        return store.get(log.key_of(seq), log.MAX_COMMIT)

    return each(get, numbers)


def each(do: Callable[[T], R], given: Sequence[T]) -> Iterator[R]:
    """What `do` gives for each of `given`, in order; a few run at the same time."""
    if len(given) < _FEW:
        yield from map(do, given)
        return
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hub") as pool:
        for start in range(0, len(given), _WINDOW):
            yield from pool.map(do, given[start : start + _WINDOW])
