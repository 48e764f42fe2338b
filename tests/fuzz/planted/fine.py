"""Planted: an error that the door documents is no finding."""

from __future__ import annotations

ALLOWED = (ValueError,)


def once(data: bytes) -> None:
    """Refuses everything."""
    raise ValueError(data)
