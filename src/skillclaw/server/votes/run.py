"""Runs this machine's votes once, as a command and from `up`; ends at once when the machine is needed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skillclaw.errors import UsageError
from skillclaw.server.sharing.view import current
from skillclaw.server.votes.idleness import why_busy
from skillclaw.server.votes.voting import vote

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.votes.book import Tried

__all__ = ["run_votes"]

LOOK = 0.5
"""Seconds between looks whether an agent began to work."""


def run_votes(machine: Machine, *, only: str | None = None, idle: bool = False) -> list[Tried]:
    """Work on the open jobs; with `idle` only while nobody works here (`idleness`).

    UsageError where the user has not allowed it, or no model is set; KeyboardInterrupt where it is told to
    stop (SIGTERM too): the slot is let go first, so that another machine can go on.
    """
    from skillclaw.server.votes.tester import tester_of

    settings = current(machine)[0].gate.votes
    if not settings.enabled:
        raise UsageError(
            "This machine takes no part in votes.",
            "It would ask your model about your sessions, at your cost, and send the group counts alone.",
            "To let it: skillclaw config set gate.votes.enabled true",
        )
    make = tester_of(machine)
    if not idle:
        with _interruptible():
            return vote(machine, make, only=only)
    if why_busy(machine.home, settings):
        return []
    began = time.time()

    def busy() -> str:
        return why_busy(machine.home, settings, since=began)

    with _interruptible(), _watched(busy):
        return vote(machine, make, only=only, busy=busy)


@contextmanager
def _interruptible() -> Iterator[None]:
    """A request to end is an interruption, so that what is held is let go; the main thread alone can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@contextmanager
def _watched(busy: Callable[[], str]) -> Iterator[None]:
    """Interrupt the block once the machine is needed."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK):
            if busy():
                os.kill(os.getpid(), signal.SIGTERM)
                return

    thread = threading.Thread(target=look, name="skillclaw-idle", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
