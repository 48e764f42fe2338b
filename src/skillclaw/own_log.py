"""Logs that processes write by their standard error: bounded, also while they run.

A log that has grown becomes NAME.1, in place of an older one, and its process goes on in a new file: the one
behind its standard error is exchanged, so that no line is lost, whoever writes it (a library, the
interpreter, a thread amid the exchange). Only that process can do it, and so each looks after its own.
Windows moves no file that is open: there a log begins anew only with its process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from skillclaw.private import append_file

__all__ = ["LOG_BYTES", "LOOK", "OwnLog", "begin", "error_once", "keep", "move", "older"]

LOG_BYTES = 5_000_000
"""Bytes from which on a log begins anew; one older is kept beside it."""
LOOK = 1.0
"""Seconds between looks at a log: it may be larger by what is written in that time."""
_ERRORS, _OUTPUT = 2, 1
"""Where standard error and standard output are."""


def older(path: Path) -> Path:
    """Where the log before the one at `path` lies."""
    return path.with_name(f"{path.name}.1")


@lru_cache(256)
def error_once(log: logging.Logger, text: str) -> None:
    """An error that is met again every second while it lasts: told when it is met first."""
    log.error("%s", text)


def begin(path: Path) -> BinaryIO:
    """The log at `path`, opened for a process that starts; anew where it has grown. Raises OSError."""
    with contextlib.suppress(OSError):  # on a disk that cannot be written the old one may do
        if path.lstat().st_size > LOG_BYTES:
            path.replace(older(path))
    return append_file(path)


class OwnLog:
    """The log at `path`, if it is this process's standard error; else nothing is ever done.

    Where somebody else moves it or takes it away (`logrotate`, a sibling that writes it, too), this process
    goes on in a new one at `path`.
    """

    def __init__(self, path: Path, limit: int = LOG_BYTES) -> None:
        self._path = path
        self._limit = limit
        # A sibling may have moved it while this process began.
        self.mine = os.name == "posix" and (self._is_there() or _is_at(older(path), _ERRORS))
        """Whether it is."""

    def look(self) -> bool:
        """Begin it anew if it has grown; whether that was done. What fails is tried at the next look: lines
        go on into the old file until then."""
        if not self.mine:
            return False
        try:
            if not self._is_there():
                with append_file(self._path) as file:
                    self._write_to(file.fileno())
                return True
            return os.fstat(_ERRORS).st_size > self._limit and self._turn()
        except OSError:
            return False

    def _is_there(self) -> bool:
        """Whether the file at the path is the one that is written."""
        return _is_at(self._path, _ERRORS)

    def _turn(self) -> bool:
        with _alone(_ERRORS) as alone:
            if not alone or not self._is_there():
                return False
            beside = self._path.with_name(f".{self._path.name}.{os.urandom(6).hex()}.new")
            # First: where there is no room for a new file nothing is moved.
            new = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            try:
                self._path.replace(older(self._path))
                beside.replace(self._path)
            except OSError:
                os.close(new)
                beside.unlink(missing_ok=True)
                raise
        self._write_to(new)
        os.close(new)
        return True

    @staticmethod
    def _write_to(file: int) -> None:
        both = False
        with contextlib.suppress(OSError):
            both = os.path.samestat(os.fstat(_OUTPUT), os.fstat(_ERRORS))
        os.dup2(file, _ERRORS)
        if both:
            os.dup2(file, _OUTPUT)


def move(path: Path, file: int, limit: int = LOG_BYTES) -> bool:
    """Move the log at `path` aside, if it is the open `file` and has grown; whether that was done. Who writes
    it opens a new one then, as `logging`'s own WatchedFileHandler does. Raises OSError."""
    if os.fstat(file).st_size <= limit:
        return False
    with _alone(file) as alone:
        if not alone or not _is_at(path, file):
            return False
        path.replace(older(path))
    return True


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        return False


@contextlib.contextmanager
def _alone(file: int) -> Iterator[bool]:
    """Whether no other process moves the open `file` now: two that did would lose the older log. Where a file
    system has no locks, nobody knows, and it goes on."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    except OSError:
        yield True
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)


def keep(path: Path) -> None:
    """Look after the log at `path` from now on, in a thread, if it is this process's standard error."""
    log = OwnLog(path)
    if not log.mine:
        return

    def look_on() -> None:
        while True:
            time.sleep(LOOK)
            log.look()

    threading.Thread(target=look_on, name="own log", daemon=True).start()
