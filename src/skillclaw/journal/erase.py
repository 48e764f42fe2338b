"""Erasing exchanges from the journal before they expire, with every other record left where it is.

Readers remember positions, so no record may move: what is erased becomes an empty record of the same length.
A later record of another session may be stored as a difference to an erased one; of that one then just those
bytes of the request body stay that the other session's body has too.
"""

from __future__ import annotations

import io
import os
import secrets
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import msgspec

from skillclaw import zstd
from skillclaw.errors import BusyError
from skillclaw.journal import segment
from skillclaw.journal.appender import ROTATE, lock_of
from skillclaw.journal.delta import Delta
from skillclaw.journal.reader import Position
from skillclaw.journal.records import Exchange
from skillclaw.journal.segment import HEAD, Stored
from skillclaw.private import sync_folder

__all__ = ["closed", "erase"]

WAIT = 8.0
"""Seconds that a running writer gets to begin a new segment; it looks once a second."""
LEVELS = (3, 9, 19)

_encode = msgspec.msgpack.Encoder().encode
_Range = tuple[int, int]


@contextmanager
def closed(folder: Path) -> Iterator[list[int]]:
    """The segments that nobody appends to while the block runs.

    A running writer is asked to begin another, and these are all up to the one that it had; BusyError where
    it does not.
    """
    try:
        lock = lock_of(folder)
        lock.acquire()
    except filelock.Timeout:
        numbers = segment.segments(folder)
        _ask(folder)
        yield numbers
        return
    try:
        yield segment.segments(folder)
    finally:
        lock.release()


def _ask(folder: Path) -> None:
    request = folder / ROTATE
    os.close(os.open(request, os.O_WRONLY | os.O_CREAT, 0o600))
    end = time.monotonic() + WAIT
    while request.exists():
        if time.monotonic() > end:
            request.unlink(missing_ok=True)
            raise BusyError(
                "The proxy did not let go of the journal's newest file.",
                f"It had {WAIT:.0f} s.",
                "Try again, or stop SkillClaw first: skillclaw stop",
            )
        time.sleep(0.05)


def erase(folder: Path, places: Iterable[Position]) -> int:
    """Erase the records that end at these positions; how many there were. Only within `closed`.

    Each segment is replaced by one rename: a crash leaves it as it was, or erased. Raises OSError.
    """
    by_segment: dict[int, set[int]] = defaultdict(set)
    for place in places:
        by_segment[place.segment].add(place.offset)
    return sum(_erase(segment.path_of(folder, number), ends) for number, ends in by_segment.items())


def _erase(path: Path, ends: set[int]) -> int:
    try:
        data = bytearray(path.read_bytes())
        times = path.stat()
    except FileNotFoundError:
        return 0
    records: dict[int, tuple[segment.Frame, Stored]] = {}
    for frame in segment.frames(io.BytesIO(bytes(data))):
        if isinstance(frame, str):
            break
        try:
            records[frame.start] = frame, segment.unpack(frame.payload)
        except ValueError:
            continue
    gone = {start for start, (frame, stored) in records.items() if frame.end in ends and stored.exchange.id}
    if not gone:
        return 0
    count = len(gone)
    for start, emptied in _emptied(records, gone).items():
        data[start : start + len(emptied)] = emptied
    aside = path.with_name(f".erase-{secrets.token_hex(8)}.new")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # Segments expire by the time of their last record.
        os.utime(aside, ns=(times.st_atime_ns, times.st_mtime_ns))
        aside.replace(path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)
    return count


def _emptied(records: dict[int, tuple[segment.Frame, Stored]], gone: set[int]) -> dict[int, bytes]:
    """The frames that take the place of those in `gone`, by their offsets."""
    while True:
        needed = _needed(records, gone)
        made: dict[int, bytes] = {}
        tight: set[int] = set()
        for start in gone:
            frame, stored = records[start]
            packed = _pack(_rest(stored, needed.get(start, [])), len(frame.payload))
            if packed is None:
                tight.add(start)
            else:
                made[start] = packed
        if not tight:
            return made
        # The part that others need does not fit: what is made from it goes too. It is a raw copy only.
        more = {at for at, (_, one) in records.items() if one.request.base in tight} - gone
        if not more:
            raise OSError("a record is shorter than an empty one")
        gone |= more


def _needed(records: dict[int, tuple[segment.Frame, Stored]], gone: set[int]) -> dict[int, list[_Range]]:
    """Which ranges of the bodies in `gone` the bodies of the others are made from."""
    sizes: dict[int, int] = {}
    for start, (_, stored) in sorted(records.items()):
        delta = stored.request
        sizes[start] = len(delta.middle) + (delta.prefix + delta.suffix if delta.base >= 0 else 0)
    needed: dict[int, list[_Range]] = defaultdict(list)
    for start, (_, stored) in sorted(records.items(), reverse=True):
        delta = stored.request
        if delta.base not in records:
            continue
        own = [(0, sizes[start])] if start not in gone else needed.get(start, [])
        behind = delta.prefix + len(delta.middle)
        shift = sizes[delta.base] - delta.suffix - behind
        for low, high in own:
            parts = ((low, min(high, delta.prefix), 0), (max(low, behind), high, shift))
            needed[delta.base] += [(a + by, b + by) for a, b, by in parts if a < b]
    return needed


def _rest(stored: Stored, needed: list[_Range]) -> Stored:
    """The record without what is not needed; it has no id, by which readers know it."""
    bare = Exchange(id="", agent="", method="", path="", started=0.0)
    delta = stored.request
    if not needed:
        return Stored(bare, Delta(-1, 0, 0, b""))
    begin = delta.prefix if delta.base >= 0 else 0
    middle = bytearray(len(delta.middle))
    for low, high in needed:
        a, b = max(low - begin, 0), min(high - begin, len(middle))
        if a < b:
            middle[a:b] = delta.middle[a:b]
    return Stored(bare, Delta(delta.base, delta.prefix, delta.suffix, bytes(middle)))


def _pack(stored: Stored, length: int) -> bytes | None:
    """The frame with a payload of exactly `length` bytes; None where it needs more."""
    body = _encode(stored)
    for level in LEVELS:
        payload = zstd.compress(body, level)
        if len(payload) <= length:
            payload += bytes(length - len(payload))
            return HEAD.pack(length, zlib.crc32(payload)) + payload
    return None
