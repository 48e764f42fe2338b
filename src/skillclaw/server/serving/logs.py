"""The server's log: a line for each thing that happened, with counts and names and no text of sessions."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from skillclaw.log_format import JsonFormatter, PlainFormatter
from skillclaw.own_log import move
from skillclaw.private import append_file
from skillclaw.settings_log import LogSettings

__all__ = ["log_to"]


class _Bounded(logging.handlers.WatchedFileHandler):
    """A log that its cycles write, too: who finds it grown moves it aside, and each goes on in a new one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record."""
        if self.stream is not None:
            with suppress(OSError):
                move(Path(self.baseFilename), self.stream.fileno())
        super().emit(record)


def log_to(home: Path, settings: LogSettings) -> Callable[[], None]:
    """Have the server tell what it does on standard error and in `logs/serve.log`; gives what ends that."""
    path = home / "logs" / "serve.log"
    append_file(path).close()  # its mode, and no link in its place
    kind = _Bounded if os.name == "posix" else logging.FileHandler
    file = kind(path, encoding="utf-8", errors="backslashreplace")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr), file]
    root = logging.getLogger("skillclaw")
    before = root.level
    root.setLevel(settings.level.upper())
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if settings.format == "json" else PlainFormatter())
        root.addHandler(handler)

    def end() -> None:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            if isinstance(handler, logging.FileHandler):
                handler.close()

    return end
