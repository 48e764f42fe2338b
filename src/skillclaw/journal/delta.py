"""New bytes of a conversation only: a request body as a difference to an earlier one.

An agent re-sends its whole conversation at every turn, so a body is mostly the one before it with something
put in near the end. `split` finds the common prefix and suffix by comparing memory, without parsing JSON.
`Chains` remembers the last bodies of each agent and says which of them a new body continues.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

__all__ = ["Chains", "Delta", "apply", "split"]

BLOCK = 16384
"""Bytes compared at once; a slice of this size stays in the processor's cache."""
SMALL = 512
"""Bodies below this are stored whole: a reference would not be shorter than what zstd leaves."""
TURNS = 20
"""A full copy is made after this many turns at the earliest ..."""
DEEPEST = 200
"""... and after this many in any case, so that one body never needs more records than this."""
REMEMBERED = 8
"""Bodies remembered for each agent."""
MEMORY = 12 << 20
"""Bytes of bodies remembered in all."""


class Delta(msgspec.Struct, frozen=True, array_like=True):
    """A body: the first `prefix` and last `suffix` bytes of the body at `base`, with `middle` between.

    `base` is the offset of a record in the same segment; -1 when `middle` is the whole body.
    """

    base: int
    prefix: int
    suffix: int
    middle: bytes


def apply(delta: Delta, base: bytes) -> bytes:
    """The body; ValueError when `base` is not what the delta was made from (lengths don't fit)."""
    if delta.base < 0:
        return delta.middle
    if delta.prefix < 0 or delta.suffix < 0 or delta.prefix + delta.suffix > len(base):
        raise ValueError("the record does not fit the one that it refers to")
    return base[: delta.prefix] + delta.middle + base[len(base) - delta.suffix :]


def common_prefix(a: bytes, b: bytes) -> int:
    """How many bytes `a` and `b` begin with alike."""
    limit = min(len(a), len(b))
    at = 0
    while at < limit and a.startswith(b[at : min(at + BLOCK, limit)], at):
        at += BLOCK
    if at >= limit:
        return limit
    size = min(BLOCK, limit - at)
    while size > 1:
        half = size // 2
        if a[at : at + half] == b[at : at + half]:
            at += half
            size -= half
        else:
            size = half
    return at + (1 if size and a[at] == b[at] else 0)


def common_suffix(a: bytes, b: bytes, limit: int) -> int:
    """How many bytes, at most `limit`, `a` and `b` end with alike."""
    limit = min(limit, len(a), len(b))
    done = 0
    size = BLOCK
    while done < limit and size:
        size = min(size, limit - done)
        left, right = len(a) - done, len(b) - done
        if a.endswith(b[right - size : right], 0, left):
            done += size
        else:
            size //= 2
    return done


def split(body: bytes, base: bytes, at: int) -> Delta:
    """`body` as a difference to `base`, which the record at offset `at` holds."""
    prefix = common_prefix(body, base)
    suffix = common_suffix(body, base, min(len(body), len(base)) - prefix)
    return Delta(at, prefix, suffix, body[prefix : len(body) - suffix])


class _Known(msgspec.Struct):
    """A remembered body: where its record is, how many records deep it is, new bytes since a full copy."""

    body: bytes
    depth: int
    grown: int


class Chains:
    """The last bodies of each agent in one segment. Forget it when a new segment begins."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._held = 0
        self._known: OrderedDict[tuple[str, int], _Known] = OrderedDict()

    def encode(self, agent: str, body: bytes, offset: int) -> Delta:
        """The shortest way to say `body`, whose record will be at `offset`; remembers it for the next."""
        whole = Delta(-1, 0, 0, body)
        if len(body) < SMALL:
            return whole
        delta, key = self._best(agent, body)
        depth = grown = 0
        if delta is not None and key is not None:
            base = self._known[key]
            depth, grown = base.depth + 1, base.grown + len(delta.middle)
            # Full copies add up to no more than the new bytes, so that a session stays linear in its turns.
            if depth >= DEEPEST or (depth >= TURNS and grown >= len(body)):
                delta, depth, grown = None, 0, 0
            self._forget(key)
        self._remember((agent, offset), _Known(body, depth, grown))
        return delta or whole

    def clear(self) -> None:
        """Remember nothing: a record that was to hold a body is not where it was to be."""
        self._known.clear()
        self._held = 0

    def _best(self, agent: str, body: bytes) -> tuple[Delta | None, tuple[str, int] | None]:
        best: Delta | None = None
        found = None
        for key in reversed(self._known):
            if key[0] != agent:
                continue
            base = self._known[key].body
            delta = split(body, base, key[1])
            if best is None or len(delta.middle) < len(best.middle):
                best, found = delta, key
            if len(delta.middle) <= max(64, abs(len(body) - len(base))):
                break
        if best is not None and len(best.middle) > len(body) * 3 // 4:
            return None, None
        return best, found

    def _remember(self, key: tuple[str, int], known: _Known) -> None:
        self._known[key] = known
        self._held += len(known.body)
        mine = [k for k in self._known if k[0] == key[0]]
        for old in mine[: max(0, len(mine) - REMEMBERED)]:
            self._forget(old)
        while self._held > self._memory and self._known:
            self._forget(next(iter(self._known)))

    def _forget(self, key: tuple[str, int]) -> None:
        self._held -= len(self._known.pop(key).body)
