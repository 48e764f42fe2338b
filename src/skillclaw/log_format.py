"""How logs tell an error: where it came from and its kind, never what it says.

`ValueError("invalid literal for int() with base 10: '...'")` holds a piece of what was read: of a session, a
request or a setting. The lines of code and the kind are what a report needs.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

__all__ = ["LogFormatter"]

_Error = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
DEEPEST = 10
"""Errors behind an error that are told."""


class LogFormatter(logging.Formatter):
    """Lines with time, level and message, and of errors the places and kinds, the last one first."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatException(self, ei: _Error) -> str:  # noqa: N802  logging's name
        told: list[str] = []
        error = ei[1]
        while error is not None and len(told) < DEEPEST:
            told.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
            error = error.__cause__ or error.__context__
        return "\nafter ".join(told)
