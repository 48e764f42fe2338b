"""From the journal to sessions: what the proxy recorded, put together once it is idle or asked for."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import StorageError
from skillclaw.journal.assemble import assemble
from skillclaw.journal.reader import START, Position, read
from skillclaw.server.intake import admit
from skillclaw.trajectory.model import Record, Trajectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skillclaw.journal.records import Exchange
    from skillclaw.server.machine import Machine

__all__ = ["assemble_recorded"]

SETTLED = 12 * 3600.0
"""Seconds after which an exchange is not read again. A conversation that names no session and goes on after
that counts as a new one; one that names its session merges into it whenever it goes on."""

MARK = "journal"


class _Mark(Record, frozen=True, kw_only=True):
    """How far the journal was read: `settled` is never read again, `seen` was read at least once.

    waiting: Unix time when the first session that was still active then becomes idle; None where none was.
    """

    settled: Position = START
    seen: Position = START
    waiting: float | None = None


def assemble_recorded(machine: Machine, idle: float | None = None) -> int:
    """Store the sessions that the proxy recorded since; returns how many are new or grew.

    With `idle` (seconds) a session whose last exchange is younger waits; without it all are taken as they are
    now. Does nothing, cheaply, where nothing new was recorded. Raises StorageError.
    """
    folder = machine.home / "journal"
    if not folder.exists():
        return 0
    store, now = machine.sessions, time.time()
    mark = _load(store.get_mark(MARK))
    try:
        if not _due(folder, mark, idle, now):
            return 0
        reading = _Reading(mark, now)
        found = assemble(reading.exchanges(folder))
    except OSError as error:
        raise StorageError(f"Cannot read the journal {folder}.", str(error), "Check who owns it.") from error
    ready, waiting = [], None
    for trajectory in found:
        quiet_at = _last(trajectory) + (idle or 0.0)
        if idle is not None and quiet_at > now:
            waiting = min(quiet_at, waiting or quiet_at)
        else:
            ready.append(admit(machine, trajectory))
    results = store.put_many(ready)
    kept = _Mark(settled=reading.settled, seen=reading.seen, waiting=waiting)
    store.set_mark(MARK, msgspec.json.encode(kept).decode("utf-8"))
    return sum(result in ("new", "grown") for result in results)


def _load(text: str | None) -> _Mark:
    try:
        return msgspec.json.decode(text or "{}", type=_Mark)
    except msgspec.DecodeError:
        return _Mark()  # reading all of it again is safe: what is stored already is not stored twice


def _due(folder: Path, mark: _Mark, idle: float | None, now: float) -> bool:
    if mark.waiting is not None and (idle is None or mark.waiting <= now):
        return True
    return next(read(folder, mark.seen), None) is not None


class _Reading:
    """One pass over the journal, which notes how far it came."""

    def __init__(self, mark: _Mark, now: float) -> None:
        self.settled = mark.settled
        self.seen = mark.seen
        self._before = now - SETTLED

    def exchanges(self, folder: Path) -> Iterator[Exchange]:
        """What is not settled, oldest first."""
        settling = True
        for exchange, position in read(folder, self.settled):
            settling = settling and (exchange.finished or exchange.started) < self._before
            if settling:
                self.settled = position
            self.seen = max(self.seen, position)
            yield exchange


def _last(trajectory: Trajectory) -> float:
    """Unix time of the last thing in the session, sub-agents included; 0 where nothing has a time."""
    stamps = [step.timestamp for step in trajectory.steps if step.timestamp]
    own = max((datetime.fromisoformat(stamp).timestamp() for stamp in stamps), default=0.0)
    return max([own, *(_last(sub) for sub in trajectory.subagent_trajectories or [])])
