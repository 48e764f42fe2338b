"""The cycles of a server, each in a process of its own: begun, listened to, noted when they ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.server.machine import Machine
from skillclaw.server.serving.children import Child
from skillclaw.server.serving.events import Events
from skillclaw.server.serving.group import Group
from skillclaw.server.serving.history import History, new_id, now_text
from skillclaw.server.serving.records import CycleLine, Trigger
from skillclaw.server.serving.telling import closed, facts_of
from skillclaw.server.serving.worker import Order, Result, Said
from skillclaw.settings_serve import ServeSettings

__all__ = ["Cycles", "new_line"]

log = logging.getLogger("skillclaw.serve")
PATIENCE = 300.0
"""Seconds after which a cycle no longer keeps other groups from theirs: it does not count as one of the
`parallel` ones then, up to twice as many."""
SHOWN = 1.0
"""Seconds between events of one cycle's progress at least, within a stage."""


class Cycles:
    """Begins cycles and hears of them. `lock` guards the `groups`; `failed` is told what the server itself
    could not do, `news` is called when a cycle ended."""

    def __init__(
        self,
        machine: Machine,
        settings: ServeSettings,
        history: History,
        events: Events,
        groups: Mapping[str, Group],
        lock: threading.RLock,
        *,
        failed: Callable[[str], None],
        news: Callable[[], None],
    ) -> None:
        self._machine = machine
        self._settings = settings
        self._history = history
        self._events = events
        self._groups = groups
        self._lock = lock
        self._failed = failed
        self._news = news
        self._shown: dict[str, float] = {}

    def room(self, now: float) -> bool:
        """Whether one more may begin."""
        running = self.running()
        most = self._settings.parallel
        return len(running) < 2 * most and sum(now - one.began < PATIENCE for one in running) < most

    def begin(self, group: Group, trigger: Trigger, now: float) -> None:
        """Begin the cycle that is asked for, or one by `trigger`, while holding the lock."""
        line = group.queue.pop(0) if trigger == "demand" else new_line(group, trigger)
        line = msgspec.structs.replace(line, started=now_text(), stage="collect")
        order = Order(
            home=str(self._machine.home),
            hub=group.hub,
            cycle=line.id,
            report=str(self._history.report_path(line.id)),
            ttl=self._settings.ttl,
            engine=line.engine or None,
            dry_run=line.dry_run,
        )
        group.line, group.began = line, now
        try:
            self.note(line)
            group.child = Child(
                order,
                self._machine.environ,
                heard=lambda said: self._heard(group, said),
                ended=lambda result: self._ended(group, result),
            )
        except (OSError, RuntimeError, SkillClawError) as error:  # RuntimeError: no thread
            why = error.brief if isinstance(error, SkillClawError) else f"No process can be started: {error}."
            self._ended(group, Result(outcome="failed", error=why, kind=type(error).__name__))

    def note(self, line: CycleLine, *, keep: bool = True) -> None:
        """Write down how a cycle stands, and tell it; `keep`: over restarts."""
        self._history.note(line, keep=keep)
        self._events.add("cycle", line.group, msgspec.to_builtins(line))
        level = logging.WARNING if line.outcome in ("failed", "lost") else logging.INFO
        log.log(
            level,
            f"cycle {line.outcome}" if line.stage != "queued" else "cycle asked for",
            extra=facts_of(line),
        )

    def running(self) -> list[Group]:
        """The groups whose cycle runs."""
        with self._lock:
            return [group for group in self._groups.values() if group.line is not None]

    def children(self) -> list[Child]:
        """The processes that run."""
        return [group.child for group in self.running() if group.child is not None]

    def wait(self, seconds: float) -> None:
        """Until no cycle runs, or so long."""
        until = time.monotonic() + seconds
        while self.running() and time.monotonic() < until:
            time.sleep(0.05)

    def _heard(self, group: Group, said: Said) -> None:
        with self._lock:
            line, now = group.line, time.monotonic()
            if line is None:
                return
            changed = said.stage != line.stage
            group.line = msgspec.structs.replace(
                line,
                stage=said.stage,
                done=said.done,
                total=said.total,
                seconds=round(now - group.began, 1),
            )
            self._history.note(group.line, keep=False)
            if changed or now - self._shown.get(group.hub, 0.0) >= SHOWN:
                self._shown[group.hub] = now
                self._events.add("cycle", group.id, msgspec.to_builtins(group.line))
            if changed:
                log.info("cycle stage", extra=facts_of(group.line))

    def _ended(self, group: Group, result: Result) -> None:
        with self._lock:
            line, now = group.line, time.monotonic()
            if line is None:
                return
            group.looker.taken()
            group.ended(line, result, now)
            group.look_at = now
            try:
                if result.outcome == "elsewhere" and line.trigger != "demand":
                    self._history.forget(line)
                else:
                    self.note(closed(line, result, now - group.began))
                if result.outcome == "done" and self._history.withdrawn(group.id, result.withdrawn):
                    self._history.drop_reports(group.id, but=line.id)
            except SkillClawError as error:
                self._failed(error.brief)
        self._news()


def new_line(group: Group, trigger: Trigger, *, engine: str = "", dry_run: bool = False) -> CycleLine:
    """A cycle that has not begun."""
    return CycleLine(
        id=new_id(),
        group=group.id,
        hub=group.hub,
        trigger=trigger,
        started=now_text(),
        stage="queued",
        engine=engine,
        dry_run=dry_run,
    )
