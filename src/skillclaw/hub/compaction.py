"""Compaction: old entries of the log are packed, many to an object, and their single objects deleted.

Nothing is lost: a pack holds the entries' very bytes, so the chain is checked as before. Each step leaves a
log that every reader reads alike: the pack is written and read back before the first entry is deleted, and
where both are there the single entry counts. What was cut off is ended by the next run.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import StorageError, UsageError, VerifyError
from skillclaw.hub import checkpoints, keys, listing, log, packs
from skillclaw.hub.reading import open_pack
from skillclaw.hub.walking import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from skillclaw.hub.keys import SigningKey
    from skillclaw.hub.listing import Listing
    from skillclaw.hub.records import HubInfo, HubState
    from skillclaw.hub.store import Store

__all__ = ["Compacted", "compact"]

LEAST = 16
"""Entries that are worth an object of their own; fewer wait for the next run."""


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: `entries` packed into `packs`, `deleted` objects; `why` nothing was done."""

    entries: int = 0
    packs: list[str] = []
    deleted: int = 0
    why: str = ""


def compact(
    store: Store, info: HubInfo, key: SigningKey, keep_days: int, now: datetime, least: int = LEAST
) -> Compacted:
    """Pack what is older than `keep_days` and lies before the newest checkpoint, signed with an owner's key.

    Age is by the storage's clock, since an entry must not be packed while another machine, whose clock may
    be wrong, is about to write behind it. The log is read from its start: VerifyError unless it is whole.
    """
    found = listing.look(store, 0)
    written = store.times("log")
    before = now - timedelta(days=keep_days)
    tips, newest, state = _read(store, info, found)
    if not checkpoints.is_owner(state, keys.public_hex(key)):
        raise UsageError("This machine's owner key does not count any more.", "The log revokes it.")
    if not newest:
        return Compacted(why=f"There is no checkpoint yet; one is written every {checkpoints.EVERY} entries.")
    deleted = 0
    for first, last in found.packs:  # an earlier run may have been cut off between packing and deleting
        left = [seq for seq in found.behind(first - 1) if seq <= last < newest]
        if left and _holds(store, state, tips, first, last):
            deleted += _delete(store, left)
    made: list[str] = []
    count = 0
    old = [seq for seq in found.entries if seq < newest and not found.holding(seq)]
    young = next((n for n, seq in enumerate(old) if written.get(log.key_of(seq), now) >= before), len(old))
    for first, entries in _chunks(store, old[:young], tips, least):
        last = first + len(entries) - 1
        made.append(packs.key_of(first, last))
        store.create(made[-1], packs.pack(first, entries, key, info.group))
        if not _holds(store, state, tips, first, last):
            raise StorageError(
                f"{made[-1]} of the hub at {store.shown} is not what was written.",
                "Something else lies there already, or the storage lost it.",
                "None of these entries was deleted. See all: skillclaw hub verify",
            )
        count += len(entries)
        deleted += _delete(store, range(first, last + 1))
    for seq in found.checkpoints:
        name = checkpoints.key_of(seq)
        if seq < newest and written.get(name, now) < before:
            store.delete(name)
            deleted += 1
    why = "" if made or deleted else f"Too little before the last checkpoint is older than {keep_days} days."
    return Compacted(entries=count, packs=made, deleted=deleted, why=why)


def _read(store: Store, info: HubInfo, found: Listing) -> tuple[dict[int, str], int, HubState]:
    """The hash of each entry, the newest checkpoint that says what the log says, and the state at the end."""
    tips: dict[int, str] = {}
    newest = 0
    state = log.initial(info)
    marks = set(found.checkpoints)
    for step in walk(store, info, found):
        state = step.state
        tips[state.seq] = step.tip
        if state.seq in marks and _right(store, state, step.tip):
            newest = state.seq
    if found.behind(state.seq):
        raise VerifyError(
            f"The log of the hub at {store.shown} has a gap.",
            f"Entry {state.seq + 1} is missing.",
            "Nothing was packed or deleted. See all: skillclaw hub verify",
        )
    return tips, newest, state


def _right(store: Store, state: HubState, tip: str) -> bool:
    data = store.get(checkpoints.key_of(state.seq), checkpoints.MAX)
    try:
        found = checkpoints.parse(data, state.seq, state.group) if data is not None else None
    except VerifyError:
        return False
    return (
        found is not None
        and checkpoints.is_owner(state, found.signer)
        and (found.tip, found.state) == (tip, state)
    )


def _chunks(
    store: Store, numbers: Sequence[int], tips: dict[int, str], least: int
) -> Iterator[tuple[int, list[bytes]]]:
    """The first number and the entries of each pack to be made."""
    while numbers:
        following = listing.run(numbers)
        numbers = numbers[len(following) :]
        chunk: list[bytes] = []
        room = packs.ROOM
        for seq, data in zip(following, listing.fetch(store, following), strict=True):
            if data is None or log.digest(data) != tips[seq]:
                raise VerifyError(f"Log entry {seq} changed while it was packed.", "", "It was not deleted.")
            cost = packs.cost(data)
            if chunk and (len(chunk) == packs.MAX_ENTRIES or cost > room):
                yield seq - len(chunk), chunk
                chunk, room = [], packs.ROOM
            chunk.append(data)
            room -= cost
        if len(chunk) >= least:
            yield following[-1] + 1 - len(chunk), chunk


def _holds(store: Store, state: HubState, tips: dict[int, str], first: int, last: int) -> bool:
    """Whether the pack that lies there is by an owner and holds the very entries that were read."""
    try:
        entries, signer = open_pack(store, first, last, state.group)
    except VerifyError:
        return False
    tips_there = [log.digest(entry) for entry in entries]
    return checkpoints.is_owner(state, signer) and tips_there == [tips.get(n) for n in range(first, last + 1)]


def _delete(store: Store, numbers: Sequence[int]) -> int:
    """Delete these single entries, the oldest first; how many."""
    for _ in listing.each(store.delete, [log.key_of(seq) for seq in numbers]):
        pass
    return len(numbers)
