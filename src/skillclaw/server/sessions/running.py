"""Which agents are in a session now: a canary never comes or goes under one.

Seen are requests that the proxy passes on at this moment, exchanges that it recorded less than
`journal.idle` seconds ago, and agents' own histories that grew within that time. An agent that thinks for
longer than that, or that keeps no history and does not go through the proxy, is not seen.
"""

from __future__ import annotations

import logging
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError

if TYPE_CHECKING:
    from skillclaw.agents import Adapter, Env
    from skillclaw.server.machine import Machine

__all__ = ["Running", "read_by"]

log = logging.getLogger("skillclaw.up")


class Running:
    """Asked of one folder after another in one sync; looks only when it is asked, and once."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._known: dict[Path, str] = {}

    def __call__(self, target: Path) -> str:
        """The agents that read skills from `target` and are in a session now, for people; empty for none."""
        if target not in self._known:
            self._known[target] = self._look(target)
        return self._known[target]

    def _look(self, target: Path) -> str:
        if self._under_way:
            return "requests are under way"
        names = set()
        try:
            recorded = self._recorded
        except SkillClawError as error:
            return f"it cannot be told which run: {error.what.rstrip('.')}"
        for agent in recorded:
            adapter = self._adapters.get(agent)
            if adapter is None or read_by(self.machine, adapter, self._env, target):
                names.add(adapter.title if adapter is not None else agent)
        for adapter in self._adapters.values():
            if read_by(self.machine, adapter, self._env, target, known=True) and self._grew(adapter):
                names.add(adapter.title)
        return ", ".join(sorted(names))

    @cached_property
    def _under_way(self) -> bool:
        """Whether the proxy waits for an answer: an exchange is recorded only when it is over."""
        from skillclaw.server.up import runfile

        running = runfile.read_running(self.machine.home)
        health = runfile.health(running.port) if running is not None and running.port else None
        return bool(health and health.get("under_way"))

    @cached_property
    def _recorded(self) -> list[str]:
        from skillclaw.server.sessions.reached import last_exchanges

        return sorted(last_exchanges(self.machine, self._idle))

    def _grew(self, adapter: Adapter) -> bool:
        try:
            files = adapter.histories(self._env)
        except Exception:  # a plugin may fail in any way
            log.exception("the histories of %s cannot be looked at", adapter.name)
            return False
        now = time.time()
        return any(abs(now - file.mtime) < self._idle for file in files)

    @cached_property
    def _adapters(self) -> dict[str, Adapter]:
        from skillclaw.agents import adapters

        return dict(adapters())

    @cached_property
    def _env(self) -> Env:
        from skillclaw.agents import Env

        return Env.current()

    @cached_property
    def _idle(self) -> float:
        return self.machine.hubs.settings().journal.idle


def read_by(machine: Machine, adapter: Adapter, env: Env, target: Path, *, known: bool = False) -> bool:
    """Whether an agent reads the skills in `target`: it is a folder of its own, or the proxy tells it of all
    that is installed. One that names no folders may read any, but for `known`.
    """
    from skillclaw.library.copies import real

    given = machine.hubs.settings().agents.get(adapter.name)
    inject = given.inject if given is not None else None
    if getattr(adapter, "inject", False) if inject is None else inject:
        return True
    try:
        own = {real(folder) for folder in adapter.skills(env)}
    except Exception:  # as above
        log.exception("the skills folders of %s are not known", adapter.name)
        own = set()
    return real(target) in own if own else not known
