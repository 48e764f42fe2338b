"""Settings by their dotted keys, as commands, files and pages name them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from skillclaw.errors import UsageError
from skillclaw.settings_choices import command, takes
from skillclaw.settings_tree import Settings

__all__ = ["flatten", "get_value", "parts_of"]


def parts_of(key: str) -> list[str]:
    """A dotted key as its parts; models, and what `share` names, are one name each, since those hold dots."""
    found = re.fullmatch(r"(upstreams)\.([^.]+)\.(models)\.(.+)", key, re.DOTALL) or re.fullmatch(
        r"(share)\.(hubs|agents|projects)\.(.+)", key, re.DOTALL
    )
    return list(found.groups()) if found else key.split(".")


def get_value(settings: Settings, key: str) -> Any:
    """The value at the dotted `key`; raises UsageError with the keys that exist."""
    node: Any = msgspec.to_builtins(settings)
    for part in parts_of(key):
        if not isinstance(node, dict) or part not in node:
            if takes(Settings, parts_of(key)):  # a name of the user's own stands in it
                todo = f"For example: {command(Settings, parts_of(key))}"
                raise UsageError(f"{key} is not set.", "", todo)
            raise UsageError(f"There is no setting {key!r}.", "", "See them all: skillclaw config show")
        node = node[part]
    return node


def flatten(settings: Settings) -> dict[str, Any]:
    """Every setting by its dotted key."""
    flat: dict[str, Any] = {}

    def walk(node: Any, prefix: str) -> None:
        if isinstance(node, dict) and (node or not prefix):
            for name, child in node.items():
                walk(child, f"{prefix}.{name}" if prefix else name)
        else:
            flat[prefix] = node

    walk(msgspec.to_builtins(settings), "")
    return flat
