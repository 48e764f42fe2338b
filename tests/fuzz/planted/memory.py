"""Planted: asks for as many megabytes as its first byte says, and for a second one of them."""

from __future__ import annotations

MOST_MB = 100


def once(data: bytes) -> None:
    """Fills the memory."""
    if data and data[0] > 100:
        assert bytearray(data[0] << 20)
