"""This machine's votes beside `up`: a process of its own, so that its memory and its libraries go with it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError
from skillclaw.server.up.logged import logged
from skillclaw.server.votes.idleness import why_busy

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.settings_votes import VotesSettings

__all__ = ["Voting"]

END = 10.0
"""Seconds that the process has to let go of what it holds."""


class Voting:
    """The process that votes for one home, while there is one. It watches by itself whether it has to end
    (`run`); what is here begins it, and ends it with `up`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def step(self, settings: VotesSettings) -> bool:
        """Begin, where none runs and nobody works here; whether one was begun."""
        if self._process is not None or why_busy(self._home, settings):
            return False
        argv = [sys.executable, "-m", "skillclaw", "jobs", "run", "--idle", "--home", str(self._home)]
        self._process = logged(argv, self._home / "logs" / "votes.log")
        return True

    def reap(self) -> bool:
        """Whether one ended well; SkillClawError where it did not."""
        if self._process is None or self._process.poll() is None:
            return False
        code, self._process = self._process.returncode, None
        if code not in (0, INTERRUPTED):
            raise SkillClawError(f"Votes ended with exit code {code}.", "", "See: skillclaw logs votes")
        return True

    def stop(self) -> None:
        """End it."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                self._process.kill()


INTERRUPTED = 130
"""The exit code of a command that was interrupted: the machine was needed."""
