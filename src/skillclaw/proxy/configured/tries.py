"""When a request is tried again, and after how long. Pure.

Only where nothing can have been done twice: no connection came about, or the upstream said itself that it did
nothing (429 Too Many Requests, 503 Service Unavailable, 529 Overloaded).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["AGAIN", "pause", "retry_after"]

AGAIN = frozenset({429, 503, 529})
FIRST = 0.5
"""Seconds of the first pause; each doubles."""
LONGEST = 8.0
"""Seconds of a pause that nobody asked for."""


def pause(number: int, asked: float | None, longest: float, chance: random.Random) -> float | None:
    """Seconds to wait before try `number` (1 is the first repetition); None when the wait is too long.

    What the upstream asked for is kept, plus up to a tenth, so that not all come back at once. Without it: a
    random part of a time that doubles (full jitter: AWS Architecture Blog, Exponential Backoff and Jitter).
    """
    if asked is not None:
        return asked * (1.0 + 0.1 * chance.random()) if asked <= longest else None
    return min(LONGEST, FIRST * 2.0 ** (number - 1)) * chance.random()


def retry_after(headers: Iterable[tuple[bytes, bytes]], now: datetime | None = None) -> float | None:
    """Seconds that an answer asks to wait: `retry-after-ms` (OpenAI), else Retry-After (RFC 9110 10.2.3).

    `x-should-retry: false` (Anthropic, OpenAI) asks to wait for ever. None: it says nothing readable.
    """
    said = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    if said.get(b"x-should-retry", "").lower() == "false":
        return float("inf")
    try:
        if b"retry-after-ms" in said:
            return max(0.0, float(said[b"retry-after-ms"]) / 1000.0)
        given = said.get(b"retry-after", "")
        if not given:
            return None
        if given.replace(".", "", 1).isdigit():
            return float(given)
        until = parsedate_to_datetime(given)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
