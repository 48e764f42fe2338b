"""The sync of a running `up`: each hub when it is due, sooner when something says so."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from skillclaw.errors import SkillClawError
from skillclaw.hub.arms import block
from skillclaw.library.pace import Schedule
from skillclaw.server.groups.settings import push_point
from skillclaw.server.hubs.polling import network_mark, woken
from skillclaw.server.hubs.pushed import Listener, may_listen

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["Syncing"]

log = logging.getLogger("skillclaw.up")
AGAIN = 20.0
"""Seconds between looks at whether sessions still run that a canary waits for."""
NETWORK = 5.0
"""Seconds between looks at the machine's addresses while a hub cannot be read."""


class Syncing:
    """The state between the steps. `step` is called about once a second."""

    def __init__(self, machine: Machine, schedule: Schedule | None = None) -> None:
        self.machine = machine
        self.schedule = schedule or Schedule()
        self._told: set[str] = set()
        self._trouble: dict[str, str] = {}
        self._failed: SkillClawError | None = None
        self._network = ""
        self._looked = 0.0
        self._listeners: dict[str, Listener] = {}
        self._block = ""
        self._waits_until = 0.0

    def step(self) -> bool:
        """Ask the hubs that are due; whether something changed. Raises SkillClawError as long as one cannot
        be read, with the same words until that changes; the others are brought up to date all the same. So
        it does, until the next try, for what stopped the sync as a whole.
        """
        if woken(self.machine.home):
            self.schedule.hurry(failing_only=False)
        if self._network_changed():
            self.schedule.hurry(failing_only=True)
        names = self.machine.hubs.names()
        due = self.schedule.due(names)
        lines: list[str] = []
        # a canary comes and goes with the block; which it is now is asked of the clock, since a machine that
        # slept, or whose clock was set, finds itself in another one
        now = block(self.machine.hubs.clock())
        turned = now != self._block or 0.0 < self._waits_until <= time.monotonic()
        if due or turned:
            self._block = now
            self._failed = None
            try:
                lines = self._sync(due)
            except SkillClawError as error:
                self._failed = error
        if self._failed is not None:
            raise self._failed
        self._trouble = {name: why for name, why in self._trouble.items() if name in names}
        if self._trouble:
            told = "; ".join(f"hub {name}: {why}" for name, why in self._trouble.items())
            raise SkillClawError(told, "", "See: skillclaw status")
        return bool(lines)

    def _sync(self, due: list[str]) -> list[str]:
        from skillclaw.server.work import sync

        interval = self.machine.hubs.settings().sync.interval

        def next_(name: str, failed: bool) -> tuple[int, float]:
            return self.schedule.asked(name, interval, failed=failed)

        report = sync(self.machine, due, next_)
        self._listen()
        for one in report.hubs:
            self._trouble.pop(one.hub, None)
            if one.error:
                self._trouble[one.hub] = one.error
        waits = any(change.action == "waits" for change in report.changes)
        self._waits_until = time.monotonic() + AGAIN if waits else 0.0
        lines = replace(report, hubs=[]).lines()
        # what stands in the way stands there at every poll; it is told when it is new
        for line in lines:
            if line not in self._told:
                log.info("sync: %s", line)
        new = [line for line in lines if line not in self._told]
        self._told = set(lines)
        return new

    def stop(self) -> None:
        """Listen no more."""
        for listener in self._listeners.values():
            listener.stop()
        self._listeners = {}

    def _listen(self) -> None:
        """Listen where groups say that they tell of news, if this machine's settings say so."""
        wanted = {}
        if self.machine.hubs.settings().sync.push:
            wanted = {
                source.state.group: point
                for source in self.machine.hubs.at_hand()
                if source.state is not None
                and (point := push_point(source.state.settings)) is not None
                and may_listen(point)
            }
        for group, listener in list(self._listeners.items()):
            if wanted.get(group) != listener.point:
                listener.stop()
                del self._listeners[group]
        for group in wanted.keys() - self._listeners.keys():
            self._listeners[group] = Listener(self.machine.home, group, wanted[group])

    def _network_changed(self) -> bool:
        now = time.monotonic()
        if not self.schedule.failing or now - self._looked < NETWORK:
            return False
        before, self._network = self._network, network_mark()
        first = self._looked == 0.0
        self._looked = now
        return not first and before != self._network
