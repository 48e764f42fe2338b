"""The log of `up`: what happened, with counts and names and no text of sessions."""

from __future__ import annotations

import logging
import logging.handlers
import sys

from skillclaw.log_format import formatter
from skillclaw.own_log import LOG_BYTES
from skillclaw.private import append_file
from skillclaw.server.machine import Machine

__all__ = ["log_up"]

KEPT = 3
"""Older ones that are kept: what happened is asked for long after it did."""


def log_up(machine: Machine, *, aloud: bool) -> None:
    """Have `up` tell what it does in `logs/up.log`; `aloud`: on standard error, too."""
    path = machine.home / "logs" / "up.log"
    append_file(path).close()  # its mode, and no link in its place
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            path, maxBytes=LOG_BYTES, backupCount=KEPT, encoding="utf-8", errors="backslashreplace"
        )
    ]
    if aloud:
        handlers.append(logging.StreamHandler(sys.stderr))
    root = logging.getLogger("skillclaw")
    root.setLevel(machine.settings.log.level.upper())
    for handler in handlers:
        handler.setFormatter(formatter(machine.settings.log.format))
        root.addHandler(handler)
