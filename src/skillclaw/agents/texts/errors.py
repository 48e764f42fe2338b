"""What the editors of settings files raise."""

from __future__ import annotations

__all__ = ["TextError"]


class TextError(ValueError):
    """The text does not parse, or a key cannot be set in it; the message says why."""
