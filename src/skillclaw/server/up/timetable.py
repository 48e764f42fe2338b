"""When the parts of a loop are due."""

from __future__ import annotations

import time
from collections.abc import Callable

from skillclaw.errors import StorageError

__all__ = ["Every"]

AGAIN = 20.0
"""Seconds at most until a part that a disk or a hub stopped is tried again: room may be back long before it
is due, and until then `status` shows the trouble."""


REST = 19.0
"""Seconds of rest for one of computing: what grows while people work may take long to look at, and comes
again at once. So no part takes more than a twentieth of one core, but for one that is catching up."""


class Every:
    """A part of the loop and when it is due; due at once at the start, and after a run that left something
    over, as `behind` tells."""

    def __init__(
        self, seconds: float, part: Callable[[], bool], behind: Callable[[], bool] = lambda: False
    ) -> None:
        self.seconds = seconds
        self.part = part
        self.behind = behind
        self.next = 0.0

    def is_due(self) -> bool:
        """Whether its time has come."""
        return time.monotonic() >= self.next

    def run(self) -> bool:
        """Run it; whether it did something. What stopped it is the caller's to tell."""
        wait, began = self.seconds, time.thread_time()
        try:
            done = self.part()
            wait = 0.0 if self.behind() else max(wait, REST * (time.thread_time() - began))
            return done
        except StorageError:
            wait = min(wait, AGAIN)
            raise
        finally:
            self.next = time.monotonic() + wait
