"""What happened, for those who listen: the newest events in memory, with ids that grow over restarts."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from skillclaw.errors import StorageError
from skillclaw.private import whole_file
from skillclaw.server.serving.history import now_text
from skillclaw.server.serving.records import Event

__all__ = ["KEEP", "Events"]

KEEP = 2000
"""Events that are kept for those who come late."""
BLOCK = 100_000
"""Ids that are set aside at a time: a restart goes on behind them."""


class Events:
    """A ring of events. Threads can share it."""

    def __init__(self, folder: Path) -> None:
        """`folder` (it is there) keeps the ids that were given out. StorageError where it does not."""
        self._path = folder / "events"
        self._ring: deque[Event] = deque(maxlen=KEEP)
        self._news = threading.Condition()
        try:
            self._limit = self._reserve()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            todo = "Free space or mend permissions."
            raise StorageError(f"Cannot write {self._path}.", why, todo) from error
        self._next = itertools.count(self._limit - BLOCK + 1)

    def add(
        self, kind: Literal["server", "cycle", "group", "pause"], group: str, data: dict[str, Any]
    ) -> None:
        """Tell that something happened."""
        with self._news:
            number = next(self._next)
            if number > self._limit:
                # A disk that is full must not stop what tells; a restart begins behind those of now at worst.
                with suppress(OSError):
                    self._limit = self._reserve()
            self._ring.append(Event(id=number, time=now_text(), kind=kind, group=group, data=data))
            self._news.notify_all()

    def after(self, last: int, wait: float) -> list[Event]:
        """The events behind the id `last`, the oldest first; where there are none, those that come within
        `wait` seconds."""
        with self._news:
            if not (self._ring and self._ring[-1].id > last):
                self._news.wait(max(0.0, wait))
            return [event for event in self._ring if event.id > last]

    def wake(self) -> None:
        """Let everybody who waits look again: the server ends."""
        with self._news:
            self._news.notify_all()

    def _reserve(self) -> int:
        try:
            before = int(self._path.read_text("ascii"))
        except (OSError, ValueError):
            before = 0
        with whole_file(self._path) as file:
            file.write(str(before + BLOCK).encode())
        return before + BLOCK
