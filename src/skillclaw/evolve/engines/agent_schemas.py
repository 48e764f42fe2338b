"""JSON Schemas of tools' arguments, without the words in them: the rules say what each field is, once."""

from __future__ import annotations

from typing import Any

from skillclaw.evolve.models.shapes import schema_of

__all__ = ["arguments_schema"]

WORDS = frozenset({"title", "description", "default"})


def arguments_schema(kind: type[Any]) -> dict[str, Any]:
    """The schema of a record as one object of bare types."""
    bare: dict[str, Any] = _bare(schema_of(kind))
    bare.setdefault("properties", {})
    return bare


def _bare(node: Any) -> Any:
    if isinstance(node, list):
        return [_bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _bare(one) for name, one in value.items()} if key == "properties" else _bare(value)
        for key, value in node.items()
        if key not in WORDS
    }
