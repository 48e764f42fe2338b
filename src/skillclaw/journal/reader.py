"""Reading the journal from another process, while the proxy writes it."""

from __future__ import annotations

import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import filelock
import msgspec

from skillclaw.journal import segment
from skillclaw.journal.appender import lock_of
from skillclaw.journal.delta import apply
from skillclaw.journal.records import Exchange
from skillclaw.private import sync_folder
from skillclaw.trajectory.model import Record

__all__ = ["START", "FolderStats", "Position", "expire", "read", "stats"]

log = logging.getLogger("skillclaw.journal")
MEMORY = 24 << 20
"""Bytes of bodies kept for the records that refer to them; what is not there is read again."""
DEEPEST = 10_000
"""References followed at most; the writer makes a full copy long before (see delta.py)."""

AHEAD = 86400.0
"""Seconds by which a segment may seem to be written after now, as on a share of another machine."""


class Position(Record, frozen=True, kw_only=True, order=True):
    """A place between two records; the default is the journal's begin. Positions of one journal only grow."""

    segment: int = 0
    offset: int = 0


START = Position()
"""Where a journal begins."""


class FolderStats(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What lies in the folder: how many segments, and their bytes."""

    segments: int = 0
    bytes: int = 0


def read(
    folder: Path,
    after: Position = START,
    *,
    on_skip: Callable[[Path, int, str], None] | None = None,
) -> Iterator[tuple[Exchange, Position]]:
    """The exchanges after `after`, oldest first, each with the position behind it.

    Ends at what is not wholly written yet; call again with the last position. Damage never raises: the rest
    of that segment (or a record whose body cannot be rebuilt) is skipped and told to `on_skip` with file,
    offset and reason. Raises OSError when the folder cannot be read.
    """
    # Listed before anything is read: a segment that has a successor then is finished.
    numbers = [number for number in segment.segments(folder) if number >= after.segment]
    for number in numbers:
        path = segment.path_of(folder, number)
        start = max(after.offset, len(segment.MAGIC)) if number == after.segment else len(segment.MAGIC)
        last = number == numbers[-1]
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue
        with file:
            yield from _read_segment(file, path, number, start, last, on_skip or _log_skip)


def expire(folder: Path, days: float) -> int:
    """Delete the segments last written more than `days` ago, never the one being written; how many went.

    One from the future, of a clock that was set back since, counts as written now: it would stay for as long
    as the clock was wrong, and how old it is nobody knows. The newest is replaced by an empty one of the next
    number when nobody writes the journal: numbers only rise, and no reader's position comes to lie in what is
    written later.
    """
    numbers = segment.segments(folder)
    now = time.time()
    limit = now - days * 86400
    gone = 0
    for number in numbers:
        path = segment.path_of(folder, number)
        try:
            status = path.stat()
            if status.st_mtime > now + AHEAD:
                os.utime(path, (now, now))
                continue
            if status.st_mtime >= limit:
                continue
            if number != numbers[-1]:
                path.unlink()
                gone += 1
            elif status.st_size > len(segment.MAGIC):
                with lock_of(folder):
                    _begin(segment.path_of(folder, number + 1))
                    path.unlink()
                gone += 1
        except (FileNotFoundError, FileExistsError, filelock.Timeout):
            continue
    return gone


def _begin(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(segment.MAGIC)
    sync_folder(path.parent)


def stats(folder: Path) -> FolderStats:
    """How many segments there are and what they weigh."""
    sizes = []
    for number in segment.segments(folder):
        try:
            sizes.append(segment.path_of(folder, number).stat().st_size)
        except FileNotFoundError:
            continue
    return FolderStats(segments=len(sizes), bytes=sum(sizes))


def _log_skip(path: Path, offset: int, why: str) -> None:
    log.warning("%s at %d: %s", path, offset, why)


def _read_segment(
    file: BinaryIO,
    path: Path,
    number: int,
    start: int,
    last: bool,
    on_skip: Callable[[Path, int, str], None],
) -> Iterator[tuple[Exchange, Position]]:
    magic = file.read(len(segment.MAGIC))
    if magic != segment.MAGIC:
        if not last or not segment.MAGIC.startswith(magic):
            on_skip(path, 0, "not a journal segment that this version reads")
        return
    bodies = _Bodies(file)
    for frame in segment.frames(file, start):
        if isinstance(frame, str):
            if not last:
                on_skip(path, start, "damaged; the rest of this segment is skipped")
            return
        try:
            stored = segment.unpack(frame.payload)
            body = bodies.of(frame.start, stored)
        except ValueError as error:
            on_skip(path, frame.start, str(error))
        else:
            if not stored.exchange.id:  # erased (erase.py)
                start = frame.end
                continue
            yield (
                msgspec.structs.replace(stored.exchange, request_body=body),
                Position(segment=number, offset=frame.end),
            )
        start = frame.end


class _Bodies:
    """Request bodies by the offset of their record, rebuilt from what they refer to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._known: OrderedDict[int, bytes] = OrderedDict()
        self._held = 0

    def of(self, offset: int, stored: segment.Stored) -> bytes:
        """The body of the record at `offset`; ValueError when what it refers to is damaged."""
        chain = [(offset, stored.request)]
        base = b""
        while (at := chain[-1][1].base) >= 0:
            if at >= chain[-1][0] or len(chain) > DEEPEST:
                raise ValueError("a record that refers to itself")
            if at in self._known:
                self._known.move_to_end(at)
                base = self._known[at]
                break
            frame = segment.read_frame(self._file, at)
            if isinstance(frame, str):
                raise ValueError("the record that it refers to is damaged")
            chain.append((at, segment.unpack(frame.payload).request))
        for at, delta in reversed(chain):
            base = apply(delta, base)
            self._keep(at, base)
        return base

    def _keep(self, offset: int, body: bytes) -> None:
        if offset in self._known:
            return
        self._known[offset] = body
        self._held += len(body)
        while self._held > MEMORY and len(self._known) > 1:
            self._held -= len(self._known.popitem(last=False)[1])
