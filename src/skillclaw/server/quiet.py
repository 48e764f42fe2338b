"""A home in which nothing works, for what moves or removes it as a whole; and work that says it is there.

What runs alone has one lock of its own (`Machine.alone`). Imports and syncs may be many at once: each takes a
lock of its own, by its process's number, while it holds the gate. Who wants quiet holds the gate all along.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import BusyError, StorageError

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["ALONE", "at_work", "quiet"]

ALONE = ("up", "evolve", "serve", "share", "vote")
"""Work that another process may be at (`Machine.alone`)."""
WAIT = 5.0
"""Seconds to wait for the gate, which is held for a moment by who begins to work."""
_numbers = itertools.count()


@contextmanager
def at_work(machine: Machine, what: str) -> Iterator[None]:
    """While `what` (`import`, `sync`) is at work; BusyError where the home is being moved or removed."""
    from filelock import FileLock

    machine.prepare()
    run = machine.home / "run"
    own = FileLock(run / f"{what}.{os.getpid()}-{next(_numbers)}.lock", timeout=0, mode=0o600)
    busy = BusyError(
        f"A restore or an uninstall is at work in {machine.home}.", "It takes all of it away.", "Wait for it."
    )
    with _held(run / "gate.lock", WAIT, busy):
        try:
            own.acquire()
        except OSError as error:
            raise _unlockable(own.lock_file, error) from error
    try:
        yield
    finally:
        own.release()
        with suppress(OSError):
            Path(own.lock_file).unlink()


@contextmanager
def quiet(machine: Machine) -> Iterator[None]:
    """While nothing else is at work in the home, which would write it anew; else BusyError, at once."""
    from filelock import FileLock, Timeout

    machine.prepare()
    run = machine.home / "run"
    busy = BusyError(
        f"Other commands begin to work in {machine.home} again and again.", "", "End them and try again."
    )
    with ExitStack() as held:
        held.enter_context(_held(run / "gate.lock", WAIT, busy))
        for what in ALONE:
            held.enter_context(machine.alone(what))
        for path in sorted(run.glob("*.*-*.lock")):
            lock = FileLock(path, timeout=0, mode=0o600)
            try:
                lock.acquire()
            except Timeout as error:
                raise BusyError(
                    f"A `skillclaw {path.name.partition('.')[0]}` is at work in {machine.home}.",
                    "It writes there.",
                    "Wait for it, or end it, and try again.",
                ) from error
            except OSError as error:
                raise _unlockable(str(path), error) from error
            lock.release()
            path.unlink(missing_ok=True)  # nobody makes one while the gate is held
        yield


@contextmanager
def _held(path: Path, wait: float, busy: BusyError) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=wait, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise busy from error
    except OSError as error:
        raise _unlockable(str(path), error) from error
    try:
        yield
    finally:
        lock.release()


def _unlockable(path: str, error: OSError) -> StorageError:
    return StorageError(f"Cannot lock {path}.", str(error), "Free space or mend permissions.")
