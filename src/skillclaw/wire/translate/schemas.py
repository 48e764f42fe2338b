"""JSON Schemas as a provider takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["claude_answer", "unsealed"]

Schema = dict[str, Any]

NAMED = ("properties", "$defs", "definitions")
LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
ONE = ("items", "additionalProperties", "not")

BOUNDS = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    }
)
"""Keywords for which Anthropic refuses the schema of an answer (`property 'maxLength' is not supported`)."""


def unsealed(schema: Schema) -> Schema:
    """A tool's schema without `encrypted`: OpenAI then seals the argument (what Codex tells a sub-agent)."""
    return _each(schema, lambda one: {k: v for k, v in one.items() if k != "encrypted" or v is not True})


def claude_answer(schema: Schema) -> Schema:
    """The schema of an answer as Anthropic takes it: objects closed, bounds told in words."""
    return _each(schema, _as_claude_takes)


def _as_claude_takes(schema: Schema) -> Schema:
    kept = {key: value for key, value in schema.items() if key not in BOUNDS}
    bounds = ", ".join(f"{key}: {schema[key]}" for key in schema if key in BOUNDS)
    if bounds:
        kept["description"] = f"{kept.get('description') or ''} ({bounds})".strip()
    if "oneOf" in kept and "anyOf" not in kept:
        kept["anyOf"] = kept.pop("oneOf")
    if kept.get("type") == "object" or "properties" in kept:
        kept["additionalProperties"] = False
    return kept


def _each(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The schema with every schema in it changed, itself last."""
    out = dict(schema)
    for key in NAMED:
        if isinstance(out.get(key), dict):
            out[key] = {name: _inner(child, change) for name, child in out[key].items()}
    for key in LISTED:
        if isinstance(out.get(key), list):
            out[key] = [_inner(child, change) for child in out[key]]
    for key in ONE:
        if key in out:
            out[key] = _inner(out[key], change)
    return change(out)


def _inner(value: Any, change: Callable[[Schema], Schema]) -> Any:
    return _each(value, change) if isinstance(value, dict) else value
