"""What a running `skillclaw up` tells other commands: `run/up.json`, `run/stop`, and the proxy's /healthz."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.private import whole_file
from skillclaw.trajectory.model import Record

__all__ = [
    "Running",
    "health",
    "lives",
    "pid_of_self",
    "read_running",
    "request_stop",
    "stop_requested",
    "write_running",
]


class Running(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A running daemon. `created` is the process's start time, so that a re-used pid is told apart.

    `errors` maps a part of the loop to its last failure, empty when it went well since.
    """

    pid: int
    created: float
    port: int
    started: str
    version: str
    agreed: bool
    ready: bool = False
    errors: dict[str, str] = {}
    last: dict[str, str] = {}


def _path(home: Path) -> Path:
    return home / "run" / "up.json"


def write_running(home: Path, running: Running) -> None:
    """Tell other commands; replaced as a whole, so that nobody reads half of it."""
    with whole_file(_path(home)) as file:
        file.write(msgspec.json.encode(running))


def read_running(home: Path) -> Running | None:
    """The daemon of this home if it lives, else None (also after a crash or a reboot)."""
    try:
        running = msgspec.json.decode(_path(home).read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None
    return running if lives(running.pid, running.created) else None


def lives(pid: int, created: float) -> bool:
    """Whether the process with this id, which began then, still runs."""
    import psutil

    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def forget_running(home: Path) -> None:
    """The daemon has ended."""
    _path(home).unlink(missing_ok=True)


def request_stop(home: Path) -> None:
    """Ask the daemon to end; a file rather than a signal, since Windows has no SIGTERM to catch."""
    (home / "run" / "stop").touch(mode=0o600)


def stop_requested(home: Path) -> bool:
    """True once, when somebody asked to stop."""
    path = home / "run" / "stop"
    if not path.exists():
        return False
    path.unlink(missing_ok=True)
    return True


def health(port: int, timeout: float = 1.0) -> dict[str, Any] | None:
    """The proxy's own word of its state, or None when nobody answers as a SkillClaw proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/healthz")
        answer = msgspec.json.decode(connection.getresponse().read(1 << 20))
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()
    return answer if isinstance(answer, dict) and "journal" in answer else None


def pid_of_self() -> tuple[int, float]:
    """This process's id and start time."""
    import psutil

    return os.getpid(), psutil.Process().create_time()
