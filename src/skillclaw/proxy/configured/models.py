"""Model names: what an upstream calls what an agent asks for, and lists of models in each API's shape. Pure.

Shapes: Anthropic `GET /v1/models` (`data`, `has_more`), OpenAI `GET /v1/models` (`object: list`), Gemini
`GET /v1beta/models` (`models`, names with `models/` before them).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from skillclaw.proxy.configured.paths import Family
from skillclaw.wire.body import load_json

__all__ = ["listed", "mapped", "models_body", "single"]

_LONG_AGO = "1970-01-01T00:00:00Z"
_VERBS = ["generateContent", "streamGenerateContent"]


def mapped(models: Mapping[str, str], asked: str) -> str:
    """What the upstream calls the model: by the whole name, else by the longest beginning before a `*`."""
    if asked in models:
        return models[asked]
    begins = [key for key in models if key.endswith("*") and asked.startswith(key[:-1])]
    return models[max(begins, key=len)] if begins else asked


def listed(data: bytes, family: Family) -> list[dict[str, Any]] | None:
    """The entries of an upstream's list, by that upstream's API; None when it is none."""
    tree = load_json(data)
    found = tree.get("models" if family == "gemini" else "data") if isinstance(tree, dict) else None
    if not isinstance(found, list):
        return None
    return [entry for entry in found if isinstance(entry, dict) and _name(entry)]


def models_body(
    entries: list[dict[str, Any]], upstream: Family, family: Family, models: Mapping[str, str], *, first: bool
) -> bytes:
    """The list for an agent: what the upstream has, and (`first`: on the first page) the names that settings
    map. Entries of the same API stay as they are.
    """
    whole = [entry if upstream == family else _entry(_name(entry), family) for entry in entries]
    known = {_name(entry) for entry in entries}
    if first:
        whole += [_entry(name, family) for name in models if "*" not in name and name not in known]
    if family == "gemini":
        return msgspec.json.encode({"models": whole})
    if family == "anthropic":
        ends = {"first_id": _name(whole[0]), "last_id": _name(whole[-1])} if whole else {}
        empty = {"first_id": None, "last_id": None}
        return msgspec.json.encode({"data": whole, "has_more": False, **(ends or empty)})
    return msgspec.json.encode({"object": "list", "data": whole})


def single(
    entries: list[dict[str, Any]], upstream: Family, family: Family, models: Mapping[str, str], name: str
) -> bytes | None:
    """One model for an agent; None when neither the upstream nor the settings know it."""
    found = next((entry for entry in entries if _name(entry) == name), None)
    if found is not None and upstream == family:
        return msgspec.json.encode(found)
    known = found is not None or mapped(models, name) != name or name in models
    return msgspec.json.encode(_entry(name, family)) if known else None


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("id", entry.get("name"))
    return name.removeprefix("models/") if isinstance(name, str) else ""


def _entry(name: str, family: Family) -> dict[str, Any]:
    if family == "anthropic":
        return {"type": "model", "id": name, "display_name": name, "created_at": _LONG_AGO}
    if family == "gemini":
        return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": _VERBS}
    return {"id": name, "object": "model", "created": 0, "owned_by": "skillclaw"}
