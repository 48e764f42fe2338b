"""One setting is set: what was typed becomes a value that fits; all else in the file stays as it is."""

from __future__ import annotations

import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.errors import UNREADABLE, BadInputError, SkillClawError, StorageError, UsageError
from skillclaw.logins import refuse_shown
from skillclaw.private import private_folder, whole_file
from skillclaw.settings_choices import choices, command, has, takes
from skillclaw.settings_keys import get_value, parts_of
from skillclaw.settings_layers import put, read_file, scalar
from skillclaw.settings_rules import checked, is_key_place, no_key
from skillclaw.settings_serve import TOKEN_PLACE, no_token
from skillclaw.settings_tree import Settings
from skillclaw.settings_unknown import known_part
from skillclaw.settings_upstreams import UpstreamSettings

__all__ = ["set_value"]

_KEY_SETTING = re.compile(r"upstreams\.[^.]+\.key|evolve\.model\.key")


def set_value(home: Path, key: str, value: str) -> Any:
    """Write one setting into `config.toml`, keeping comments and order; returns the value as stored."""
    import tomlkit  # only `config set` writes; 15 ms that other commands need not pay
    from tomlkit.exceptions import TOMLKitError

    path = home / "config.toml"
    parts = parts_of(key)
    if _KEY_SETTING.fullmatch(key) and not is_key_place(value):
        raise no_key(key, UsageError)
    if key == "serve.token" and not TOKEN_PLACE.fullmatch(value):
        raise no_token(UsageError)
    if parts[-1] in ("url", "upstream") or key == "evolve.embeddings":
        refuse_shown(value)
    if not _is_text(key + value):
        raise UsageError(f"{key!a} cannot be set to that.", "It holds bytes that are no UTF-8 text.")
    there = read_file(path)
    old, _ = known_part(Settings, there)
    last: BadInputError | None = None
    for candidate in _candidates(value):
        tree = deepcopy(old)
        put(tree, parts, candidate, key)
        try:
            settings = checked(tree, lambda *parts: f"setting {key}")
        except BadInputError as error:
            last = last or error
            continue
        stored = get_value(settings, key)
        try:
            wanted = deepcopy(there)  # with what this version does not know
            put(wanted, parts, _as_read(stored), key)
            document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
            put(document, parts, stored, key, tomlkit.table)
            text = tomlkit.dumps(document)
            fits = tomllib.loads(text) == wanted
        except (*UNREADABLE, TOMLKitError, KeyError, TypeError, AttributeError) as error:
            raise _cannot_edit(path, key, str(error)) from error
        if not fits:
            raise _cannot_edit(path, key, "What else stands there would not stay as it is.")
        _write_private(path, text)
        return stored
    assert last is not None
    raise _refused(path, old, parts, key, value, last)


def _refused(
    path: Path, old: dict[str, Any], parts: list[str], key: str, value: str, error: BadInputError
) -> SkillClawError:
    """Why nothing that `value` may stand for can be `key`: what was given, what it takes, an example."""
    try:
        checked(old, lambda *parts: str(path))
    except BadInputError as before:
        if before.why == error.why:
            return before  # the file was wrong before
    words = choices(Settings, parts)
    said = f"one of: {', '.join(words)}" if words else takes(Settings, parts)
    if not said:
        there = has(Settings, parts)
        todo = f"There are: {', '.join(there)}." if there else "See them all: skillclaw config show"
        return UsageError(f"There is no setting {key!r}.", "", todo)
    # What somebody tries to put beside an upstream's URL may be its key, which no terminal should repeat.
    shown = parts[0] != "upstreams" or parts[-1] in {*UpstreamSettings.__struct_fields__} - {"url"}
    hidden = ("redact.allow", "evolve.cli.upstream")
    shown = shown and key not in hidden and not key.startswith("evolve.model.key")
    given = repr(value) if shown else "what was given"
    what = f"{key} cannot be {given}."
    if not isinstance(error.__cause__, msgspec.ValidationError):
        return UsageError(what, error.why, error.todo)  # it says in words what does not fit together
    why = f"It is {said}." if words else f"It takes {said}."
    return UsageError(what, why, f"For example: {command(Settings, parts)}")


def _cannot_edit(path: Path, key: str, why: str) -> BadInputError:
    return BadInputError(f"{key} cannot be set in {path}, so it was left as it is.", why, "Set it by hand.")


def _as_read(value: Any) -> Any:
    """A value as it comes back from the file: lists in the place of tuples."""
    if isinstance(value, dict):
        return {name: _as_read(below) for name, below in value.items()}
    return [_as_read(one) for one in value] if isinstance(value, list | tuple) else value


def _is_text(given: str) -> bool:
    try:
        given.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _candidates(value: str) -> list[Any]:
    given = scalar(value)
    return [given, value] if given != value else [value]


def _write_private(path: Path, text: str) -> None:
    try:
        private_folder(path.parent)
        with whole_file(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error
