"""Times as sessions and logs tell them. What others wrote may be no time at all, or one that has no number in
another zone: both are none, so that whoever reads one can convert and compare it. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["FIRST", "moment_of", "utc_text"]

FIRST, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Programs of Go write the year 1 for no time. The last year is left out, so that days can be added."""


def moment_of(text: str | None) -> datetime | None:
    """The moment in UTC; None for what is no time from 1970 to 9998. One without a zone is of UTC."""
    try:
        found = datetime.fromisoformat(text or "")
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if FIRST <= found < END else None


def utc_text(moment: datetime) -> str:
    """In UTC to the second, `2026-03-01T14:05:00Z`: such texts compare as their moments do."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
