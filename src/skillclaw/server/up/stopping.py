"""End the `up` of a home, whatever it takes."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from skillclaw.errors import StorageError
from skillclaw.server.up import runfile

__all__ = ["end"]

ASKED, TOLD = 40.0, 10.0
"""Seconds that `up` gets to end by itself, and then to obey a SIGTERM."""
POLL = 0.05
REAPED = 5.0
"""Seconds that are waited for whoever reaps it, so that no process of that number is left where one does."""


def end(home: Path) -> bool:
    """End what runs in `home`, and wait until it is gone; False where nothing ran. It puts agents' settings
    back as it goes, unless it had to be killed."""
    import psutil

    running = runfile.read_running(home)
    if running is None:
        return False
    try:
        process = psutil.Process(running.pid)
    except psutil.NoSuchProcess:
        return False
    try:
        runfile.request_stop(home)
    except OSError:  # a disk that is full or cannot be written
        with suppress(psutil.Error):
            process.terminate()
    for act, seconds in ((None, ASKED), (process.terminate, TOLD), (process.kill, TOLD)):
        try:
            if act is not None:
                act()
        except psutil.NoSuchProcess:
            return True
        except psutil.Error as error:
            raise _stays(running.pid, str(error)) from error
        if _is_gone(running, seconds):
            return True
    raise _stays(running.pid, "It obeys no signal.")


def _is_gone(running: runfile.Running, seconds: float) -> bool:
    """Whether it ends within so many seconds. One that nobody reaps, as in some containers, has ended too."""
    import psutil

    until = time.monotonic() + seconds
    while runfile.lives(running.pid, running.created):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL)
    until = time.monotonic() + REAPED
    while psutil.pid_exists(running.pid) and time.monotonic() < until:
        time.sleep(POLL)
    return True


def _stays(pid: int, why: str) -> StorageError:
    return StorageError(
        f"What runs here (process {pid}) cannot be ended.", why, "End it yourself, then try again."
    )
