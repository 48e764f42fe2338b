"""Keys of settings files that this version does not know: a later one wrote them, or a hand slipped.
They are passed over and told, so that no such key stops traffic.
"""

from __future__ import annotations

import logging
from typing import Any, get_args, get_origin

import msgspec

__all__ = ["known_part", "tell"]

log = logging.getLogger("skillclaw.settings")
_told: set[tuple[str, str]] = set()


def known_part(kind: Any, tree: Any) -> tuple[Any, list[tuple[str, ...]]]:
    """`tree` without the keys that no field of the struct `kind` has, and the paths of those keys."""
    found: list[tuple[str, ...]] = []
    return _known(kind, tree, (), found), found


def _known(kind: Any, node: Any, above: tuple[str, ...], found: list[tuple[str, ...]]) -> Any:
    if not isinstance(node, dict):
        return node
    if get_origin(kind) is dict:
        value = get_args(kind)[1]
        return {name: _known(value, child, (*above, name), found) for name, child in node.items()}
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return node
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    found += [(*above, name) for name in node if name not in fields]
    return {
        name: _known(fields[name], child, (*above, name), found)
        for name, child in node.items()
        if name in fields
    }


def tell(key: str, place: str) -> None:
    """Warn of an unknown `key` that `place` says; once in a process: daemons read settings often."""
    if (key, place) not in _told:
        _told.add((key, place))
        log.warning("%s: there is no setting %s in this version; it is passed over", place, key)
