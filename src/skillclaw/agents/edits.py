"""Edits of users' settings files: shown as a diff, applied all or none, put back byte for byte.

A settings file belongs to the user. It is replaced atomically, keeps its mode, owner and symbolic link, is
refused when it changed since the edit was planned, and is restored from the original bytes when nobody else
touched it; else only our own keys go back.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from skillclaw.agents import jsontext
from skillclaw.agents.records import Connection, Env, FileEdit, KeyChange
from skillclaw.agents.urls import is_own
from skillclaw.errors import BadInputError, StorageError

__all__ = ["apply", "diff", "get_key", "parse_error", "restore", "set_keys", "without_key", "write_atomic"]

Format = Literal["json", "toml"]
_SECRET = re.compile(
    r"""(?i)((?:key|token|secret|password|passwd|authorization|credential|cookie)[\w-]*["']?\s*[:=]\s*)(["'])(?:\\.|(?!\2).)+\2"""
)


def set_keys(path: Path, data: bytes | None, format: Format, changes: dict[tuple[str, ...], str]) -> FileEdit:
    """The edit that sets the keys in a file that now holds `data`; BadInputError when it does not parse."""
    text = _text(path, data)
    done: list[KeyChange] = []
    for keys, value in changes.items():
        had, old = get_key(path, data, format, list(keys))
        made = sum(not get_key(path, data, format, list(keys[:depth]))[0] for depth in range(1, len(keys)))
        done.append(KeyChange(keys=list(keys), new=value, had=had, old=old, made=made))
        text = _set(path, text, format, list(keys), value)
    after = text.encode("utf-8")
    return FileEdit(path=path, before=data, after=after, format=format, changes=done)


def get_key(path: Path, data: bytes | None, format: Format, keys: list[str]) -> tuple[bool, Any]:
    """(True, value) of a key in a file that holds `data`, or (False, None)."""
    text = _text(path, data)
    if format == "json":
        try:
            return jsontext.get(text, keys)
        except jsontext.JsonTextError as error:
            raise parse_error(path, format, error) from error
    node: Any = _toml(path, text)
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            return False, None
        node = node[key]
    return True, node


def without_key(path: Path, data: bytes, format: Format, keys: list[str]) -> bytes:
    """The file's content without one key; BadInputError when it does not parse."""
    text = _text(path, data)
    if not get_key(path, data, format, keys)[0]:
        return data
    if format == "json":
        return jsontext.remove(text, keys).encode("utf-8")
    return _set_toml(path, text, keys, None).encode("utf-8")


def restore(env: Env, record: Connection) -> list[FileEdit]:
    """The edits that undo a connection.

    A file that still is byte for byte what was written gets its original bytes (or goes, if there was none).
    In a file that was changed since, each key that still has our value gets its old one.
    """
    edits = []
    for file in record.files:
        path = Path(file.path)
        now = env.read_bytes(path)
        if now is None:
            continue
        if hashlib.sha256(now).hexdigest() == file.written:
            after = file.original
        else:
            after = _put_back(path, now, file.format, file.changes, record.agent)
        if after != now:
            edits.append(FileEdit(path=path, before=now, after=after, format=file.format))
    return edits


def apply(edits: Sequence[FileEdit]) -> None:
    """Make the edits. If one fails, those before it are undone.

    Raises BadInputError when a file is not as it was when the edit was planned, StorageError when it
    cannot be written.
    """
    for edit in edits:
        _check(edit)
    done: list[FileEdit] = []
    try:
        for edit in edits:
            if edit.before != edit.after:
                _write(edit)
                done.append(edit)
    except Exception:
        for edit in reversed(done):
            with contextlib.suppress(StorageError):
                _write(FileEdit(path=edit.path, before=edit.after, after=edit.before))
        raise


def diff(edits: Sequence[FileEdit]) -> str:
    """The edits as a unified diff; values of keys that look like credentials are not shown."""
    out: list[str] = []
    for edit in edits:
        before = (edit.before or b"").decode("utf-8", "replace").splitlines()
        after = (edit.after or b"").decode("utf-8", "replace").splitlines()
        lines = difflib.unified_diff(
            before,
            after,
            str(edit.path) if edit.before is not None else os.devnull,
            str(edit.path) if edit.after is not None else os.devnull,
            lineterm="",
        )
        out += [_SECRET.sub(r"\1\2***\2", line) for line in lines]
    return "\n".join(out)


def parse_error(path: Path, format: Format, error: Exception) -> BadInputError:
    """The error for a settings file that does not parse."""
    return BadInputError(
        f"{path} is not valid {format.upper()}, so it was left as it is.",
        str(error),
        "Mend the file and try again.",
    )


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write beside and rename, so that nobody ever reads half of it; raises StorageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".new", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(
            f"Cannot write {path}.", str(error), "Free space, mend permissions, or close what has it open."
        ) from error


def _text(path: Path, data: bytes | None) -> str:
    try:
        return (data or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{path} is not UTF-8 text, so it was left as it is.", str(error), "Mend the file and try again."
        ) from error


def _toml(path: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise parse_error(path, "toml", error) from error


def _set(path: Path, text: str, format: Format, keys: list[str], value: Any) -> str:
    try:
        if format == "json":
            return jsontext.set_value(text, keys, value)
        return _set_toml(path, text, keys, value)
    except jsontext.JsonTextError as error:
        raise parse_error(path, format, error) from error


def _set_toml(path: Path, text: str, keys: list[str], value: Any) -> str:
    """Set or (value None) remove a key with tomlkit; the result is checked with tomllib before it counts."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    wanted = _toml(path, text)
    node: Any = wanted
    for key in keys[:-1]:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise BadInputError(
                f"{'.'.join(keys)} cannot be set in {path}.", f"{key} is not a table.", "Mend the file."
            )
    if value is None:
        node.pop(keys[-1], None)
    else:
        node[keys[-1]] = value
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix("\ufeff")
    newline = "\r\n" if "\r\n" in body else "\n"
    candidates = []
    try:
        document: Any = tomlkit.parse(body)
        place = document
        for key in keys[:-1]:
            if key not in place:
                place[key] = tomlkit.table()
            place = place[key]
        if value is not None:
            place[keys[-1]] = value
        elif keys[-1] in place:
            del place[keys[-1]]
        candidates.append(tomlkit.dumps(document))
    except (TOMLKitError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        pass  # tomlkit is stricter than the TOML that agents accept; the plain way follows
    if value is not None and len(keys) == 1 and keys[0] not in _toml(path, body):
        candidates.append(f"{keys[0]} = {tomlkit.string(value).as_string()}{newline}{body}")
    # With its last key a table may go that was written as a part of that key's name only.
    right = [wanted, _pruned(wanted, keys[:-1])] if value is None else [wanted]
    for candidate in candidates:
        try:
            if _toml(path, candidate) in right:
                return bom + candidate
        except BadInputError:
            continue
    raise BadInputError(
        f"{'.'.join(keys)} cannot be set in {path}.",
        "The file's layout does not allow it.",
        f"Set it by hand: {'.'.join(keys)} = {value!r}",
    )


def _pruned(tree: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """The tree without the empty tables at the end of a path."""
    if not keys or not isinstance(tree.get(keys[0]), dict):
        return tree
    below = _pruned(tree[keys[0]], keys[1:])
    rest = {name: value for name, value in tree.items() if name != keys[0]}
    return {**rest, keys[0]: below} if below else rest


def _put_back(path: Path, data: bytes, format: Format, changes: list[KeyChange], agent: str) -> bytes:
    text = _text(path, data)
    for change in reversed(changes):
        had, now = get_key(path, text.encode("utf-8"), format, change.keys)
        # Any URL of ours counts, also that of another port: a crash may have left the one before.
        if not had or not isinstance(now, str) or not (now == change.new or is_own(now, agent)):
            continue
        if change.had:
            text = _set(path, text, format, change.keys, change.old)
        elif format == "json":
            text = jsontext.remove(text, change.keys)
            for depth in range(len(change.keys) - 1, len(change.keys) - 1 - change.made, -1):
                if jsontext.get(text, change.keys[:depth]) == (True, {}):
                    text = jsontext.remove(text, change.keys[:depth])
        else:
            text = _set_toml(path, text, change.keys, None)
            for depth in range(len(change.keys) - 1, len(change.keys) - 1 - change.made, -1):
                if get_key(path, text.encode("utf-8"), format, change.keys[:depth]) == (True, {}):
                    text = _set_toml(path, text, change.keys[:depth], None)
    return text.encode("utf-8")


def _check(edit: FileEdit) -> None:
    try:
        now = edit.path.read_bytes()
    except FileNotFoundError:
        now = None
    except OSError as error:
        raise StorageError(f"Cannot read {edit.path}.", str(error), "Check who owns the file.") from error
    if now != edit.before:
        raise BadInputError(
            f"{edit.path} was changed just now by another program.", "Nothing was written.", "Try again."
        )


def _write(edit: FileEdit) -> None:
    """Through a symbolic link, not over it: many people keep their settings in a dotfiles repository."""
    try:
        target = edit.path.resolve()
        if edit.after is None:
            target.unlink(missing_ok=True)
            return
        old = target.stat() if target.exists() else None
    except (OSError, RuntimeError) as error:
        raise StorageError(f"Cannot write {edit.path}.", str(error), "Mend permissions.") from error
    write_atomic(target, edit.after, stat.S_IMODE(old.st_mode) if old else 0o600)
    if old is not None and hasattr(os, "chown") and os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.chown(target, old.st_uid, old.st_gid)
