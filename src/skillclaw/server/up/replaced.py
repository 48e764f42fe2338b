"""What `up` does when another version of SkillClaw is installed in the place of the one that runs.

A process that imports modules late would take some of the old version and some of the new. So it looks
whether its files are still those that it began with; once they are not it begins nothing more, waits until
the new version is whole and runs, then for a moment without traffic, and starts again as that version.
Traffic goes on meanwhile: the proxy is a process of its own, and what it records is learned from later.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import skillclaw
from skillclaw.errors import SkillClawError
from skillclaw.server.up import runfile

__all__ = ["Replaced", "start_again", "took_over"]

LOOK = 10.0
"""Seconds between looks at all files; at one of them it is looked every time."""
SETTLED = 5.0
"""Seconds without a change after which an installation counts as done."""
PATIENCE = 300.0
"""Seconds to wait for a moment without traffic; then answers under way are drained."""
TRY = 60.0
"""Seconds that the new version may take to tell its number, and the pause before it is asked again."""

_ASK = """
import importlib.metadata, runpy, sys
files = importlib.metadata.distribution("skillclaw").files or []
if not all(one.locate().exists() for one in files if one.suffix == ".py"):
    sys.exit("not all files are there")
import skillclaw.server.up.daemon
sys.argv = ["skillclaw", "--version"]
runpy.run_module("skillclaw", run_name="__main__")
"""
"""What must run in the new version: all that its installer lists is there, also where that paused half-way;
what `up` begins with can be imported; and it tells its number. Where a later version has no such module any
more, it is started by hand."""
_AGAIN = "_SKILLCLAW_AGAIN"
"""Set for the process that takes over; no setting, whose names begin otherwise."""


class Replaced:
    """The installed files, against those of when this was made."""

    def __init__(self, package: Path | None = None, settled: float = SETTLED) -> None:
        """`package`: the folder of the modules, by default the one that this process runs."""
        self._folder = package or Path(skillclaw.__file__).parent
        self._settled = settled
        self._began = self._newest = self._all()
        self._first = self._stamp(self._folder / "__init__.py")
        self._looked = time.monotonic()
        self._since = 0.0
        self._whole_at = 0.0
        self._ask_at = 0.0

    @property
    def changed(self) -> bool:
        """Whether it was replaced, by what the last `look` saw."""
        return self._since > 0

    def look(self) -> bool:
        """Look again; False where all is as it was. Raises SkillClawError, with what to do, where another
        version lies there: for whoever asks how it is going."""
        now = time.monotonic()
        if not self.changed:
            first = self._stamp(self._folder / "__init__.py")
            if first == self._first and now - self._looked < LOOK:
                return False
            self._looked = now
            self._newest = self._all()
            if self._newest == self._began:
                return False
            self._since = self._whole_at = now
        raise SkillClawError(
            "Another version of SkillClaw was installed: traffic goes on, learning waits.",
            "",
            "It starts again by itself when agents pause. At once: skillclaw stop, then skillclaw up -d",
        )

    def may_start_again(self, port: int) -> bool:
        """Whether the new version is whole and tells its number, and no request is under way at the proxy on
        `port` (0: there is none)."""
        now = time.monotonic()
        if not self.changed or os.name != "posix":
            return False  # elsewhere a process cannot become another one
        found = self._all()
        if found != self._newest:
            self._newest, self._whole_at = found, now
        if now - self._whole_at < self._settled or now < self._ask_at:
            return False
        health = runfile.health(port) if port else None
        if health is not None and health.get("under_way") and now - self._since < PATIENCE:
            return False
        self._ask_at = now + TRY
        return _runs()

    def _all(self) -> dict[str, tuple[int, int, int]]:
        found: dict[str, tuple[int, int, int]] = {}
        for at, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                if name.endswith(".py"):
                    path = os.path.join(at, name)  # noqa: PTH118  some hundred of them, often
                    found[path] = self._stamp(path)
        return found

    @staticmethod
    def _stamp(path: Path | str) -> tuple[int, int, int]:
        try:
            facts = os.stat(path)  # noqa: PTH116
        except OSError:
            return (0, 0, 0)
        return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _runs() -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRY,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def took_over() -> bool:
    """Whether this process is one that `start_again` began; True once."""
    return bool(os.environ.pop(_AGAIN, ""))


def start_again(port: int | None) -> None:
    """Become what is installed now, by the command line that this process began with; `port`: the one to
    keep, where any free one was asked for. Does not return; OSError where it cannot be."""
    sys.stdout.flush()
    sys.stderr.flush()
    more = ["--port", str(port)] if port else []
    argv = [sys.executable, *sys.orig_argv[1:], *more]
    os.execve(sys.executable, argv, {**os.environ, _AGAIN: "1"})
