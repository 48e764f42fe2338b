"""What a file holds, told by its content and not by its name.

Only the beginning is looked at, so that a file of any size takes a second at most: a longer document, or a
longer line, is judged by what it begins with.
"""

from __future__ import annotations

import json
import logging
import re
import stat
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.sqlite import is_database
from skillclaw.agents.registry import adapters
from skillclaw.errors import BadInputError, StorageError

__all__ = ["sniff"]

HEAD = 8 << 20
"""Bytes that are looked at, decompressed."""
SHORT = 1 << 18
"""Bytes of a longer document that are looked at; a session's kind shows in its first keys."""
LINES = 50
"""Lines that are looked at, and items of a list."""

_ATIF = re.compile(rb'"schema_version"\s*:\s*"ATIF')
_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{},]', re.DOTALL)
log = logging.getLogger("skillclaw.agents")


def sniff(path: Path) -> str:
    """`atif`, the name of the agent whose history it is, or nothing for JSON of another kind and for an empty
    file.

    Raises StorageError when the file cannot be read, BadInputError with the place when it is broken JSON.
    """
    try:
        kind = path.stat().st_mode
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check the path.") from error
    if not stat.S_ISREG(kind):
        raise BadInputError(f"{path} is no file.", "It is a folder, a pipe or a device.", "Name a file.")
    if is_database(path):
        return _owner(path, [])
    data, damaged = lines.beginning_of(path, HEAD)
    whole = len(data) < HEAD
    values, broken = _values(data.removeprefix(b"\xef\xbb\xbf"), whole)
    if any(map(_is_atif, values)):
        return "atif"
    owner = _owner(path, values)
    if owner:
        return owner
    if damaged:
        raise BadInputError(f"{path} is damaged.", "Its compression ends or breaks.", "Get it again.")
    return _document(path, data, whole, broken) if broken else ""


def _values(data: bytes, whole: bool) -> tuple[list[Any], tuple[int, bytes] | None]:
    """The values of the first lines, and the number and bytes of the first line that holds none."""
    values: list[Any] = []
    broken: tuple[int, bytes] | None = None
    found = data.split(b"\n", LINES)
    for number, raw in enumerate(found[:LINES], 1):
        line = raw.strip()
        if not line:
            continue
        ended = number < len(found)
        if not ended and not whole:
            begun = _begun(line)
            values += begun
            broken = broken or (None if begun else (number, line))
            continue
        try:
            values.append(lines.json_value(line))
        except BadInputError:
            if ended or not values:
                broken = broken or (number, line)
    return values, broken


def _document(path: Path, data: bytes, whole: bool, broken: tuple[int, bytes]) -> str:
    """For a file whose lines are no JSON by themselves: one document over many lines, or a broken one."""
    if _ATIF.search(data[:SHORT]):
        return "atif"
    if not whole:
        found = _begun(data)
        return "atif" if any(map(_is_atif, found)) else _owner(path, found) if found else ""
    try:
        value = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        why = str(error)
        if data.count(b"\n") > 1 and data.lstrip()[:1] not in (b"[", b"{"):
            why = f"line {broken[0]}: {_why(broken[1])}"
        raise BadInputError(f"{path} is not JSON.", why, "Mend the file, or export it again.") from error
    return "atif" if _is_atif(value) else _owner(path, [value])


def _begun(data: bytes) -> list[Any]:
    """The first part of a document whose rest was not read, closed where its last whole member ends."""
    text = data[:SHORT].decode("utf-8-sig", "replace")
    open_now: list[str] = []
    end, closing = 0, ""
    for piece in _PIECE.finditer(text):
        sign = piece[0]
        if sign in ("[", "{"):
            open_now.append("]" if sign == "[" else "}")
            if len(open_now) > LINES:
                break
        elif sign in ("]", "}"):
            if not open_now or open_now.pop() != sign:
                break
        elif sign == "," and open_now:
            end, closing = piece.start(), "".join(reversed(open_now))
    try:
        return [json.loads(text[:end] + closing)] if end else []
    except (ValueError, RecursionError):
        return []


def _why(line: bytes) -> str:
    try:
        json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        return str(error)
    return "it is not UTF-8"


def _owner(path: Path, values: list[Any]) -> str:
    held = [item for value in values for item in (value[:LINES] if isinstance(value, list) else [value])]
    known = [item for item in held if isinstance(item, dict)]
    for name, adapter in adapters().items():
        try:
            if adapter.recognises(path, known):
                return name
        except Exception:  # a plugin's fault must not keep others' files out
            log.exception("%s cannot tell whether %s is its own", name, path)
    return ""


def _is_atif(value: Any) -> bool:
    if isinstance(value, list):
        return any(_is_atif(item) for item in value[:LINES] if isinstance(item, dict))
    if not isinstance(value, dict):
        return False
    version = value.get("schema_version")
    if isinstance(version, str) and version.upper().startswith("ATIF"):
        return True
    return isinstance(value.get("steps"), list) and isinstance(value.get("agent"), dict)
