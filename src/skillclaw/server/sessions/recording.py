"""From the journal to sessions: what the proxy recorded, put together once it is idle or asked for."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from skillclaw.agents.repository import repository_of
from skillclaw.errors import SkillClawError, StorageError
from skillclaw.journal.assemble import assemble_placed
from skillclaw.journal.decoding import Decoder
from skillclaw.journal.reader import Position, read
from skillclaw.journal.twins import MADE_UP
from skillclaw.journal.unread import MARK, Uncounted, counted
from skillclaw.own_log import error_once
from skillclaw.proxy.configured.replay import as_sent
from skillclaw.server.sessions.intake import admit
from skillclaw.server.sessions.raw_erasure import Span, note, span_of
from skillclaw.server.sessions.reached import Mark, reached
from skillclaw.settings import user_home
from skillclaw.trajectory.model import meta, with_meta

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from skillclaw.journal.assemble import Assembled
    from skillclaw.journal.records import Exchange
    from skillclaw.journal.store import PutResult, SessionStore
    from skillclaw.server.machine import Machine
    from skillclaw.trajectory.model import Trajectory
    from skillclaw.wire.records import Unread

log = logging.getLogger("skillclaw.up")

__all__ = ["assemble_recorded", "decoder_of"]

HELD = 3 * 24 * 3600.0
"""Seconds for which a session is read again since others go on that began before it was over."""
SETTLED = 12 * 3600.0
"""Seconds of rest after which a session is not read again. A conversation that names no session and goes on
after that counts as a new one; one that names its session merges into it whenever it goes on."""


def decoder_of(machine: Machine) -> Decoder:
    """What decodes the exchanges recorded in a home, for who assembles them again and again."""
    return Decoder(partial(as_sent, machine.home))


def assemble_recorded(machine: Machine, idle: float | None = None, decoder: Decoder | None = None) -> int:
    """Store the sessions that the proxy recorded since; returns how many are new or grew.

    With `idle` (seconds) a session whose last exchange is younger waits; without it all are taken as they are
    now. Does nothing, cheaply, where nothing new was recorded. `decoder` is `decoder_of` the machine, kept
    from the last time; without one all that is not settled is decoded anew. Raises StorageError.
    """
    folder = machine.home / "journal"
    if not folder.exists():
        return 0
    store, now = machine.sessions, time.time()
    try:
        mark = reached(machine)
        if not _due(folder, mark, idle, now):
            return 0
        reading = _Reading(mark)
        found = assemble_placed(reading.exchanges(folder), reading.note, decoder or decoder_of(machine))
    except OSError as error:
        raise StorageError(f"Cannot read the journal {folder}.", str(error), "Check who owns it.") from error
    ready, waiting, open_from = [], None, len(reading.read)
    active: dict[str, float] = {}
    for trajectory, first, last, cwd, places in found:
        busy = idle is not None and abs(now - last) < idle
        if busy:
            quiet_at = last + (idle or 0.0)
            waiting = min(quiet_at, waiting or quiet_at)
            agent = trajectory.agent.name
            active[agent] = max(last, active.get(agent, last))
        else:
            try:
                ready.append((admit(machine, _placed(trajectory, cwd)), places))
            except (SkillClawError, OSError):
                raise  # the hub or the disk: no session can be kept now
            except Exception as error:  # one that nobody thought of keeps no other out
                reading.refuse(trajectory, places, error)
        if busy or abs(now - last) < SETTLED:
            # It may go on, and is told whole then: nothing of it is settled before all of it is.
            open_from = min(open_from, first)
    results = []
    for one, result in _put(store, ready, reading):
        results.append(result)
        if result == "forgotten":  # it went on; what was recorded of it since goes with the next erasure
            note(machine, {meta(one).key: Span(since=span_of(one).since)})
    settled = reading.settled(now, open_from, found)
    kept = Mark(
        settled=settled,
        seen=reading.seen,
        waiting=waiting,
        busy=active,
        unread=counted(mark.unread, reading.unread),
    )
    store.set_mark(MARK, msgspec.json.encode(kept).decode("utf-8"))
    return sum(result in ("new", "grown") for result in results)


def _put(
    store: SessionStore, ready: Sequence[tuple[Trajectory, list[int]]], reading: _Reading
) -> Iterator[tuple[Trajectory, PutResult]]:
    """Store these sessions, all at once; where one of them cannot be stored, one by one."""
    try:
        yield from zip((one for one, _ in ready), store.put_many([one for one, _ in ready]), strict=True)
        return
    except (SkillClawError, OSError):
        raise
    except Exception as error:
        log.warning("sessions are stored one by one: %s", type(error).__name__)
    for one, places in ready:
        try:
            yield one, store.put(one)
        except (SkillClawError, OSError):
            raise
        except Exception as error:
            reading.refuse(one, places, error)


def _placed(trajectory: Trajectory, cwd: str) -> Trajectory:
    """With the name and the remote of the repository here that the session worked in.

    What the agent told of the remote counts more: the folder may be another's by now.
    """
    known, where = meta(trajectory), repository_of(cwd, user_home())
    env = {"git_remote": where.remote, **known.env} if where.remote else known.env
    placed = msgspec.structs.replace(known, project=where.name, env=dict(sorted(env.items())))
    return with_meta(trajectory, placed)


def _due(folder: Path, mark: Mark, idle: float | None, now: float) -> bool:
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

    def __init__(self, mark: Mark) -> None:
        self.read: list[tuple[Position, float]] = []
        self._minutes: list[int] = []
        self.seen = mark.seen
        self.unread: list[Uncounted] = []
        self._begin = mark.settled
        self._known = mark.seen

    def exchanges(self, folder: Path) -> Iterator[Exchange]:
        """What is not settled, oldest first."""
        for exchange, position in read(folder, self._begin):
            self.read.append((position, exchange.finished or exchange.started))
            self._minutes.append(int(exchange.started // 60))
            self.seen = max(self.seen, position)
            yield exchange

    def note(self, place: int, exchange: Exchange, found: Unread) -> None:
        """Take down what could not be read, unless a pass before this one did."""
        behind, at = self.read[place]
        if behind > self._known:
            self.unread.append(Uncounted(agent=exchange.agent, reason=found.reason, path=found.path, at=at))

    def refuse(self, session: Trajectory, places: Sequence[int], error: Exception) -> None:
        """Take down a session that cannot be kept, unless a pass before this one did."""
        error_once(log, f"a session of {session.agent.name} cannot be kept: {type(error).__name__}")
        behind, at = self.read[max(places)]
        if behind > self._known:
            reason = f"a session that cannot be kept ({type(error).__name__})"
            self.unread.append(Uncounted(agent=session.agent.name, reason=reason, path="", at=at))

    def settled(self, now: float, open_from: int, found: Sequence[Assembled]) -> Position:
        """The place up to which nothing is read again: all before it is at rest, and of no open session. What
        a clock that was set back since called the future is at rest too."""
        border = 0
        for _, time_of_it in self.read[:open_from]:
            if abs(now - time_of_it) < SETTLED:
                break
            border += 1
        border = self._uncut(border, found, now)
        return self.read[border - 1][0] if border else self._begin

    def _uncut(self, border: int, found: Sequence[Assembled], now: float) -> int:
        """`border` where it goes through no session that is known by its beginning alone: one without an id,
        with those of the agent that began in the same minute, or one with sub-agents. Of such a session the
        rest alone would be taken for another one."""
        groups: dict[tuple[str, int | str], list[int]] = {}
        for one in found:
            native = one.trajectory.session_id or ""
            if MADE_UP.match(native):
                group: tuple[str, int | str] = (one.trajectory.agent.name, self._minutes[one.first])
            elif one.trajectory.subagent_trajectories:
                group = (one.trajectory.agent.name, native)
            else:
                continue
            low, high = min(one.places), max(one.places)
            if abs(now - self.read[low][1]) < HELD:
                known = groups.setdefault(group, [low, high])
                known[:] = min(known[0], low), max(known[1], high)
        for low, high in sorted(groups.values(), key=lambda span: span[1], reverse=True):
            if low < border <= high:
                border = low
        return border
