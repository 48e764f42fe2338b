"""Whether the server can do its work: what it depends on is tried, each within a time limit."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from skillclaw.errors import SkillClawError, in_one_line
from skillclaw.private import append_file, private_folder
from skillclaw.server.api.models import Health
from skillclaw.server.api.service import Service
from skillclaw.server.machine import Machine

__all__ = ["Readiness"]

FRESH = 5.0
"""Seconds for which an answer holds: probes of many must not become requests to the storage."""
LIMIT = 5.0
"""Seconds in which each dependency must answer."""
STUCK = 60.0
"""Seconds after which a scheduler that did not look at the clock counts as dead."""


class Readiness:
    """The checks of one server. Threads can share it; while one checks, the others get what was found before,
    so that probes, which need no token, do not keep all threads while a storage hangs."""

    def __init__(
        self,
        service: Service,
        home: Path,
        environ: Mapping[str, str],
        *,
        fresh: float = FRESH,
        limit: float = LIMIT,
    ) -> None:
        self.service = service
        self.home = home
        self.environ = environ
        self.fresh = fresh
        self.limit = limit
        self._lock = threading.Lock()
        self._found: Health | None = None
        self._at = 0.0
        self._trying: dict[str, _Try] = {}
        self._machines: dict[str, Machine] = {}

    def check(self) -> Health:
        """How it stands, at most `fresh` seconds old, and as long as a check takes."""
        before = self._found
        if not self._lock.acquire(blocking=before is None):
            assert before is not None
            return before
        try:
            if self._found is None or time.monotonic() - self._at >= self.fresh:
                self._found = self._check()
                self._at = time.monotonic()
            return self._found
        finally:
            self._lock.release()

    def _check(self) -> Health:
        groups: list[str] = []

        def scheduler() -> str:
            status = self.service.status()
            groups.extend(one.hub for one in self.service.groups())
            if status.state != "running":
                return f"The server is {status.state}."
            if status.alive > STUCK:
                return f"The scheduler has not looked at the clock for {status.alive:.0f} s."
            return status.error

        found = self._all({"scheduler": scheduler, "disk": self._disk, "provider": self._provider})
        found |= self._all({f"hub {name}": self._hub(name) for name in groups})
        return Health(ready=not any(found.values()), checks=found)

    def _all(self, checks: Mapping[str, Callable[[], str]]) -> dict[str, str]:
        """Try all at once. One that has not come back from before is not begun a second time."""
        for name, check in checks.items():
            if name not in self._trying or self._trying[name].over.is_set():
                self._trying[name] = _Try(check)
        until = time.monotonic() + self.limit
        found = {}
        for name in checks:
            one = self._trying[name]
            if one.over.wait(max(until - time.monotonic(), 0.0)):
                found[name] = one.found
            else:
                found[name] = f"No answer within {self.limit:g} s."
        return found

    def _disk(self) -> str:
        path = self.home / "serve" / f".ready-{os.getpid()}"
        try:
            private_folder(path.parent)
            with append_file(path) as file:
                file.write(b"ready\n")
            path.unlink()
        except OSError as error:
            return f"{path.parent} cannot be written: {os.strerror(error.errno or 0)}."
        return ""

    def _provider(self) -> str:
        """Whether the engine of the settings has what it needs; no request is made."""
        from skillclaw.evolve.evolvers import evolvers
        from skillclaw.evolve.modelled import needs_model
        from skillclaw.evolve.models.places import find_key

        settings = Machine(self.home, self.environ).settings.evolve
        evolver = evolvers().get(settings.engine)
        if evolver is None:
            return f"There is no engine {settings.engine!r}."
        if needs_model(evolver):
            if not settings.model.name:
                return "The engine needs a model, and evolve.model.name is empty."
            find_key(settings.model, self.environ)
        return ""

    def _hub(self, name: str) -> Callable[[], str]:
        def reach() -> str:
            # Opened once; a machine for each, as no other thread uses it.
            machine = self._machines.setdefault(name, Machine(self.home, self.environ))
            error = machine.hubs.source(name).error
            return in_one_line(error) if error is not None else ""

        return reach


class _Try:
    """A check in a thread of its own, which a storage that does not answer may keep."""

    def __init__(self, check: Callable[[], str]) -> None:
        self.over = threading.Event()
        self.found = ""
        self._check = check
        threading.Thread(target=self._run, name="readiness", daemon=True).start()

    def _run(self) -> None:
        try:
            self.found = self._check()
        except SkillClawError as error:
            self.found = in_one_line(error)
        except Exception as error:
            self.found = f"It failed: {type(error).__name__}."
        finally:
            self.over.set()
