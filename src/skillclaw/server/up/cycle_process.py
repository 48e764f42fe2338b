"""A cycle of this machine's own sessions as a child process: begun when sessions came, waited for, ended."""

from __future__ import annotations

import logging
import subprocess
import sys

from skillclaw.errors import SkillClawError
from skillclaw.extras import has_evolver, install
from skillclaw.server.machine import Machine
from skillclaw.server.up.logged import logged
from skillclaw.server.up.telling import Telling

__all__ = ["CycleProcess"]

log = logging.getLogger("skillclaw.up")
END = 10.0
"""Seconds that a cycle gets to end by itself."""


class CycleProcess:
    """The process of one home's cycles, while there is one."""

    def __init__(self, machine: Machine, telling: Telling) -> None:
        self.machine = machine
        self._telling = telling
        self._process: subprocess.Popen[bytes] | None = None
        self._cursor: int | None = None

    @property
    def runs(self) -> bool:
        """Whether a cycle was begun and not waited for yet."""
        return self._process is not None

    def begin(self) -> bool:
        """Begin one, where none runs and sessions came since the last; whether it did. SkillClawError where
        what learns is not installed."""
        cursor = self.machine.sessions.cursor()
        if self._process is not None or cursor in (0, self._cursor):
            return False
        if not has_evolver():
            what = f"Nothing is learned: the evolver is not installed. Say: {install('evolve')}"
            raise SkillClawError(what)
        self._cursor = cursor
        home = self.machine.home
        argv = [sys.executable, "-m", "skillclaw", "evolve", "--home", str(home)]
        self._process = logged(argv, home / "logs" / "evolve.log")
        self._telling.cycle_began()
        facts = {"facts": {"process": self._process.pid}}
        log.info("cycle started (process %d)", self._process.pid, extra=facts)
        return True

    def reap(self) -> bool:
        """Whether one ended well now; SkillClawError where it did not: then the next looks at the same."""
        if self._process is None or self._process.poll() is None:
            return False
        code = self._process.returncode
        self._process = None
        seconds = self._telling.cycle_ended(well=code == 0)
        if code != 0:
            self._cursor = None
            raise SkillClawError(
                f"The last cycle ended with exit code {code}.", "", "See: skillclaw logs evolve"
            )
        log.info("cycle done", extra={"facts": {"seconds": round(seconds, 1)}})
        return True

    def end(self) -> None:
        """End it; what it did is kept."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END)
            except subprocess.TimeoutExpired:
                self._process.kill()
