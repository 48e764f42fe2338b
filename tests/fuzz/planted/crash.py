"""Planted: divides by zero for what begins with `fuzz`. Coverage shows the way, byte by byte."""

from __future__ import annotations

DICT = (b"fuzz",)


def once(data: bytes) -> None:
    """Fails deep inside."""
    if data[:1] == b"f" and data[1:2] == b"u" and data[2:4] == b"zz":
        _deeper(data)


def _deeper(data: bytes) -> None:
    1 / (len(data) - len(data))
