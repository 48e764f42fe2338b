"""Which words a setting takes, for whoever gave another one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

__all__ = ["choices", "wanted"]


def choices(kind: Any, parts: Sequence[str]) -> tuple[str, ...]:
    """The words that the field `parts` of the struct `kind` takes; empty where it takes others than a few."""
    kind = _field(kind, parts)
    return tuple(word for word in get_args(kind) if word) if get_origin(kind) is Literal else ()


def wanted(kind: Any, error: str) -> str:
    """The error of a value that is none, which ends with where it stood; said in words where its field says
    in words what it takes, for a pattern tells nobody."""
    place = re.search(r" - at `\$\.([\w.-]+)`$", error)
    field = _field(kind, place[1].split(".")) if place is not None else None
    metas = get_args(field)[1:] if get_origin(field) is Annotated else ()
    words = next((m.description for m in metas if isinstance(m, msgspec.Meta) and m.description), "")
    return f"It takes {words}{place[0]}" if words and place is not None else error


def _field(kind: Any, parts: Sequence[str]) -> Any:
    """The type of the field; None where there is no such field."""
    for part in parts:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            kind = next((f.type for f in msgspec.structs.fields(kind) if f.encode_name == part), None)
        else:
            return None
    return kind
