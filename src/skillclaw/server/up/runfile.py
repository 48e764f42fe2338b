"""What a running `skillclaw up` tells other commands: `run/up.json`, `run/stop`, and the proxy's /healthz."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.private import whole_file
from skillclaw.trajectory.model import Record

__all__ = [
    "Running",
    "born",
    "health",
    "lives",
    "pid_of_self",
    "read_running",
    "recording",
    "request_stop",
    "stop_requested",
    "told_running",
    "write_running",
]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Running(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A running daemon. `created` is what `born` says of its process, to tell a re-used pid.

    `errors` maps a part of the loop to its last failure, empty when it went well since. `next_cycle`: when it
    looks whether there is something new to learn from, UTC; empty before the first look.
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
    next_cycle: str = ""


_NOTHING = Running(pid=0, created=0.0, port=0, started="", version="", agreed=False)


def _path(home: Path) -> Path:
    return home / "run" / "up.json"


def write_running(home: Path, running: Running) -> None:
    """Tell other commands; replaced as a whole, so that nobody reads half of it. Raises OSError.

    On a full disk what is there gives its room, also what a daemon that died left: `status` and `stop` must
    find this one all the same.
    """
    data = msgspec.json.encode(running)
    try:
        with whole_file(_path(home)) as file:
            file.write(data)
    except OSError as error:
        if error.errno not in FULL:
            raise
        _over(_path(home), data)


def _over(path: Path, data: bytes) -> None:
    with path.open("r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        # spaces, not what stood there: who reads it in between finds no JSON, or the new
        file.write(data.ljust(size))
        file.truncate(len(data))


def read_running(home: Path) -> Running | None:
    """The daemon of this home if it lives, else None (also after a crash or a reboot)."""
    running = told_running(home)
    return running if running is not None and running.pid and lives(running.pid, running.created) else None


def told_running(home: Path) -> Running | None:
    """What the daemon of this home told of itself, also one that died; None where none did or all ended well.

    Another version may have written it: what is told otherwise than this one would is passed over, so that a
    daemon that runs is never taken for none.
    """
    try:
        raw = msgspec.json.decode(_path(home).read_bytes(), type=dict[str, Any])
    except (OSError, *UNREADABLE):
        return None
    running = _NOTHING
    for field in msgspec.structs.fields(Running):
        with suppress(msgspec.ValidationError, KeyError):
            value = msgspec.convert(raw[field.name], field.type)
            running = msgspec.structs.replace(running, **{field.name: value})
    return running


def lives(pid: int, created: float) -> bool:
    """Whether the process with this id, of which `born` said `created`, still runs."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # earlier programs kept the time of day of the start
        return abs(born(pid) - created) < 0.02 or abs(process.create_time() - created) < 2
    except (psutil.Error, ValueError):  # a number that is no process's: a file that was harmed
        return False


def born(pid: int) -> float:
    """A number that no other process of this id has, whatever becomes of the clock. Raises psutil.Error.

    Linux tells when a process began in ticks since the system did; made a time of day, that moves with each
    change of the clock (psutil's `create_time` does so), and what runs would seem to be gone. So there it is
    these seconds, and a number of this start of the system; elsewhere the time of day, which is kept.
    """
    import psutil

    if sys.platform.startswith("linux"):
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            return _this_boot() + int(fields[19]) / os.sysconf("SC_CLK_TCK")
        except FileNotFoundError as error:
            raise psutil.NoSuchProcess(pid) from error
        except (OSError, IndexError, ValueError):
            pass  # a /proc that hides others' processes: psutil may know more
    return float(psutil.Process(pid).create_time())


@cache
def _this_boot() -> int:
    """A number of this start of the system; far from what times of day are."""
    text = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    return (1 << 40) + int(text.replace("-", "")[:8], 16) * 1000


def forget_running(home: Path) -> None:
    """The daemon has ended."""
    with suppress(OSError):  # one that is gone counts as none
        _path(home).unlink(missing_ok=True)


def request_stop(home: Path) -> None:
    """Ask the daemon to end; a file rather than a signal, since Windows has no SIGTERM to catch."""
    (home / "run" / "stop").touch(mode=0o600)


def stop_requested(home: Path) -> bool:
    """True once, when somebody asked to stop."""
    path = home / "run" / "stop"
    if not path.exists():
        return False
    with suppress(OSError):  # a disk that cannot be written any more
        path.unlink(missing_ok=True)
    return True


def health(port: int, timeout: float = 1.0) -> dict[str, Any] | None:
    """The proxy's own word of its state, or None when nobody answers as a SkillClaw proxy."""
    import http.client  # not for a `status` beside which nothing runs

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/healthz")
        answer = msgspec.json.decode(connection.getresponse().read(1 << 20))
    except (OSError, http.client.HTTPException, *UNREADABLE):
        return None
    finally:
        connection.close()
    return answer if _is_health(answer) else None


def _is_health(answer: Any) -> bool:
    """Whether it is what a proxy says: another program may have its port by now, whose words go nowhere."""
    if not isinstance(answer, dict):
        return False
    journal, connections = answer.get("journal"), answer.get("connections", {})
    return (
        isinstance(journal, dict)
        and isinstance(journal.get("last_error", ""), str)
        and isinstance(connections, dict)
        and all(type(journal.get(name, 0)) is int for name in ("exchanges", "dropped", "queue", "errors"))
        and type(connections.get("refused", 0)) is int
    )


def recording(journal: Mapping[str, Any]) -> str:
    """What keeps the proxy from recording, or kept it since it began, for people; empty where nothing did."""
    lost, why = journal.get("dropped") or 0, journal.get("last_error") or ""
    gone = f"{lost} exchanges were not recorded since the proxy began" if lost else ""
    if not why:
        return f"{gone}; it records again." if gone else ""
    waiting = f"{journal.get('queue') or 0} exchanges wait for it"
    return f"Recording stopped: {why}. {waiting}{f', {gone}' if gone else ''}. Agents are served as always."


def pid_of_self() -> tuple[int, float]:
    """This process's id, and what `born` says of it."""
    return os.getpid(), born(os.getpid())
