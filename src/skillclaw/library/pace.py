"""When each hub is asked again.

A hub is asked at most `sync.interval` seconds after it was asked last: each wait is drawn from 67-100% of it,
so that the clients of a group spread out. One that fails is asked ever less often, at most an hour apart,
unless it is hurried. Waits are counted by the monotonic clock: nothing here depends on what time it is.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["LONGEST", "SPREAD", "Schedule", "delay"]

LONGEST = 3600.0
"""Seconds between two tries of a hub that fails, at most."""
SPREAD = (2 / 3, 1.0)
"""Part of the interval that a wait is drawn from: +-20% around 5/6 of it."""


def delay(interval: float, failures: int, draw: float) -> float:
    """Seconds until a hub is asked again; `draw` from 0 to 1. With each failure in a row the wait doubles."""
    low, high = SPREAD
    part = low + (high - low) * draw
    return min(LONGEST, interval * 2.0 ** min(failures, 30)) * part


@dataclass
class _Turn:
    due: float
    failures: int = 0


class Schedule:
    """When each hub is due. Not safe for threads."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._draw = draw
        self._turns: dict[str, _Turn] = {}

    def due(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are to be asked now; one that is new is due at once."""
        now = self._clock()
        return [name for name in names if name not in self._turns or self._turns[name].due <= now]

    def asked(self, name: str, interval: float, *, failed: bool) -> tuple[int, float]:
        """Note that a hub was asked; how often it failed in a row, and the seconds until it is due again."""
        before = self._turns.get(name)
        failures = (before.failures + 1 if before else 1) if failed else 0
        wait = delay(interval, failures, self._draw())
        self._turns[name] = _Turn(due=self._clock() + wait, failures=failures)
        return failures, wait

    def hurry(self, *, failing_only: bool) -> None:
        """Make hubs due now: all, or those that failed."""
        for turn in self._turns.values():
            if turn.failures or not failing_only:
                turn.due = self._clock()

    @property
    def failing(self) -> bool:
        """Whether one could not be read the last time."""
        return any(turn.failures for turn in self._turns.values())
