"""The evolve server of one home: looks at its groups' hubs, and runs their cycles, each in its own process.

Three kinds of threads: one that looks at the clock, one for each look into a hub (storage may hang), one for
each cycle's process. A lock guards what they share; no network is asked and no process waited for within it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import msgspec

from skillclaw import __version__
from skillclaw import settings as settings_module
from skillclaw.errors import BusyError, SkillClawError, UsageError
from skillclaw.server.machine import Machine
from skillclaw.server.serving.cycles import Cycles, new_line
from skillclaw.server.serving.events import Events
from skillclaw.server.serving.group import Group
from skillclaw.server.serving.history import KEEP, History, now_text
from skillclaw.server.serving.looking import Looker
from skillclaw.server.serving.lookout import Lookout
from skillclaw.server.serving.records import (
    CycleLine,
    Event,
    GroupStatus,
    ServeStatus,
)
from skillclaw.server.serving.schedule import GroupClock, Rules, Work, due, look_every, ripe
from skillclaw.server.serving.telling import budget_of, facts_of
from skillclaw.server.sharing.view import hub_names
from skillclaw.settings import Settings
from skillclaw.settings_serve import ServeSettings

__all__ = ["Service"]

log = logging.getLogger("skillclaw.serve")
TICK = 0.5
"""Seconds between looks at the clock."""
NAMES = 10.0
"""Seconds between looks at the settings, for groups that came or went."""
STOPS = 10.0
"""Seconds that a cycle which was told to stop may take to do so, before it is ended."""


class Service:
    """The server of one home. Threads can share it; every method answers at once, but `stop` and `events`."""

    def __init__(
        self,
        machine_home: Path,
        settings: ServeSettings,
        environ: Mapping[str, str] | None = None,
        *,
        by_itself: bool = True,
    ) -> None:
        """`settings` hold while it runs; what else is set is read anew for every cycle. Not `by_itself`: only
        what is asked for is run. Raises StorageError where the home cannot be written."""
        self.machine = Machine(machine_home, environ)
        self.settings = settings
        self.by_itself = by_itself
        self.machine.prepare()
        self.history = History(machine_home)
        self._events = Events(self.history.folder)
        self._rules = Rules(interval=settings.interval * 60, sessions=settings.sessions)
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._groups: dict[str, Group] = {}
        self._cycles = Cycles(
            self.machine,
            settings,
            self.history,
            self._events,
            self._groups,
            self._lock,
            failed=self._failed,
            news=self._wake.set,
        )
        self._lookout = Lookout(self._lock, self.history, look_every(self._rules), self._wake.set)
        self._states: dict[str, str] = {}
        self._names_at = 0.0
        self._named = False
        self._alive = time.monotonic()
        self._started = now_text()
        self._state: Literal["running", "stopping", "stopped"] = "stopped"
        self._error = ""
        self._thread: threading.Thread | None = None
        self._held = ExitStack()

    # Life

    def start(self) -> None:
        """Begin. Raises BusyError where another server of this home runs."""
        self._held.enter_context(self.machine.alone("serve"))
        for line in self.history.cut_off():
            log.warning("cycle lost", extra=facts_of(line))
            self._events.add("cycle", line.group, msgspec.to_builtins(line))
        self._state = "running"
        self._events.add("server", "", {"state": "started"})
        log.info("server started", extra={"facts": {"parallel": self.settings.parallel}})
        self._thread = threading.Thread(target=self._loop, name="schedule", daemon=True)
        self._thread.start()

    def stop(self, grace: float | None = None) -> None:
        """End: begin no cycle, let those that run finish for `grace` seconds (as the settings say), tell them
        to stop, end them. What they did is kept."""
        if self._state != "running":
            return
        grace = self.settings.grace if grace is None else grace
        self._state = "stopping"
        self._events.add("server", "", {"state": "stopping"})
        log.info("server stopping", extra={"facts": {"running": len(self._cycles.running())}})
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            for group in self._groups.values():
                for line in group.queue:
                    self._cycles.note(
                        msgspec.structs.replace(line, outcome="stopped", error="The server ended.")
                    )
                group.queue.clear()
        self._cycles.wait(grace)
        for child in self._cycles.children():
            child.ask_to_stop()
        self._cycles.wait(STOPS)
        for child in self._cycles.children():
            child.kill()
        self._cycles.wait(STOPS)
        self._state = "stopped"
        self._events.wake()
        self._held.close()
        log.info("server stopped")

    # What it tells

    def status(self) -> ServeStatus:
        """How the server stands."""
        states = Counter(one.state for one in self.groups())
        engine = model = ""
        budget = None
        error = self._error
        try:
            settings = self._settings()
            engine, model = settings.evolve.engine, settings.evolve.model.name
            budget = budget_of(settings, self.machine.home)
        except SkillClawError as problem:
            error = error or problem.brief
        return ServeStatus(
            version=__version__,
            pid=os.getpid(),
            started=self._started,
            state=self._state,
            alive=round(time.monotonic() - self._alive, 3),
            paused=self.history.paused(),
            groups=dict(sorted(states.items())),
            running=len(self._cycles.running()),
            parallel=self.settings.parallel,
            engine=engine,
            model=model,
            budget=budget,
            error=error,
        )

    def groups(self) -> list[GroupStatus]:
        """How each group stands, in the order of the settings."""
        with self._lock:
            return [self._status(group) for group in self._groups.values() if group.shown]

    def cycles(self, hub: str, n: int = KEEP) -> list[CycleLine]:
        """The newest `n` cycles of the group whose hub has this name, the newest first. UsageError where
        this server has no such group."""
        return self.history.cycles(self._group(hub).id, n)

    def find(self, cycle: str) -> CycleLine | None:
        """The cycle of this id; None where there is none (any more)."""
        return self.history.find(cycle)

    def report(self, cycle: str) -> dict[str, Any] | None:
        """What the cycle of this id found (a CycleReport as JSON, with `collected`); None where it ended
        without one, or it is not kept any more."""
        return self.history.report(cycle)

    def events(self, after: int, wait: float) -> list[Event]:
        """The events behind the id `after` that are still kept; where there are none, those that come within
        `wait` seconds."""
        return self._events.after(after, wait)

    # What it is told

    def looked(self, wait: float, stop: threading.Event) -> bool:
        """Wait until every group was looked at once, well or not; False where that took longer than `wait`
        seconds, or `stop` was set."""
        until = time.monotonic() + wait
        while True:
            with self._lock:
                if self._named and all(one.seen or one.look_failures for one in self._groups.values()):
                    return True
            if time.monotonic() >= until or stop.wait(0.05):
                return False

    def run_now(self, hub: str, *, engine: str | None = None, dry_run: bool = False) -> str:
        """Ask for a cycle, also of a paused group; gives its id. One that waits already and is the same is
        given again. UsageError where there is no such group or engine; BusyError where another waits, or the
        server ends."""
        if engine is not None:
            from skillclaw.evolve.evolvers import evolvers

            if engine not in evolvers():
                raise UsageError(f"There is no evolver {engine!r}.", "", f"Known: {', '.join(evolvers())}")
        with self._lock:
            group = self._group(hub)
            if self._state != "running":
                raise BusyError("The server ends.", "", "Ask again when it runs.")
            for line in group.queue:
                if (line.engine, line.dry_run) == (engine or "", dry_run):
                    return line.id
            if group.queue:
                raise BusyError(
                    f"A cycle of {hub} waits for its turn already.", "", "Ask again when it has begun."
                )
            line = new_line(group, "demand", engine=engine or "", dry_run=dry_run)
            group.queue.append(line)
            self._cycles.note(line, keep=False)
        self._wake.set()
        return line.id

    def pause(self, hub: str | None = None) -> None:
        """Begin no cycle of that group, or of any, by itself until `resume`, over restarts too. One that runs
        goes on."""
        self._pause(hub, True)

    def resume(self, hub: str | None = None) -> None:
        """Take back `pause` for that group; without a name for all of them."""
        self._pause(hub, False)

    def _pause(self, hub: str | None, paused: bool) -> None:
        group = self._group(hub).id if hub is not None else ""
        self.history.pause(hub, paused)
        self._events.add("pause", group, {"paused": paused})
        log.info("paused" if paused else "resumed", extra={"facts": {"group": group}})
        self._wake.set()

    # Within

    def _loop(self) -> None:
        while self._state == "running":
            self._wake.clear()
            try:
                self._tick()
                self._error = ""
            except SkillClawError as error:
                self._failed(error.brief)
            except Exception as error:
                log.exception("the schedule failed")
                self._failed(f"Something that should not happen ({type(error).__name__}).")
            self._alive = time.monotonic()
            self._wake.wait(TICK)

    def _failed(self, why: str) -> None:
        if why != self._error:
            log.error("server error", extra={"facts": {"error": why}})
        self._error = why

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self._names_at:
            self._names_at = now + NAMES
            self._renew(now)
        with self._lock:
            self._lookout.send(self._groups.values(), now)
        with self._lock:
            works = [
                Work(group=group.hub, trigger=trigger, since=group.since)
                for group in self._groups.values()
                if (self.by_itself or group.queue)
                and (trigger := due(self._clock(group, now), now, self._rules, name=group.hub))
            ]
            for work in ripe(works):
                if not self._cycles.room(now):
                    break
                self._cycles.begin(self._groups[work.group], work.trigger, now)
            self._tell_states()

    def _renew(self, now: float) -> None:
        """Groups that came or went, by the settings as they are now."""
        names = hub_names(self._settings())
        wanted = [name for name in names if not self.settings.hubs or name in self.settings.hubs]
        with self._lock:
            for name in [name for name in self._groups if name not in wanted]:
                if self._groups[name].line is None:
                    del self._groups[name]
            for name in wanted:
                if name not in self._groups:
                    looker = Looker(self.machine, name)
                    named = name in self.settings.hubs
                    self._groups[name] = Group(hub=name, looker=looker, since=now, named=named)
            self._named = True

    def _group(self, hub: str) -> Group:
        with self._lock:
            group = self._groups.get(hub)
            if group is None or not group.shown:
                known = ", ".join(one.hub for one in self._groups.values() if one.shown) or "none"
                raise UsageError(
                    f"This server has no group {hub!r}.",
                    f"Known: {known}.",
                    "A group is one of the server's when this machine is its evolver: skillclaw hub members",
                )
            if not group.seen:
                raise BusyError(
                    f"The hub {hub} could not be read yet.", group.look_error, "Try again in a moment."
                )
            return group

    def _status(self, group: Group) -> GroupStatus:
        last = next(iter(self.history.cycles(group.id, 1)), None) if group.id else None
        paused = self.history.paused(group.hub)
        return group.status(time.monotonic(), self._rules, last, paused=paused)

    def _clock(self, group: Group, now: float) -> GroupClock:
        return group.clock(now, paused=self.history.paused(group.hub))

    def _tell_states(self) -> None:
        for group in self._groups.values():
            status = self._status(group)
            if group.shown and self._states.get(group.hub) != status.state:
                self._states[group.hub] = status.state
                self._events.add("group", group.id, msgspec.to_builtins(status))

    def _settings(self) -> Settings:
        return settings_module.load(self.machine.home, self.machine.environ)
