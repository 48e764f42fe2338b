"""The server's log: a line for each thing that happened, with counts and names and no text of sessions."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from skillclaw.log_format import LogFormatter
from skillclaw.private import append_file
from skillclaw.server.serving.history import now_text

__all__ = ["JsonFormatter", "PlainFormatter", "log_to"]


class PlainFormatter(LogFormatter):
    """Lines for people: time, level, what happened, `name=value` of its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = super().format(record)
        shown = [f"{name}={value}" for name, value in _facts(record).items() if value not in ("", None)]
        head, end, rest = line.partition("\n")
        return " ".join([head, *shown]) + end + rest


class JsonFormatter(LogFormatter):
    """One JSON object a line: `time`, `level`, `event`, and its facts; of an error the places and kinds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        told: dict[str, Any] = {
            "time": now_text(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            told["places"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def log_to(home: Path, form: Literal["text", "json"]) -> Callable[[], None]:
    """Have the server tell what it does on standard error and in `logs/serve.log`; gives what ends that."""
    path = home / "logs" / "serve.log"
    append_file(path).close()  # its mode, and no link in its place
    kind = logging.handlers.WatchedFileHandler if os.name == "posix" else logging.FileHandler
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr), kind(path, encoding="utf-8")]
    root = logging.getLogger("skillclaw")
    before = root.level
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if form == "json" else PlainFormatter())
        root.addHandler(handler)

    def end() -> None:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            if isinstance(handler, logging.FileHandler):
                handler.close()

    return end


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts = getattr(record, "facts", None)
    return facts if isinstance(facts, dict) else {}
