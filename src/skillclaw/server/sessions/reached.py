"""How far the journal was read, and which agents were at work of late."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import UNREADABLE, StorageError
from skillclaw.journal.reader import START, Position, read
from skillclaw.journal.records import is_own
from skillclaw.journal.segment import path_of, segments
from skillclaw.journal.unread import MARK, UnreadCount
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.server.machine import Machine

__all__ = ["Mark", "last_exchanges", "reached"]


class Mark(Record, frozen=True, kw_only=True):
    """How far the journal was read: `settled` is never read again, `seen` was read at least once.

    waiting: Unix time when the first session that was still active then becomes idle; None where none was.
    busy: of the sessions that were, by agent the Unix time of the last exchange.
    unread: what could not be read up to `seen`, each exchange once. It is stored with `seen`, in one write.
    """

    settled: Position = START
    seen: Position = START
    waiting: float | None = None
    busy: dict[str, float] = {}
    unread: list[UnreadCount] = []


def reached(machine: Machine) -> Mark:
    """How far this machine's journal was read. Raises OSError where the journal cannot be looked at."""
    folder = machine.home / "journal"
    return _within(folder, _load(machine.sessions.get_mark(MARK)))


def last_exchanges(machine: Machine, idle: float) -> dict[str, float]:
    """By agent, the Unix time of its last exchange, of those that are younger than `idle` seconds.

    What was put together is not read again, nor what was written before that long. Raises StorageError.
    """
    folder, since = machine.home / "journal", time.time() - idle
    if not folder.exists():
        return {}
    try:
        fresh = [n for n in segments(folder) if path_of(folder, n).stat().st_mtime >= since]
        mark = reached(machine)
        found = dict(mark.busy)
        after = max(mark.seen, Position(segment=fresh[0])) if fresh else mark.seen
        for exchange, _ in read(folder, after) if fresh else ():
            if not is_own(exchange):
                at = exchange.finished or exchange.started
                found[exchange.agent] = max(at, found.get(exchange.agent, at))
    except OSError as error:
        raise StorageError(f"Cannot read the journal {folder}.", str(error), "Check who owns it.") from error
    return {agent: at for agent, at in found.items() if abs(time.time() - at) < idle}


def _load(text: str | None) -> Mark:
    try:
        return msgspec.json.decode(text or "{}", type=Mark)
    except UNREADABLE:
        return Mark()  # reading all of it again is safe: what is stored already is not stored twice


def _within(folder: Path, mark: Mark) -> Mark:
    """The mark; where it lies beyond the journal's end, one before. A power cut may take exchanges that were
    read already, and what is written in their place must be read, too."""
    numbers = segments(folder)
    end = (
        Position(segment=numbers[-1], offset=path_of(folder, numbers[-1]).stat().st_size)
        if numbers
        else START
    )
    if mark.seen <= end:
        return mark
    begin = mark.settled if mark.settled <= end else START
    return msgspec.structs.replace(mark, settled=begin, seen=begin)
