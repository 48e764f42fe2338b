"""Values of settings as text for people."""

from __future__ import annotations

__all__ = ["shown"]


def shown(value: object) -> str:
    """A setting's value, as `config show` prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
