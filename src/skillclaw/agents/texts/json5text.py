"""JSON5 settings files, and JSON with comments or commas at the end: https://spec.json5.org

What is written is plain JSON, so that each reader of such files understands it.
"""

from __future__ import annotations

from typing import Any

from skillclaw.agents.texts.errors import TextError
from skillclaw.agents.texts.scan import append, remove, set_value

__all__ = ["append", "load", "remove", "set_value"]


def load(text: str) -> Any:
    """The value that the text holds; nothing for a text of comments alone."""
    import pyjson5

    try:
        return pyjson5.decode(text)
    except pyjson5.Json5EOF:
        if not _says_something(text):
            return None
        raise TextError("it ends too early") from None
    except (pyjson5.Json5Exception, RecursionError) as error:
        # The whole of such an error has all that was read before it.
        raise TextError(str(error.args[0]) if error.args else "it is nested too deeply") from None


def _says_something(text: str) -> bool:
    import re

    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip() != ""
