"""The input of a freeform tool out of the function call that stands for it, while it streams.

The model gives `{"input": "..."}` (`settle.parameters`); the agent wants the text inside. It comes piece by
piece, escapes cut anywhere.
"""

from __future__ import annotations

import json
import re
from typing import Any

from skillclaw.wire.body import load_json

__all__ = ["Freeform"]

HEAD = re.compile(r'\A\s*\{\s*"input"\s*:\s*"')
UNFINISHED = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
HIGH_HALF = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z")
STRING = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)


class Freeform:
    """Feed it the argument text; it gives the new part of the input, and the whole of it at the end."""

    def __init__(self) -> None:
        self._text = ""
        self._head = -1
        self._read = 0
        self._said: list[str] = []

    def feed(self, text: str) -> str:
        """What this piece adds to the input; empty while it cannot be told."""
        self._text += text
        if self._head < 0:
            found = HEAD.match(self._text)
            if found is None:
                return ""
            self._head = self._read = found.end()
        found = STRING.match(self._text, self._read)
        stop = found.end() if found is not None else self._read
        piece = self._text[self._read : stop]
        # An escape, or the first half of a pair of them, may go on in the next piece.
        for cut in (HIGH_HALF.search(piece), UNFINISHED.search(piece)):
            if cut is not None and not _escaped(piece, cut.start()):
                piece = piece[: cut.start()]
        value = _lenient(f'"{piece}"')
        if not piece or not isinstance(value, str):
            return ""
        self._read += len(piece)
        self._said.append(value)
        return value

    def close(self) -> tuple[str, str]:
        """(what is still to be said, the whole input). Arguments of another form are the input itself."""
        value = _lenient(self._text) if self._text.strip() else {}
        said = "".join(self._said)
        if isinstance(value, dict) and isinstance(value.get("input"), str):
            whole = value["input"]
        elif self._head >= 0 or value == {}:
            whole = said
        else:
            whole = self._text
        return (whole[len(said) :] if whole.startswith(said) else ""), whole


def _escaped(piece: str, at: int) -> bool:
    """Whether the backslash at `at` is itself the second half of an escape."""
    before = len(piece[:at]) - len(piece[:at].rstrip("\\"))
    return before % 2 == 1


def _lenient(text: str) -> Any:
    """The JSON value; models put bare line breaks into strings, which strict JSON forbids."""
    value = load_json(text)
    if value is None:
        try:
            value = json.loads(text, strict=False)
            value = load_json(json.dumps(value))
        except (ValueError, RecursionError):
            return None
    return value
