"""Request bodies as JSON whose untouched parts keep their bytes."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from skillclaw.proxy.asked import RawHeaders
from skillclaw.proxy.configured.errors import Refused
from skillclaw.wire.body import load_json, plain

__all__ = ["Body", "clear"]

LARGEST = 128 << 20
"""Bytes that a compressed request may unpack to."""
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


def clear(body: bytes, headers: RawHeaders) -> bytes:
    """The body without its content encoding; Refused when it has one that cannot be read."""
    encoding = b",".join(value for name, value in headers if name.lower() == b"content-encoding")
    found = plain(body, encoding.decode("latin-1"), LARGEST)
    if found is None:
        raise Refused(400, "SkillClaw cannot read the request's body.", "Its content encoding is not known.")
    return found


class Body:
    """A JSON object. What is not changed is passed on byte for byte; Refused (400) when it is no object."""

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data
        try:
            self._parts: dict[str, Any] = dict(_raw.decode(data))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # Half of a surrogate pair and the like, which agents do send: such a body is written anew.
            tree = load_json(data)
            if not isinstance(tree, dict):
                raise Refused(400, "The request's body is not a JSON object.") from None
            self._parts = tree
            self._data = None

    def copy(self) -> Body:
        """Another body with the same parts, to be changed by itself."""
        made = Body.__new__(Body)
        made._data, made._parts = self._data, dict(self._parts)
        return made

    def get(self, name: str) -> Any:
        """The value of a member, decoded; None when it is missing or cannot be."""
        value = self._parts.get(name)
        return load_json(bytes(value)) if isinstance(value, msgspec.Raw) else value

    def items(self, name: str) -> list[Any]:
        """The elements of an array member, each as its bytes (`Raw`) or decoded; empty when it is none."""
        value = self._parts.get(name)
        if isinstance(value, msgspec.Raw):
            try:
                return msgspec.json.decode(value, type=list[msgspec.Raw])
            except msgspec.MsgspecError:
                return []
        return value if isinstance(value, list) else []

    def set(self, name: str, value: Any) -> None:
        """Change a member; `value` may hold `Raw` parts."""
        new = msgspec.json.encode(value)
        old = self._parts.get(name)
        if isinstance(old, msgspec.Raw) and bytes(old) == new:
            return
        if self._data is not None and isinstance(old, msgspec.Raw) and isinstance(value, str):
            self._data = _spliced(self._data, name, bytes(old), new)
        else:
            self._data = None
        self._parts[name] = msgspec.Raw(new)

    def tree(self) -> dict[str, Any]:
        """All of it, decoded."""
        return {name: self.get(name) for name in self._parts}

    def data(self) -> bytes:
        """The body as bytes."""
        return self._data if self._data is not None else msgspec.json.encode(self._parts)


def _spliced(data: bytes, name: str, old: bytes, new: bytes) -> bytes | None:
    """`data` with one member's value replaced in place; None where its place is not certain."""
    found = list(
        re.finditer(rb'"' + re.escape(name.encode()) + rb'"[ \t\r\n]*:[ \t\r\n]*' + re.escape(old), data)
    )
    if len(found) != 1:
        return None
    made = data[: found[0].end() - len(old)] + new + data[found[0].end() :]
    try:
        before, after = _raw.decode(data), _raw.decode(made)
    except msgspec.MsgspecError:
        return None
    before[name] = msgspec.Raw(new)
    return (
        made if {k: bytes(v) for k, v in before.items()} == {k: bytes(v) for k, v in after.items()} else None
    )
