"""What `skillclaw up` tells its proxy of itself, for whoever watches both (`<home>/run/facts.json`)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.trajectory.model import Record

__all__ = [
    "CycleFacts",
    "GroupFacts",
    "HubFacts",
    "ProcessFacts",
    "UpFacts",
    "own_process",
    "read_facts",
    "write_facts",
]


class ProcessFacts(Record, frozen=True, kw_only=True):
    """What a process takes: resident bytes, seconds of CPU since its start, open files, threads; and when it
    began (Unix time). What the system does not tell is None.
    """

    memory: int | None = None
    cpu: float | None = None
    files: int | None = None
    threads: int | None = None
    started: float | None = None


class CycleFacts(Record, frozen=True, kw_only=True):
    """The evolver's cycles since this `up` began: how many are done and failed, whether one runs; of the one
    that ended last the Unix time of that, its seconds, and whether it was well.
    """

    done: int = 0
    failed: int = 0
    running: bool = False
    ended: float | None = None
    seconds: float | None = None
    well: bool | None = None


class HubFacts(Record, frozen=True, kw_only=True):
    """A hub: when it last answered (Unix time, None: never), how often in a row it did not."""

    answered: float | None = None
    failures: int = 0


class GroupFacts(Record, frozen=True, kw_only=True):
    """A group that this `up` evolves for: failures in a row, sessions that no cycle took in yet."""

    failures: int = 0
    waiting: int = 0


class UpFacts(Record, frozen=True, kw_only=True):
    """How a running `up` stands. Times are Unix times.

    pid       its process, so that nobody takes what an earlier one left for its own
    at        when it told this; it does so every some seconds
    failing   parts of its loop whose last try failed
    last      by part, when it last did something
    sessions, skills  how many are stored; are installed (None: cannot be read)
    """

    pid: int
    at: float
    version: str
    agreed: bool = False
    failing: list[str] = []
    last: dict[str, float] = {}
    parts: list[str] = []
    cycle: CycleFacts = CycleFacts()
    sessions: int | None = None
    skills: int | None = None
    hubs: dict[str, HubFacts] = {}
    groups: dict[str, GroupFacts] = {}
    process: ProcessFacts = ProcessFacts()


def _path(home: Path) -> Path:
    return home / "run" / "facts.json"


def write_facts(home: Path, facts: UpFacts) -> None:
    """Tell; replaced as a whole. Raises OSError. No disk is waited for: after a power cut it is of no use."""
    path = _path(home)
    beside = path.with_name(f".facts.{facts.pid}.new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(facts))
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def read_facts(home: Path, pid: int) -> UpFacts | None:
    """What the process `pid` told last; None where it told nothing that can be read."""
    try:
        facts = msgspec.json.decode(_path(home).read_bytes(), type=UpFacts)
    except (OSError, *UNREADABLE):
        return None
    return facts if facts.pid == pid else None


def own_process() -> ProcessFacts:
    """What this process takes."""
    import psutil  # nobody needs it who is not asked

    process = psutil.Process()

    files = threads = started = memory = cpu = None
    with suppress(psutil.Error, OSError):
        memory = process.memory_info().rss
    with suppress(psutil.Error, OSError):
        times = process.cpu_times()
        cpu = times.user + times.system
    with suppress(psutil.Error, OSError):
        if os.name == "posix":  # Windows knows handles, which are more than files
            files = process.num_fds()
    with suppress(psutil.Error, OSError):
        threads = process.num_threads()
    with suppress(psutil.Error, OSError):
        started = process.create_time()
    return ProcessFacts(memory=memory, cpu=cpu, files=files, threads=threads, started=started)
