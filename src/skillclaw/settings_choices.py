"""Which words a setting takes, for whoever gave another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

import msgspec

__all__ = ["choices"]


def choices(kind: Any, parts: Sequence[str]) -> tuple[str, ...]:
    """The words that the field `parts` of the struct `kind` takes; empty where it takes others than a few."""
    for part in parts:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            kind = next((f.type for f in msgspec.structs.fields(kind) if f.encode_name == part), None)
        else:
            return ()
    return tuple(word for word in get_args(kind) if word) if get_origin(kind) is Literal else ()
