"""Made-up values that show how a date or a time is written. Pure.

A weak model that is told "a date and time" writes a date alone; one that sees a value writes its like
(docs/gate.md). A value of a session would be somebody's, and would be copied: what is shown is always the
same old day, in the writing of the sessions.
"""

from __future__ import annotations

import re

__all__ = ["is_sample", "sample_of", "samples_in"]

DAY, TIME = "2001-01-31", "09:00"
"""No session of an agent is of that day, so a copy of it is seen at once."""

_WRITTEN = re.compile(
    r"(?<![\w.:/+-])\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:(?P<between>[T ])\d\d:\d\d(?P<seconds>:\d\d(?P<part>\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
    r"(?![\w/+-]|[.:]\w)",
    re.ASCII,
)
"""What `trajectory.shapes.value_form` calls `date` or `datetime`."""


def sample_of(value: str) -> str:
    """The made-up value in the writing of `value`; empty where that is neither a date nor a date and time."""
    found = _WRITTEN.fullmatch(value.strip())
    return _sample(found) if found else ""


def is_sample(text: str) -> bool:
    """Whether `text` is a value made up here."""
    return text.startswith(DAY) and sample_of(text) == text


def samples_in(text: str) -> frozenset[str]:
    """The writings of all dates and times that stand in `text`, each by its sample."""
    return frozenset(map(_sample, _WRITTEN.finditer(text)))


def _sample(found: re.Match[str]) -> str:
    if not found["between"]:
        return DAY
    part = f".{'0' * (len(found['part']) - 1)}" if found["part"] else ""
    zone = found["zone"] or ""
    zone = zone if zone in ("", "Z") else "+00:00" if ":" in zone else "+0000"
    return f"{DAY}{found['between']}{TIME}{':00' if found['seconds'] else ''}{part}{zone}"
