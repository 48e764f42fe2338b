"""End the `up` of a home, whatever it takes."""

from __future__ import annotations

from pathlib import Path

from skillclaw.server.up import runfile

__all__ = ["end"]

ASKED, TOLD = 40.0, 10.0
"""Seconds that `up` gets to end by itself, and then to obey a SIGTERM."""


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
        process.terminate()
    try:
        process.wait(ASKED)
    except psutil.TimeoutExpired:
        process.terminate()
        try:
            process.wait(TOLD)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(TOLD)
    return True
