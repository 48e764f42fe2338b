"""Texts of JSON objects that grow piece by piece and are joined once: a stream may bring a million pieces."""

from __future__ import annotations

from typing import Any, TypeVar

from skillclaw.wire.content import as_str

__all__ = ["grow", "grown"]

Key = TypeVar("Key")


class _Pieces(list[str]):
    """What stands in the place of a text that grows; nothing that was decoded from JSON is one."""


def grow(holder: dict[Key, Any], key: Key, text: str) -> None:
    """Add to the text of that name. What is no text is replaced by one; `grown` makes the whole of it."""
    held = holder.get(key)
    if not isinstance(held, _Pieces):
        held = holder[key] = _Pieces([as_str(held)])
    held.append(text)


def grown(holder: dict[Key, Any]) -> dict[Key, Any]:
    """The object with each text whole."""
    return {key: "".join(value) if isinstance(value, _Pieces) else value for key, value in holder.items()}
