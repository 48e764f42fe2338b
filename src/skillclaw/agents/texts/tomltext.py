"""TOML settings files (https://toml.io), edited with tomlkit, read with the standard library.

tomlkit is stricter than the TOML that some agents accept; a top-level key is then set in a line of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from skillclaw.agents.texts.errors import TextError

__all__ = ["append", "load", "remove", "set_value"]

_PLACE = re.compile(r"\((?:at (?:line \d+, column \d+|end of document))\)\Z")


def load(text: str) -> Any:
    """The table that the text holds."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextError(_where(str(error))) from None


def _where(told: str) -> str:
    """The reader's words without names out of the text, which may be secrets put in the wrong place."""
    what, place = re.split(r"['\"(]", told)[0].strip(), _PLACE.search(told)
    return f"{what or 'it cannot be read'}{f' {place[0]}' if place else ''}"


def set_value(text: str, keys: Sequence[str | int], value: Any) -> str:
    """Set a key; the tables on the way are made."""
    import tomlkit

    def edit(document: Any) -> None:
        for key in keys[:-1]:
            if isinstance(key, str) and key not in document:
                document[key] = tomlkit.table()
            document = document[key]
        document[keys[-1]] = value

    wanted = load(text)
    made = _edited(text, edit)
    if made is not None and (len(keys) > 1 or load(made) == wanted | {keys[0]: value}):
        return made
    if len(keys) > 1 or keys[0] in wanted:
        raise TextError("the file's layout does not allow it")
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{keys[0]} = {tomlkit.item(value).as_string()}{newline}{text}"


def append(text: str, keys: Sequence[str | int], value: Any) -> str:
    """Add an item at the end of a list that is there."""

    def edit(document: Any) -> None:
        for key in keys:
            document = document[key]
        document.append(value)

    return _or_refused(_edited(text, edit))


def remove(text: str, keys: Sequence[str | int]) -> str:
    """Remove a key or an item."""

    def edit(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return _or_refused(_edited(text, edit))


def _edited(text: str, edit: Any) -> str | None:
    """The text as edited by tomlkit, or None where it cannot."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        edit(document)
        made = tomlkit.dumps(document)
        load(made)
    except (TOMLKitError, TextError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
    return made


def _or_refused(made: str | None) -> str:
    if made is None:
        raise TextError("the file's layout does not allow it")
    return made
