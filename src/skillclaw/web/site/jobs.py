"""Commands that were begun in the dashboard: each a process of its own, its result in a file.

`<home>/dashboard/jobs/<id>.json` (0600) says what a job is, how far it is and what came out; the newest
`KEPT` stay. One of a kind runs at a time. A job is watched over by a process of its own (`job_child`), which
ends it when the dashboard is gone, however that came about.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock
import msgspec

from skillclaw.errors import BusyError, StorageError, UsageError
from skillclaw.private import private_folder, whole_file
from skillclaw.server.up import runfile
from skillclaw.trajectory.model import Record

__all__ = ["KINDS", "Job", "Jobs", "write"]

KINDS: Mapping[str, tuple[str, ...]] = {
    "evolve": ("evolve",),
    "import": ("import",),
    "demo": ("up", "--demo"),
    "doctor": ("doctor",),
    "sync": ("sync",),
    "up": ("up", "--detach"),
    "verify": ("hub", "verify"),
}
"""What can be begun, and the command that does it."""
FINDS = frozenset({"doctor", "verify"})
"""Of these exit code 1 is an answer: something does not hold."""
KEPT = 20
WAIT = 10.0
"""Seconds for another dashboard of this home to begin its own."""
MOST = 4 << 20
"""Bytes of a job's file that are read."""


