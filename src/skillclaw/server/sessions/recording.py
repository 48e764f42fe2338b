"""From the journal to sessions: what the proxy recorded, put together once it is idle or asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from skillclaw.agents.repository import repository_of
from skillclaw.errors import UNREADABLE, StorageError
from skillclaw.journal.assemble import assemble_placed
from skillclaw.journal.reader import START, Position, read
from skillclaw.journal.records import is_own
from skillclaw.journal.segment import path_of, segments
from skillclaw.journal.unread import MARK, Uncounted, UnreadCount, counted
from skillclaw.proxy.configured.replay import as_sent
from skillclaw.server.sessions.intake import admit
from skillclaw.server.sessions.raw_erasure import Span, note, span_of
from skillclaw.settings import user_home
from skillclaw.trajectory.model import Record, meta, with_meta

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skillclaw.journal.records import Exchange
    from skillclaw.server.machine import Machine
    from skillclaw.trajectory.model import Trajectory
    from skillclaw.wire.records import Unread

__all__ = ["assemble_recorded", "last_exchanges"]

SETTLED = 12 * 3600.0
"""Seconds of rest after which a session is not read again. A conversation that names no session and goes on
after that counts as a new one; one that names its session merges into it whenever it goes on."""


class _Mark(Record, frozen=True, kw_only=True):
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


def assemble_recorded(machine: Machine, idle: float | None = None) -> int:
    """Store the sessions that the proxy recorded since; returns how many are new or grew.

    With `idle` (seconds) a session whose last exchange is younger waits; without it all are taken as they are
    now. Does nothing, cheaply, where nothing new was recorded. Raises StorageError.
    """
    folder = machine.home / "journal"
    if not folder.exists():
        return 0
    store, now = machine.sessions, time.time()
    try:
        mark = _within(folder, _load(store.get_mark(MARK)))
        if not _due(folder, mark, idle, now):
            return 0
        reading = _Reading(mark)
        found = assemble_placed(reading.exchanges(folder), reading.note)
    except OSError as error:
        raise StorageError(f"Cannot read the journal {folder}.", str(error), "Check who owns it.") from error
    ready, waiting, open_from = [], None, len(reading.read)
    active: dict[str, float] = {}
    for trajectory, first, last, cwd, _ in found:
        busy = idle is not None and abs(now - last) < idle
        if busy:
            quiet_at = last + (idle or 0.0)
            waiting = min(quiet_at, waiting or quiet_at)
            agent = trajectory.agent.name
            active[agent] = max(last, active.get(agent, last))
        else:
            ready.append(admit(machine, _placed(trajectory, cwd)))
        if busy or abs(now - last) < SETTLED:
            # It may go on, and is told whole then: nothing of it is settled before all of it is.
            open_from = min(open_from, first)
    results = store.put_many(ready)
    for one, result in zip(ready, results, strict=True):
        if result == "forgotten":  # it went on; what was recorded of it since goes with the next erasure
            note(machine, {meta(one).key: Span(since=span_of(one).since)})
    settled = reading.settled(now, open_from)
    kept = _Mark(
        settled=settled,
        seen=reading.seen,
        waiting=waiting,
        busy=active,
        unread=counted(mark.unread, reading.unread),
    )
    store.set_mark(MARK, msgspec.json.encode(kept).decode("utf-8"))
    return sum(result in ("new", "grown") for result in results)


def last_exchanges(machine: Machine, idle: float) -> dict[str, float]:
    """By agent, the Unix time of its last exchange, of those that are younger than `idle` seconds.

    What was put together is not read again, nor what was written before that long. Raises StorageError.
    """
    folder, since = machine.home / "journal", time.time() - idle
    if not folder.exists():
        return {}
    try:
        fresh = [n for n in segments(folder) if path_of(folder, n).stat().st_mtime >= since]
        mark = _within(folder, _load(machine.sessions.get_mark(MARK)))
        found = dict(mark.busy)
        after = max(mark.seen, Position(segment=fresh[0])) if fresh else mark.seen
        for exchange, _ in read(folder, after) if fresh else ():
            if not is_own(exchange):
                at = exchange.finished or exchange.started
                found[exchange.agent] = max(at, found.get(exchange.agent, at))
    except OSError as error:
        raise StorageError(f"Cannot read the journal {folder}.", str(error), "Check who owns it.") from error
    return {agent: at for agent, at in found.items() if abs(time.time() - at) < idle}


def _placed(trajectory: Trajectory, cwd: str) -> Trajectory:
    """With the name and the remote of the repository here that the session worked in.

    What the agent told of the remote counts more: the folder may be another's by now.
    """
    known, where = meta(trajectory), repository_of(cwd, user_home())
    env = {"git_remote": where.remote, **known.env} if where.remote else known.env
    placed = msgspec.structs.replace(known, project=where.name, env=dict(sorted(env.items())))
    return with_meta(trajectory, placed)


def _load(text: str | None) -> _Mark:
    try:
        return msgspec.json.decode(text or "{}", type=_Mark)
    except UNREADABLE:
        return _Mark()  # reading all of it again is safe: what is stored already is not stored twice


def _within(folder: Path, mark: _Mark) -> _Mark:
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


def _due(folder: Path, mark: _Mark, idle: float | None, now: float) -> bool:
    # One that waits for longer than `idle` was noted by a clock that was set back since.
    if mark.waiting is not None and (idle is None or not now < mark.waiting <= now + idle):
        return True
    fresh = next(read(folder, mark.seen), None)
    if fresh is None:
        return False
    # Nothing new can be idle before its first exchange is that old, and a pass reads half a day of journal.
    started = fresh[0].finished or fresh[0].started
    return idle is None or abs(now - started) >= idle


class _Reading:
    """One pass over the journal, which notes how far it came."""

    def __init__(self, mark: _Mark) -> None:
        self.read: list[tuple[Position, float]] = []
        self.seen = mark.seen
        self.unread: list[Uncounted] = []
        self._begin = mark.settled
        self._known = mark.seen

    def exchanges(self, folder: Path) -> Iterator[Exchange]:
        """What is not settled, oldest first."""
        for exchange, position in read(folder, self._begin):
            self.read.append((position, exchange.finished or exchange.started))
            self.seen = max(self.seen, position)
            yield as_sent(folder.parent, exchange)

    def note(self, place: int, exchange: Exchange, found: Unread) -> None:
        """Take down what could not be read, unless a pass before this one did."""
        behind, at = self.read[place]
        if behind > self._known:
            self.unread.append(Uncounted(agent=exchange.agent, reason=found.reason, path=found.path, at=at))

    def settled(self, now: float, open_from: int) -> Position:
        """The place up to which nothing is read again: all before it is at rest, and of no open session. What
        a clock that was set back since called the future is at rest too."""
        position = self._begin
        for behind, time_of_it in self.read[:open_from]:
            if abs(now - time_of_it) < SETTLED:
                break
            position = behind
        return position
