"""Tools told in words, a line each, for models or servers that have no field for tools. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["members", "type_of"]


def members(shape: Mapping[str, Any], *, nested: bool = False) -> str:
    """The arguments of a JSON Schema, with `?` behind the name of one that may stay away:
    `"path":string,"first"?:integer`. `nested` tells what lists and objects hold, too."""
    required = shape.get("required") or []
    return ",".join(
        f'"{name}"{"" if name in required else "?"}:{type_of(kind, nested=nested)}'
        for name, kind in (shape.get("properties") or {}).items()
    )


def type_of(kind: Any, *, nested: bool = False) -> str:
    """The type of one argument: the values that it may have, else its name in JSON Schema."""
    if not isinstance(kind, Mapping):
        return "any"
    if isinstance(kind.get("enum"), list):
        return "|".join(json.dumps(value, ensure_ascii=False) for value in kind["enum"])
    if nested and isinstance(kind.get("anyOf"), list):
        other = [one for one in kind["anyOf"] if not (isinstance(one, Mapping) and one.get("type") == "null")]
        return "|".join(type_of(one, nested=True) for one in other)
    if nested and kind.get("type") == "array":
        return f"[{type_of(kind.get('items'), nested=True)}]"
    if nested and kind.get("type") == "object" and kind.get("properties"):
        return f"{{{members(kind, nested=True)}}}"
    return str(kind.get("type") or "any")