class Job(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One job.

    state   running, done or failed; began, ended: UTC
    pid, created  the process that watches over it, and when that began
    done, total, what  how far it is, where its command says; total null where nobody knows
    result  the JSON that the command printed; said: the last lines that it told beside it, as its error
    code    the command's exit code
    """

    id: str
    kind: str
    args: list[str] = []
    state: str = "running"
    began: str = ""
    ended: str = ""
    pid: int = 0
    created: float = 0.0
    done: int = 0
    total: int | None = None
    what: str = ""
    result: Any = None
    said: list[str] = []
    code: int | None = None

    @property
    def command(self) -> str:
        """What one would type for it."""
        return " ".join(["skillclaw", *KINDS.get(self.kind, (self.kind,)), *self.args])


class Jobs:
    """The jobs of one home. Safe to use from several threads."""

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        self.home = home
        self.environ = environ
        self._lock = threading.Lock()
        self._soon = threading.Lock()
        self._ended = False
        self._watchers: dict[str, subprocess.Popen[bytes]] = {}
        self._known: dict[str, tuple[object, Job]] = {}

    @property
    def folder(self) -> Path:
        """Where their files lie."""
        return self.home / "dashboard" / "jobs"

    def start(self, kind: str, *args: str) -> Job:
        """Begin a job; `args` follow its command. UsageError for a kind that does not exist, BusyError where
        one of the kind runs, StorageError where it cannot be noted or begun."""
        if kind not in KINDS:
            raise UsageError(f"There is no job {kind!r}.", f"Known: {', '.join(KINDS)}.")
        try:
            private_folder(self.folder)
            with self._lock, filelock.FileLock(self.folder.parent / "jobs.lock", timeout=WAIT, mode=0o600):
                if any(one.kind == kind and one.state == "running" for one in self.all()):
                    raise BusyError("That is running already.", "", "Wait until it has ended.")
                if self._ended:
                    raise UsageError("The dashboard ends.")
                self._tidy()
                return self._begin(kind, args)
        except filelock.Timeout as error:
            raise BusyError("Another dashboard begins a job just now.", "", "Try again.") from error
        except OSError as error:
            raise StorageError(
                f"Cannot begin a job in {self.folder}.", str(error), "Free space or mend permissions."
            ) from error

    def soon(self, kind: str, seconds: float = 600.0) -> None:
        """Begin one; where one runs that may have begun too early, as soon as that has ended.

        It waits for that. Who comes while another waits leaves it to that one. Raises as `start`, BusyError
        after so many seconds."""
        if not self._soon.acquire(blocking=False):
            return
        try:
            until = time.monotonic() + seconds
            while True:
                try:
                    self.start(kind)
                    return
                except BusyError:
                    if self._ended or time.monotonic() > until:
                        raise
                time.sleep(0.25)
        finally:
            self._soon.release()

    def all(self) -> list[Job]:
        """The jobs that are kept, newest first. One whose watcher died is told as failed."""
        for watcher in list(self._watchers.values()):
            watcher.poll()  # takes those in that ended, so that none is left behind as a zombie
        found = [one for path in self._files() if (one := self._look(path)) is not None]
        return sorted(map(_checked, found), key=lambda one: (one.began, one.id), reverse=True)

    def running(self, kind: str = "") -> bool:
        """Whether one (of this kind) runs."""
        return any(one.state == "running" and kind in ("", one.kind) for one in self.all())

    def last(self, kind: str, *args: str) -> Job | None:
        """The newest of this kind that was begun with these arguments."""
        return next((one for one in self.all() if (one.kind, one.args) == (kind, list(args))), None)

    def end(self) -> None:
        """End all that this process began, and wait until nothing of them is left."""
        with self._lock:
            self._ended = True
            watchers = list(self._watchers.values())
        for one in watchers:
            if one.stdin is not None:
                one.stdin.close()
        for one in watchers:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()

    def _begin(self, kind: str, args: tuple[str, ...]) -> Job:
        id_ = f"{kind}-{secrets.token_hex(6)}"
        path = self.folder / f"{id_}.json"
        # options of ours first: what a person typed stands last
        argv = [sys.executable, "-m", "skillclaw", *KINDS[kind], "--json", "--home", str(self.home), *args]
        watcher = subprocess.Popen(
            [sys.executable, "-m", "skillclaw.web.site.job_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # `up` leaves a daemon behind, whose cycles would tell nobody how far they are
            env={**self.environ} if kind == "up" else {**self.environ, "SKILLCLAW_PROGRESS": "1"},
            start_new_session=True,
        )
        assert watcher.stdin is not None
        try:
            job = Job(
                id=id_,
                kind=kind,
                args=list(args),
                began=_now(),
                pid=watcher.pid,
                created=_created(watcher.pid),
            )
            write(path, job)
            spec = {"path": str(path), "argv": argv, "job": job, "finds": kind in FINDS}
            watcher.stdin.write(msgspec.json.encode(spec) + b"\n")
            watcher.stdin.flush()
        except BaseException:
            watcher.kill()
            watcher.wait()
            path.unlink(missing_ok=True)
            raise
        self._watchers = {key: one for key, one in self._watchers.items() if one.poll() is None}
        self._watchers[id_] = watcher
        return job

    def _look(self, path: Path) -> Job | None:
        """What the file says; read again only where it changed, for every page asks."""
        try:
            facts = path.stat()
        except OSError:
            return None
        stamp = facts.st_ino, facts.st_mtime_ns, facts.st_size
        known = self._known.get(path.name)
        if known is not None and known[0] == stamp:
            return known[1]
        found = _read(path)
        if found is not None:
            self._known = {**dict(list(self._known.items())[-2 * KEPT :]), path.name: (stamp, found)}
        return found

    def _files(self) -> list[Path]:
        try:
            return [Path(one.path) for one in os.scandir(self.folder) if one.name.endswith(".json")]
        except FileNotFoundError:
            return []

    def _tidy(self) -> None:
        old = [one for one in self.all() if one.state != "running"][KEPT - 1 :]
        for one in old:
            (self.folder / f"{one.id}.json").unlink(missing_ok=True)


def write(path: Path, job: Job) -> None:
    """Put a job into its file, as a whole. Raises OSError."""
    with whole_file(path) as file:
        file.write(msgspec.json.encode(job))


def _read(path: Path) -> Job | None:
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(MOST), type=Job)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if found.id == path.stem else None


def _checked(job: Job) -> Job:
    if job.state != "running" or runfile.lives(job.pid, job.created):
        return job
    return msgspec.structs.replace(job, state="failed", said=["It was cut off."])


def _created(pid: int) -> float:
    import psutil

    try:
        return runfile.born(pid)
    except psutil.Error:
        return 0.0


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
