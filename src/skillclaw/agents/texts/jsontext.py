"""JSON settings files (RFC 8259), which may begin with a byte order mark."""

from __future__ import annotations

import json
from typing import Any

from skillclaw.agents.texts.errors import TextError
from skillclaw.agents.texts.scan import append, remove, set_value

__all__ = ["append", "load", "remove", "set_value"]


def load(text: str) -> Any:
    """The value that the text holds."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextError(str(error)) from error
