"""How logs are written, for people or as JSON; and how they tell an error: where it came from and its kind,
never what it says.

`ValueError("invalid literal for int() with base 10: '...'")` holds a piece of what was read: of a session, a
request or a setting. The lines of code and the kind are what a report needs.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

__all__ = [
    "FORMATS",
    "LEVELS",
    "JsonFormatter",
    "LogFormatter",
    "PlainFormatter",
    "as_text",
    "formatter",
    "parsed",
    "tell_unexpected",
]

_Error = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
DEEPEST = 10
"""Errors behind an error that are told."""
FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")


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


class PlainFormatter(LogFormatter):
    """Lines for people: time, level, what happened, `name=value` of its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = super().format(record)
        head, end, rest = line.partition("\n")
        return " ".join([head, *_shown(_facts(record))]) + end + rest


class JsonFormatter(LogFormatter):
    """One JSON object a line: `time`, `level`, `event`, and its facts; of an error the places and kinds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")
        told: dict[str, Any] = {
            "time": now.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            told["places"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def formatter(form: str) -> LogFormatter:
    """What writes lines for machines (`json`), or for people who know the messages of `up` and its proxy."""
    return JsonFormatter() if form == "json" else LogFormatter()


def parsed(line: str | bytes) -> dict[str, Any] | None:
    """What a line of JsonFormatter tells; None for any other line."""
    try:
        told = json.loads(line) if line[:1] in ("{", b"{") else None
    except (ValueError, RecursionError):
        return None
    known = isinstance(told, dict) and all(
        isinstance(told.get(name), str) for name in ("time", "level", "event")
    )
    return told if known else None


def as_text(line: str) -> str:
    """A line of a log for people: JSON as PlainFormatter would have written it, others as they are."""
    told = parsed(line)
    if told is None:
        return line
    head = [told.pop("time"), told.pop("level").upper(), told.pop("event")]
    places = told.pop("places", "")
    return " ".join([*head, *_shown(told)]) + (f"\n{places}" if places else "")


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts = getattr(record, "facts", None)
    return facts if isinstance(facts, dict) else {}


def _shown(facts: dict[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in facts.items() if value not in ("", None)]


def tell_unexpected(log: logging.Logger, error: BaseException, path: str) -> None:
    """Note an error that nobody expected while the address `path` was answered: its kind and place."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
    log.error("%s at %s while answering %s", type(error).__name__, place, ascii(path[:200]))
