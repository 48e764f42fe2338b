"""Where members and items of a JSON or JSON5 text stand (https://spec.json5.org). It is known to parse."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from skillclaw.agents.texts.errors import TextError

__all__ = ["append", "nest", "remove", "set_value"]

_STRING = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\''
_COMMENT = r"//[^\n\r\u2028\u2029]*|/\*.*?\*/"
_SPACE = re.compile(rf"(?:\s|\ufeff|{_COMMENT})*", re.DOTALL)
_PIECE = re.compile(rf"{_STRING}|{_COMMENT}|[\[\]{{}}]", re.DOTALL)
_QUOTED = re.compile(_STRING, re.DOTALL)
_BARE = re.compile(r"[^\s,:\[\]{}\"'/]+")
_REST_OF_LINE = re.compile(r"[ \t]*(?://[^\n\r]*|/\*[^\n\r]*?\*/[ \t]*(?=[\r\n]))?")


class _Member(NamedTuple):
    """A member or item: where it, its value and its end are, and the end of its comma if it has one."""

    name: Any
    start: int
    value: int
    end: int
    comma: int | None


class _Holder(NamedTuple):
    start: int
    end: int
    members: list[_Member]


def set_value(text: str, keys: Sequence[str | int], value: Any) -> str:
    """Set a key; the objects on the way are made."""
    body = text if _SPACE.fullmatch(text) is None else f"{text}{{}}\n"
    at = _skip(body, 0)
    for depth, key in enumerate(keys):
        found = _holder(body, at)
        member = _member(found, key)
        if member is None:
            if not isinstance(key, str) or body[found.start] != "{":
                raise TextError(f"{'.'.join(map(str, keys[: depth + 1]))} is not there")
            return _insert(body, found, f"{_dump(key)}: ", nest(keys[depth + 1 :], value))
        at = member.value
        if depth == len(keys) - 1 or body[at] not in "{[":
            new = nest(keys[depth + 1 :], value)
            return body[:at] + _dump(new) + body[member.end :]
    raise TextError("no key given")


def append(text: str, keys: Sequence[str | int], value: Any) -> str:
    """Add an item at the end of a list that is there."""
    at = _skip(text, 0)
    for key in keys:
        member = _member(_holder(text, at), key)
        assert member is not None, "the caller looked"
        at = member.value
    return _insert(text, _holder(text, at), "", value)


def remove(text: str, keys: Sequence[str | int]) -> str:
    """Remove a member (every one of that name) or an item."""
    while True:
        at = _skip(text, 0)
        for key in keys[:-1]:
            member = _member(_holder(text, at), key)
            assert member is not None, "the caller looked"
            at = member.value
        found = _holder(text, at)
        member = _member(found, keys[-1])
        if member is None:
            return text
        text = _without(text, found, found.members.index(member))
        if isinstance(keys[-1], int):
            return text


def _member(found: _Holder, key: str | int) -> _Member | None:
    if isinstance(key, int):
        return found.members[key] if -len(found.members) <= key < len(found.members) else None
    return next((member for member in reversed(found.members) if member.name == key), None)


def _without(text: str, found: _Holder, index: int) -> str:
    member = found.members[index]
    before = found.members[index - 1] if index else None
    after = found.members[index + 1] if index + 1 < len(found.members) else None
    if after is not None and "/" not in text[member.end : after.start]:
        return text[: member.start] + text[after.start :]
    if after is None and before is not None and "/" not in text[before.end : member.start]:
        # A comma behind it stays with the one before, as people who put one there have it.
        return text[: before.end] + text[member.end :]
    if before is None and after is None and "/" not in text[found.start : found.end]:
        return text[: found.start + 1] + text[found.end - 1 :]
    # Comments stay: only the member, its comma and, if nothing else is on it, its line go.
    end = member.comma if member.comma is not None else member.end
    line = text.rfind("\n", 0, member.start) + 1
    rest = re.compile(r"[ \t]*\r?\n").match(text, end)
    start = member.start
    if rest is not None and not text[line:start].strip():
        start, end = line, rest.end()
    made = text[:start] + text[end:]
    if after is None and before is not None and before.comma is not None and member.comma is None:
        made = made[: before.comma - 1] + made[before.comma :]
    return made


def _insert(text: str, found: _Holder, head: str, value: Any) -> str:
    """A new last member, laid out like its neighbours."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if not found.members:
        line = text[: found.start].rpartition("\n")[2]
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        item = f"{indent}  {head}{_dump(value)}"
        inside = text[found.start + 1 : found.end - 1]
        kept = inside.rstrip(" \t\r\n") if "/" in inside else ""
        closing = text[found.end - 1 :]
        return f"{text[: found.start + 1]}{kept}{newline}{item}{newline}{indent}{closing}"
    last = found.members[-1]
    before = text[: last.start]
    gap = before[len(before.rstrip(" \t\r\n")) :]
    if "\n" in gap:
        between = newline + gap.rpartition("\n")[2]
    else:
        between = " " if len(found.members) > 1 or "\n" not in text else ""
    item = f"{between}{head}{_dump(value)}"
    ended = last.end if last.comma is None else last.comma
    rest = _REST_OF_LINE.match(text, ended)
    note = rest[0] if rest is not None and rest[0].strip() else ""
    tail = text[ended + len(note) :]
    comma = "," if last.comma is not None else ""
    if note.lstrip().startswith("//") and "\n" not in between:
        item = newline + item.lstrip()
    return f"{text[: last.end]}{text[last.end : ended] or ','}{note}{item}{comma}{tail}"


def _holder(text: str, start: int) -> _Holder:
    """The members of the object, or the items of the list, that begins at `start`."""
    if text[start] not in "{[":
        raise TextError("a value on the way is no object")
    closing = "}" if text[start] == "{" else "]"
    members: list[_Member] = []
    at = _skip(text, start + 1)
    while text[at] != closing:
        begin = at
        name: Any = len(members)
        if closing == "}":
            end = _end(text, at)
            name = _name(text[at:end])
            at = _skip(text, _skip(text, end) + 1)
        end = _end(text, at)
        behind = _skip(text, end)
        comma = behind + 1 if text[behind] == "," else None
        members.append(_Member(name, begin, at, end, comma))
        at = behind if comma is None else _skip(text, comma)
    return _Holder(start, at + 1, members)


def _name(token: str) -> str:
    if token[0] == '"':
        try:
            return str(json.loads(token))
        except ValueError:
            pass  # escapes that only JSON5 knows
    if token[0] in "\"'" or "\\" in token:
        import pyjson5

        return str(next(iter(pyjson5.decode(f"{{{token}:0}}"))))
    return token


def _end(text: str, at: int) -> int:
    """Where the value or name that begins at `at` ends."""
    if text[at] in "\"'":
        found = _QUOTED.match(text, at)
    elif text[at] in "{[":
        depth = 0
        for piece in _PIECE.finditer(text, at):
            depth += (piece[0] in "{[") - (piece[0] in "}]")
            if depth == 0:
                return piece.end()
        found = None
    else:
        found = _BARE.match(text, at)
    if found is None:
        raise TextError("a value does not end")
    return found.end()


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None, "it matches nothing at least"
    return found.end()


def nest(keys: Sequence[str | int], value: Any) -> Any:
    """The value as it stands below these keys: an object in an object for each."""
    for key in reversed(keys):
        value = {key: value}
    return value


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
