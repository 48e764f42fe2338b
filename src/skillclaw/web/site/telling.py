"""Errors that nobody expected, in the dashboard's log."""

from __future__ import annotations

import logging
import traceback

__all__ = ["tell_unexpected"]

log = logging.getLogger("skillclaw.web")


def tell_unexpected(error: BaseException, path: str) -> None:
    """Note an error's kind and place, never its text, which may be what was read."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "nowhere"
    log.error("%s at %s while answering %s", type(error).__name__, place, ascii(path[:200]))
