"""Files of `NAME=value` lines (`.env`), read by python-dotenv's parser. A key is the one name of a variable.

Sources: the readers that agents use (dotenv for Node.js and for Python) agree on names, `export`, comments
and quotes; what is written here is quoted only where it must be.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from skillclaw.agents.texts.errors import TextError

__all__ = ["append", "load", "remove", "set_value"]

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=?&~-]*\Z")
_LINE = re.compile(
    r"""(?P<head>\s*(?:export[ \t]+)?(?:'[^'\r\n]+'|[^=\s#]+)[ \t]*=[ \t]*)"""
    r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\r\n]*?)"""
    r"""(?P<tail>[ \t]*(?:[ \t]\#[^\r\n]*)?(?:\r?\n)?)\Z""",
    re.DOTALL,
)


def load(text: str) -> Any:
    """The variables; of one name the last counts."""
    return {line.key: line.value for line in _lines(text) if line.key}


def set_value(text: str, keys: Sequence[str | int], value: Any) -> str:
    """Set a variable where it stands, else in a line at the end."""
    (name,) = keys
    lines = _lines(text)
    own = [number for number, line in enumerate(lines) if line.key == name]
    pieces = [line.original.string for line in lines]
    if own:
        found = _LINE.match(pieces[own[-1]])
        if found is not None:
            pieces[own[-1]] = f"{found['head']}{_quoted(value)}{found['tail']}"
        else:
            bare = pieces[own[-1]].rstrip()  # a name alone
            pieces[own[-1]] = f"{bare}={_quoted(value)}{pieces[own[-1]][len(bare) :]}"
        return "".join(pieces)
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = newline if text and not text.endswith("\n") else ""
    return f"{text}{gap}{name}={_quoted(value)}{newline}"


def append(text: str, keys: Sequence[str | int], value: Any) -> str:
    """There are no lists."""
    raise TextError("a .env file holds no lists")


def remove(text: str, keys: Sequence[str | int]) -> str:
    """Remove the lines of a variable."""
    (name,) = keys
    return "".join(line.original.string for line in _lines(text) if line.key != name)


def _lines(text: str) -> list[Any]:
    from dotenv.parser import parse_stream

    lines = list(parse_stream(io.StringIO(text, newline="")))
    for line in lines:
        if line.error:
            raise TextError(f"line {line.original.line} is no NAME=value")
    return lines


def _quoted(value: Any) -> str:
    text = str(value)
    if _PLAIN.match(text):
        return text
    # What is behind a backslash or a dollar sign, readers take in different ways.
    if not re.search(r"[\\']", text):
        return f"'{text}'"
    if not re.search(r'[\\"$`]', text):
        return f'"{text}"'
    raise TextError("the value cannot be written in a .env file")
