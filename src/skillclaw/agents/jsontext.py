"""Set, read and remove keys in the text of a JSON file; all other bytes stay as they are.

People keep their settings in an order and a layout of their own, and a rewrite by a JSON library loses both.
Pure: text in, text out.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

__all__ = ["JsonTextError", "get", "remove", "set_value"]

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


class JsonTextError(ValueError):
    """The text is not a JSON object, or a parent of the key is none."""


class _Member(NamedTuple):
    name: str
    start: int
    value: int
    end: int


class _Object(NamedTuple):
    start: int
    end: int
    members: list[_Member]


def get(text: str, keys: list[str]) -> tuple[bool, Any]:
    """(True, value) of the key at the path, or (False, None)."""
    node = _load(text)
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            return False, None
        node = node[key]
    return True, node


def set_value(text: str, keys: list[str], value: Any) -> str:
    """The text with the key at the path set; missing objects on the way are made."""
    _load(text)
    bom, body = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    if not body.strip(" \t\r\n"):
        body = "{}\n"
    found = _object(body, _skip(body, 0))
    for depth, key in enumerate(keys):
        member = next((m for m in reversed(found.members) if m.name == key), None)
        last = depth == len(keys) - 1
        if member is None:
            return bom + _insert(body, found, key, _nest(keys[depth + 1 :], value))
        if last:
            return bom + body[: member.value] + _dump(value) + body[member.end :]
        if body[member.value] != "{":
            raise JsonTextError(f"{'.'.join(keys[: depth + 1])} is not an object")
        found = _object(body, member.value)
    raise JsonTextError("no key given")


def remove(text: str, keys: list[str]) -> str:
    """The text without the key at the path (every one of that name); the same text when it is not there."""
    while get(text, keys)[0]:
        start = 1 if text.startswith("\ufeff") else 0
        found = _object(text, _skip(text, start))
        for key in keys[:-1]:
            member = next(m for m in reversed(found.members) if m.name == key)
            found = _object(text, member.value)
        index = max(i for i, m in enumerate(found.members) if m.name == keys[-1])
        member = found.members[index]
        if index + 1 < len(found.members):
            text = text[: member.start] + text[found.members[index + 1].start :]
        elif index:
            text = text[: found.members[index - 1].end] + text[member.end :]
        else:
            text = text[: found.start + 1] + text[found.end - 1 :]
    return text


def _load(text: str) -> Any:
    if not text.strip(" \t\r\n\ufeff"):
        return {}
    try:
        node = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise JsonTextError(str(error)) from error
    if not isinstance(node, dict):
        raise JsonTextError("it holds no JSON object")
    return node


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _object(text: str, start: int) -> _Object:
    """The members of the object at `start`; the text as a whole is known to parse."""
    members: list[_Member] = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        begin = at
        name, at = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, value)
        members.append(_Member(name, begin, value, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return _Object(start, at + 1, members)


def _insert(text: str, found: _Object, key: str, value: Any) -> str:
    """A new last member, laid out like its neighbours."""
    item = f"{_dump(key)}: {_dump(value)}"
    newline = "\r\n" if "\r\n" in text else "\n"
    if found.members:
        last = found.members[-1]
        before = text[: last.start]
        gap = before[len(before.rstrip(" \t\r\n")) :]
        if "\n" in gap:
            between = newline + gap.rpartition("\n")[2]
        else:
            between = " " if len(found.members) > 1 or "\n" not in text else ""
        return f"{text[: last.end]},{between}{item}{text[last.end :]}"
    line = text[: found.start].rpartition("\n")[2]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    inner = f"{{{newline}{indent}  {item}{newline}{indent}}}"
    return text[: found.start] + inner + text[found.end :]


def _nest(keys: list[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
