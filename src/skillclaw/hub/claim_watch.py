"""What one home knows of claims by itself: what it stands for, its locks, and since when it has seen what."""

from __future__ import annotations

import hashlib
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from skillclaw.errors import StorageError
from skillclaw.private import private_folder, whole_file

__all__ = ["Here", "Lock"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Lock(Protocol):
    """What keeps other processes of a home from a job."""

    def release(self) -> None:
        """Let them."""


class _NoLock:
    def release(self) -> None:
        pass


class Here:
    """This home, on this machine, since it was started. Threads can share it.

    `folder` None: only this object, which nothing else shares. `clock` gives seconds and never goes back;
    with a folder it must be one that all processes share until the machine is started anew.
    """

    def __init__(self, folder: Path | None, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._folder = folder
        self._seen: dict[str, tuple[str, float]] = {}
        self._guard = threading.Lock()
        self._place = ""

    @property
    def locks(self) -> bool:
        """Whether a lock keeps other processes of this home from a job."""
        return self._folder is not None

    def place(self) -> str:
        """What stands for this home on this machine since it was started. A copy of the home is another."""
        if not self._place:
            parts = [secrets.token_hex(16)]
            if self._folder is not None and (boot := _boot()):
                facts = _made(self._folder).stat()
                parts = [boot, socket.gethostname(), str(self._folder.resolve())]
                parts += [str(facts.st_dev), str(facts.st_ino)]
            self._place = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
        return self._place

    def lock(self, job: str) -> Lock | None:
        """The lock of this home on a job; None where another process, or another claim of this one, has it.
        It goes with the process that has it. StorageError."""
        if self._folder is None:
            return _NoLock()
        from filelock import FileLock, Timeout

        path = _made(self._folder) / f"{_flat(job)}.lock"
        # taken by one thread and let go by another
        lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return None
        except OSError as error:
            raise StorageError(
                f"Cannot lock {path}.", str(error), "Free space or mend permissions."
            ) from error
        return lock

    def watched(self, job: str, name: str) -> float:
        """Seconds that the entry of this `name` has been the newest of `job`, as far as this home saw."""
        now = self.clock()
        with self._guard:
            known = self._seen.get(job) or self._remembered(job)
            if known is None or known[0] != name or known[1] > now:
                known = (name, now)
                self._remember(job, known)
            self._seen[job] = known
            return now - known[1]

    def _remembered(self, job: str) -> tuple[str, float] | None:
        if self._folder is None:
            return None
        try:
            boot, name, at = msgspec.json.decode(
                (self._folder / f"{_flat(job)}.seen").read_bytes(), type=tuple[str, str, float]
            )
        except (OSError, msgspec.DecodeError, RecursionError, UnicodeError):
            return None
        return (name, at) if boot and boot == _boot() else None

    def _remember(self, job: str, seen: tuple[str, float]) -> None:
        if self._folder is None or not _boot():
            return
        with suppress(OSError), whole_file(_made(self._folder) / f"{_flat(job)}.seen") as file:
            file.write(msgspec.json.encode((_boot(), *seen)))


def _made(folder: Path) -> Path:
    try:
        private_folder(folder)
    except OSError as error:
        raise StorageError(f"Cannot make {folder}.", str(error), "Free space or mend permissions.") from error
    return folder


def _flat(job: str) -> str:
    """The name of a job as that of a file."""
    return job.replace("/", ".")


def _boot() -> str:
    """What stands for the time since this machine was started; empty where the system does not say."""
    try:
        return _BOOT.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
