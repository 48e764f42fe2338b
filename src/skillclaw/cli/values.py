"""Values as text for people."""

from __future__ import annotations

__all__ = ["many", "shown"]


def many(count: int, word: str) -> str:
    """A count of things: `1 skill`, `2 skills`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def shown(value: object) -> str:
    """A setting's value, as `config show` prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
