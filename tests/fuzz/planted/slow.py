"""Planted: takes time that grows with the square of an input's length."""

from __future__ import annotations

MOST_SECONDS = 0.3
MOST_BYTES = 4000


def once(data: bytes) -> None:
    """Looks at each pair."""
    seen = 0
    for one in data:
        seen += sum(other == one for other in data * 20)
