"""The door of the dashboard: a port that `up` and `serve` listen at, with nothing behind it until somebody
comes.

The first connection starts the dashboard as a process of its own, which gets the socket and answers; it ends
when nobody has looked for a while (`dashboard.idle`). So a page that is closed costs nothing, and traffic
never waits for one that is open.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE, StorageError
from skillclaw.private import whole_file
from skillclaw.server.up import runfile
from skillclaw.server.up.logged import logged
from skillclaw.settings_web import DashboardSettings
from skillclaw.trajectory.model import Record

__all__ = ["Door", "DoorNote", "available", "listening", "read_door"]

log = logging.getLogger("skillclaw.up")
SHORT = 3.0
"""Seconds: a dashboard that ended so soon could not begin."""
PAUSE = 5.0
"""Seconds until it is tried again then."""


NEEDED = ("jinja2", "markdown_it", "python_multipart", "starlette", "uvicorn")


def available() -> bool:
    """Whether there can be something behind a door here: the packages of the extra `web`, and a system that
    hands a socket on to another process (Windows does not so)."""
    return os.name == "posix" and all(find_spec(name) is not None for name in NEEDED)


class DoorNote(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`run/dashboard.json`: whose door it is, and its port."""

    pid: int
    created: float
    port: int


def _path(home: Path) -> Path:
    return home / "run" / "dashboard.json"


def read_door(home: Path) -> DoorNote | None:
    """The door of this home, where a living process keeps one."""
    try:
        note = msgspec.json.decode(_path(home).read_bytes(), type=DoorNote)
    except (OSError, *UNREADABLE):
        return None
    return note if runfile.lives(note.pid, note.created) else None


class Door:
    """A door of one home, as long as it is open. `environ` is that of the dashboard's process."""

    def __init__(
        self, home: Path, settings: DashboardSettings, environ: Mapping[str, str] | None = None
    ) -> None:
        self.home = home
        self.settings = settings
        self.environ = os.environ if environ is None else environ
        self.port = 0
        self._listening: socket.socket | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self) -> bool:
        """See that this home has a door: this one, unless another process keeps one. Says whether it was
        opened now.

        Raises StorageError where the door cannot be noted."""
        if self._listening is not None or read_door(self.home) is not None:
            return False
        try:
            self._listening = listening(self.settings.port)
        except OSError:
            self._listening = listening(0)
            log.info("the dashboard's port %d is taken; another one is used", self.settings.port)
        self.port = int(self._listening.getsockname()[1])
        pid, created = runfile.pid_of_self()
        try:
            _path(self.home).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with whole_file(_path(self.home)) as file:
                file.write(msgspec.json.encode(DoorNote(pid=pid, created=created, port=self.port)))
        except OSError as error:
            self._listening.close()
            self._listening = None
            raise StorageError(
                f"Cannot write {_path(self.home)}.", str(error), "Free space or mend permissions."
            ) from error
        self._thread = threading.Thread(target=self._watch, name="door", daemon=True)
        self._thread.start()
        return True

    def close(self) -> None:
        """Stop listening, and end what is behind the door."""
        self._closed.set()
        if self._listening is None:
            return
        if self._thread is not None:
            self._thread.join(2.0)
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
        self._listening.close()
        with suppress(OSError):  # a disk that cannot be written any more
            _path(self.home).unlink(missing_ok=True)

    def _watch(self) -> None:
        assert self._listening is not None
        while not self._closed.is_set():
            if self._child is None:
                ready, _, _ = select.select([self._listening], [], [], 0.25)
                if ready and not self._closed.is_set():
                    self._start()
                continue
            began = time.monotonic()
            while self._child.poll() is None and not self._closed.wait(0.25):
                pass
            if self._child.poll() is not None:
                if self._child.returncode and time.monotonic() - began < SHORT:
                    log.error(
                        "the dashboard ended with exit code %d; see logs/dashboard.log",
                        self._child.returncode,
                    )
                    self._closed.wait(PAUSE)
                self._child = None

    def _start(self) -> None:
        assert self._listening is not None
        path, handed = self.home / "logs" / "dashboard.log", self._listening.fileno()
        argv = [sys.executable, "-m", "skillclaw", "dashboard", "--home", str(self.home)]
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            argv += ["--socket", str(handed)]
            self._child = logged(argv, path, environ=self.environ, pass_fds=[handed])
        except OSError as error:
            log.error("the dashboard cannot be started: %s", error)
            self._closed.wait(PAUSE)


def listening(port: int) -> socket.socket:
    """A socket that listens at `port` of 127.0.0.1 (0: any free one). Raises OSError."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(("127.0.0.1", port))
        found.listen(64)
    except OSError:
        found.close()
        raise
    return found
