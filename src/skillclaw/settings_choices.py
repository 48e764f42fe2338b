"""What a setting takes, in words, for whoever gave something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

__all__ = ["choices", "command", "example", "has", "place_of", "takes", "wanted"]

NAME = "NAME"
"""Stands for the name of an agent, hub or the like, where the error does not tell which."""
_BEYOND = 1_000_000_000
"""A bound that is there so that numbers stay numbers; nobody needs to be told of it."""
_PLACE = re.compile(r"`\$([^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


def choices(kind: Any, parts: Sequence[str]) -> tuple[str, ...]:
    """The words that the field `parts` of the struct `kind` takes; empty where it takes others than a few."""
    kind = _field(kind, parts)
    return tuple(word for word in get_args(kind) if word) if get_origin(kind) is Literal else ()


def takes(kind: Any, parts: Sequence[str]) -> str:
    """What the field takes, as in "It takes ..."; empty where there is no such field."""
    field = _field(kind, parts)
    if _is_section(field):
        return f"no value itself: its settings are {', '.join(_below(field, parts))}"
    return _words(field) if field is not None else ""


def has(kind: Any, parts: Sequence[str]) -> list[str]:
    """The keys beside the one at `parts`, which is none: those of the longest part that is there."""
    for end in range(len(parts) - 1, -1, -1):
        found = _field(kind, parts[:end])
        if _is_section(found):
            return _below(found, parts[:end])
    return []


def example(kind: Any, parts: Sequence[str]) -> str:
    """A value that the field takes, as one types it: its default where that says something."""
    field = _field(kind, parts)
    owner = _field(kind, parts[:-1])
    default = None
    if _is_section(owner):
        default = next((f.default for f in msgspec.structs.fields(owner) if f.encode_name == parts[-1]), None)
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, str | int | float) and default != "":
        return f"{default:g}" if isinstance(default, float) else str(default)
    return _sample(field)


def command(kind: Any, parts: Sequence[str]) -> str:
    """A command that sets the field, or one below it, to what it takes."""
    field = _field(kind, parts)
    if _is_section(field):
        parts = [*parts, msgspec.structs.fields(field)[0].encode_name]
    elif get_origin(field) is dict:
        parts = [*parts, NAME]
    below = _field(kind, parts)
    if field is not below and (_is_section(below) or get_origin(below) is dict):
        return command(kind, parts)
    return f"skillclaw config set {'.'.join(parts)} {example(kind, parts)}"


def place_of(error: str) -> list[str]:
    """The parts of the key that a validation error is about, `NAME` for a name that it does not tell."""
    found = _PLACE.search(error)
    parts = re.findall(r"\.([\w-]+)|(\[\.\.\.\])", found[1]) if found is not None else []
    unknown = _UNKNOWN.search(error)
    return [name or NAME for name, _ in parts] + ([unknown[1]] if unknown is not None else [])


def wanted(kind: Any, error: str) -> str:
    """A validation error in words: which setting, and what it takes."""
    parts = place_of(error)
    key = ".".join(parts)
    if _UNKNOWN.search(error):
        there = has(kind, parts)
        return f"There is no setting {key}." + (f" There are: {', '.join(there)}." if there else "")
    words = takes(kind, parts)
    while parts and not words:  # an item of a list, whose place is the list's
        parts = parts[:-1]
        words = takes(kind, parts)
    return f"{'.'.join(parts)} takes {words}." if parts and words else error


def _field(kind: Any, parts: Sequence[str]) -> Any:
    """The type of the field; None where there is no such field."""
    for part in parts:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif _is_section(kind):
            kind = next((f.type for f in msgspec.structs.fields(kind) if f.encode_name == part), None)
        else:
            return None
    return kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _below(section: Any, parts: Sequence[str]) -> list[str]:
    return [".".join([*parts, field.encode_name]) for field in msgspec.structs.fields(section)]


def _words(kind: Any) -> str:
    args = get_args(kind)
    origin = get_origin(kind)
    if origin is Annotated:
        return _annotated(args[0], [meta for meta in args[1:] if isinstance(meta, msgspec.Meta)])
    if origin is Literal:
        return f"one of: {', '.join(str(word) for word in args if word)}"
    if origin in (Union, UnionType):
        return " or ".join(_words(one).removeprefix("one of: ") for one in args if one is not NoneType)
    if origin is tuple:
        return f"""a list, such as '["one", "two"]', of which each is {_words(args[0])}"""
    if origin is dict:
        return "no value itself, but names with a value each"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(kind, "")


def _annotated(kind: Any, metas: Sequence[msgspec.Meta]) -> str:
    words = next((meta.description for meta in metas if meta.description), "") or _words(kind)
    bounds = [_bounds(meta) for meta in metas]
    return " ".join([words, *(one for one in bounds if one and kind in (int, float))])


def _bounds(meta: msgspec.Meta) -> str:
    most = meta.le if meta.le is not None and meta.le < _BEYOND else None
    if meta.ge is not None:
        return f"from {meta.ge:,} to {most:,}" if most is not None else f"({meta.ge:,} or more)"
    if meta.gt is not None:
        return f"(above {meta.gt:,}" + (f", {most:,} at most)" if most is not None else ")")
    return ""


def _sample(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        words = next((m.description for m in args[1:] if isinstance(m, msgspec.Meta) and m.description), "")
        named = re.search(r"such as (\S+?)(?:[,;]|$| or)", words)
        return named[1] if named else _sample(args[0])
    if origin is Literal:
        return next((str(word) for word in args if word), "''")
    if origin in (Union, UnionType):
        return _sample(next(one for one in args if one is not NoneType))
    if origin is tuple:
        return """'["one", "two"]'"""
    return {bool: "true", int: "1", float: "1.5"}.get(kind, NAME)
