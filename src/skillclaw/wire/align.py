"""Which pieces of a request are those of the one before: two runs of prints, matched in order."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter

__all__ = ["align"]

BLOCKS = 4_000_000
"""Comparisons up to which matching by longest blocks may come: what it needs grows with the cube."""
TABLE = 1 << 28
"""Bits of the largest table of a longest common subsequence."""


def align(old: list[bytes], new: list[bytes]) -> dict[int, int]:
    """Index in `new` -> index in `old` of the same piece, in order on both sides."""
    head = 0
    while head < len(old) and head < len(new) and old[head] == new[head]:
        head += 1
    matched = {index: index for index in range(head)}
    if head == len(old) or head == len(new):
        return matched
    old, new = old[head:], new[head:]
    if _comparisons(old, new) <= BLOCKS:
        rest = _by_blocks(old, new)
    else:
        rest = _longest(old, new) if len(old) * len(new) <= TABLE else _first(old, new)
    return matched | {head + at: head + known for at, known in rest.items()}


def _comparisons(old: list[bytes], new: list[bytes]) -> int:
    """How many `_by_blocks` makes at most: each block that it finds looks at all pairs of equal prints."""
    counts = Counter(old)
    equal = sum(counts[one] for one in new)
    return (len(old) + equal) * min(len(old), len(new), equal)


def _by_blocks(old: list[bytes], new: list[bytes]) -> dict[int, int]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return {
        block.b + step: block.a + step
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    }


def _longest(old: list[bytes], new: list[bytes]) -> dict[int, int]:
    """A longest common subsequence, the places of `old` as bits (Hyyrö 2004).

    A bit of a row is 0 where the subsequence of what is before it in `old` and in `new` grows.
    """
    # Only those that both have: together they are no larger than the table.
    marks = {one: bytearray(len(old) // 8 + 1) for one in set(new) & set(old)}
    for at, one in enumerate(old):
        if (mark := marks.get(one)) is not None:
            mark[at >> 3] |= 1 << (at & 7)
    places = {one: int.from_bytes(mark, "little") for one, mark in marks.items()}
    row = every = (1 << len(old)) - 1
    rows = [row]
    for one in new:
        known = row & places.get(one, 0)
        row = (row + known | row - known) & every
        rows.append(row)
    matched: dict[int, int] = {}
    at, known = len(new), len(old)
    while at and known:
        bit = 1 << known - 1
        if rows[at] & bit:
            known -= 1
        else:
            at -= 1
            if rows[at] & bit:
                known -= 1
                matched[at] = known
    return matched


def _first(old: list[bytes], new: list[bytes]) -> dict[int, int]:
    """Each piece with the first of its like behind the one before."""
    places: dict[bytes, list[int]] = {}
    for at, one in enumerate(old):
        places.setdefault(one, []).append(at)
    matched: dict[int, int] = {}
    free = 0
    for at, one in enumerate(new):
        known = places.get(one, [])
        next_ = bisect_left(known, free)
        if next_ < len(known):
            matched[at] = known[next_]
            free = known[next_] + 1
    return matched
