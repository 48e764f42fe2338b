"""Formats that other versions wrote: a newer one is refused before it is read, and fields that this version
does not know stay where they are. Pure.

The number of a format is its `v`. It grows whenever an older version would read the record wrongly. What an
older version may pass over can come without a new number: such fields are ignored, and `carried` keeps them
when a record is written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from skillclaw.errors import UNREADABLE, UpgradeNeededError

__all__ = ["carried", "stop_at_newer"]

MOST = 200
"""Records of a list whose unknown fields are kept; one to one, so that no list takes long."""


class _Head(msgspec.Struct):
    """What is read first of any record, whatever else a later version made of it."""

    v: Any = None


_head = msgspec.json.Decoder(_Head)


def stop_at_newer(raw: bytes | msgspec.Raw, name: str, reads: int, todo: str = "Upgrade SkillClaw.") -> None:
    """UpgradeNeededError where the JSON object in `raw` says a format above `reads`, whatever else it holds;
    nothing for anything else, which is for its decoder to judge. `name` is what a message calls it.
    """
    try:
        version = _head.decode(raw).v
    except UNREADABLE:
        return
    if isinstance(version, int) and not isinstance(version, bool) and version > reads:
        raise UpgradeNeededError(
            f"Upgrade needed: {name} is of a newer format.",
            f"Its format is {version}; this version reads up to {reads}.",
            todo,
        )


def carried(record: Any, before: bytes | Mapping[str, Any] | None) -> Any:
    """`record` (a struct) as it is to be written in the place of `before`: with the fields of `before` that
    this version does not know, also those of records inside it that stay as they were. The record itself
    where there are none.
    """
    if isinstance(before, bytes):
        try:
            before = msgspec.json.decode(before)
        except UNREADABLE:
            return record
    return _carried(record, before)


def _carried(now: Any, before: Any) -> Any:
    if isinstance(now, msgspec.Struct) and isinstance(before, Mapping):
        known = dict(zip(now.__struct_fields__, now.__struct_encode_fields__, strict=True))
        inner = {
            field: made
            for field, name in known.items()
            if name in before
            and (made := _carried(getattr(now, field), before[name])) is not getattr(now, field)
        }
        strange = {name: value for name, value in before.items() if name not in known.values()}
        if not inner and not strange:
            return now
        plain = msgspec.to_builtins(now)
        return {**plain, **{known[field]: value for field, value in inner.items()}, **strange}
    if isinstance(now, dict) and isinstance(before, Mapping):
        made = {key: _carried(value, before[key]) if key in before else value for key, value in now.items()}
        return made if any(made[key] is not now[key] for key in now) else now
    if isinstance(now, list) and isinstance(before, list):
        return _listed(now, before)
    return now


def _listed(now: list[Any], before: list[Any]) -> list[Any]:
    """Records of a list are the same where all that is known of them is."""
    kinds = {type(one) for one in now}
    if len(kinds) != 1 or not issubclass(kind := kinds.pop(), msgspec.Struct):
        return now
    old: list[tuple[Any, Mapping[str, Any]]] = []
    names = set(kind.__struct_encode_fields__)
    for one in before:
        if isinstance(one, Mapping) and _strange(one, names):
            try:
                old.append((msgspec.convert(one, kind), one))
            except msgspec.ValidationError:
                continue
    del old[MOST:]
    if not old:
        return now
    made = [next((_carried(one, raw) for known, raw in old if known == one), one) for one in now]
    return made if any(a is not b for a, b in zip(made, now, strict=True)) else now


def _strange(raw: Mapping[str, Any], names: set[str]) -> bool:
    """Whether there may be something unknown in it: here, or further inside."""
    return not names >= raw.keys() or any(isinstance(value, Mapping | list) for value in raw.values())
