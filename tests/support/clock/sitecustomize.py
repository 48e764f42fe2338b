"""The time of day as a test sets it, in every Python process that has this folder on PYTHONPATH.

The file named by TEST_CLOCK holds by how many seconds the clock is wrong now; it is read whenever the time is
asked for, so that a test can set the clock of what runs. Only the time of day is wrong: steady clocks
(`time.monotonic`) go on, as they do when somebody sets a machine's clock. Files get the real time.
"""

from __future__ import annotations

import datetime as datetimes
import os
import time
from pathlib import Path
from typing import Any

_REAL_TIME = time.time
_REAL = datetimes.datetime
_FILE = Path(os.environ["TEST_CLOCK"])


def _now() -> float:
    try:
        return _REAL_TIME() + float(_FILE.read_text("ascii") or 0)
    except (OSError, ValueError):  # the test is over, or writes it in this moment
        return _REAL_TIME()


class _AsReal(type):
    """What C made, and older objects, are of the class that stands for theirs."""

    def __instancecheck__(cls, one: Any) -> bool:
        return isinstance(one, _REAL)

    def __subclasscheck__(cls, one: type) -> bool:
        return issubclass(one, _REAL)


class _Wrong(_REAL, metaclass=_AsReal):
    def __new__(cls, *given: Any, **named: Any) -> Any:
        return _REAL(*given, **named)

    @classmethod
    def now(cls, tz: datetimes.tzinfo | None = None) -> Any:
        return _REAL.fromtimestamp(_now(), tz)


_Wrong.__module__, _Wrong.__name__, _Wrong.__qualname__ = "datetime", "datetime", "datetime"
setattr(datetimes, "datetime", _Wrong)  # noqa: B010 - a type checker does not let it be assigned
time.time = _now
time.time_ns = lambda: int(_now() * 1e9)
