"""Planted: never ends for an input that has an `h`."""

from __future__ import annotations

MOST_SECONDS = 0.3


def once(data: bytes) -> None:
    """Counts for ever."""
    while b"h" in data:
        pass
