"""The entries of a hub's log, newest first, a few at a time, and which of them count.

The hash of the last entry that counts is known from the fold of the log; each entry has the hash of the one
that counted before it. So a walk back from there tells which entries count without reading the whole log: one
whose bytes have the hash that is expected does, any other is void.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import VerifyError
from skillclaw.hub import Hub, HubState, listing, log
from skillclaw.hub.reading import open_pack
from skillclaw.hub.records import Commit
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.listing import Listing

__all__ = ["Entry", "Part", "back_to", "part", "times"]

AT_ONCE = 256


class Entry(Record, frozen=True, kw_only=True):
    """Entry `seq`. `commit` is None where it cannot be read; `counts`: it is a link of the chain."""

    seq: int
    commit: Commit | None
    counts: bool


class Part(Record, frozen=True, kw_only=True):
    """Some entries, newest first; `upto` and `tip` say where the next older part begins (0: nowhere)."""

    entries: list[Entry]
    upto: int
    tip: str


def part(hub: Hub, state: HubState, upto: int, tip: str, count: int) -> Part:
    """`count` entries from `upto` down, where the newest of them that counts has the hash `tip`.

    StorageError where the log cannot be read.
    """
    numbers = list(range(max(1, upto - count + 1), upto + 1))
    found = dict(zip(numbers, listing.fetch(hub.store, numbers), strict=True))
    packed = _Packs(hub, state)
    entries = []
    for seq in reversed(numbers):
        data = found[seq] if found[seq] is not None else packed(seq)
        commit = _commit(data)
        counts = data is not None and log.digest(data) == tip
        if counts and commit is not None:
            tip = commit.prev
        entries.append(Entry(seq=seq, commit=commit, counts=counts))
    return Part(entries=entries, upto=numbers[0] - 1 if numbers else 0, tip=tip)


def back_to(hub: Hub, state: HubState, upto: int) -> str:
    """The hash of the newest entry up to `upto` that counts, by a walk back from the end of the log."""
    seq, tip = state.seq, state.head
    while seq > upto:
        some = part(hub, state, seq, tip, min(AT_ONCE, seq - upto))
        seq, tip = some.upto, some.tip
    return tip


def times(hub: Hub, state: HubState, numbers: list[int]) -> dict[int, str]:
    """When these entries were made, which are known to count; those that cannot be read are left out."""
    packed = _Packs(hub, state)
    found = {}
    for seq, data in zip(numbers, listing.fetch(hub.store, numbers), strict=True):
        commit = _commit(data if data is not None else packed(seq))
        if commit is not None:
            found[seq] = commit.time
    return found


class _Packs:
    """Entries that were packed; what lies there is looked at once, and only where an entry is missing."""

    def __init__(self, hub: Hub, state: HubState) -> None:
        self._hub, self._state = hub, state
        self._found: Listing | None = None
        self._open: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, seq: int) -> bytes | None:
        if self._found is None:
            self._found = listing.landmarks(self._hub.store)
        for first, last in self._found.holding(seq):
            if (first, last) not in self._open:
                try:
                    entries, _ = open_pack(self._hub.store, first, last, self._state.group)
                except VerifyError:
                    entries = []
                self._open[first, last] = entries
            if self._open[first, last]:
                return self._open[first, last][seq - first]
        return None


_decode: Callable[[bytes], Commit] = msgspec.json.Decoder(Commit).decode


def _commit(data: bytes | None) -> Commit | None:
    if data is None:
        return None
    try:
        return _decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
