"""Edits of users' settings files: shown as a diff, applied all or none; `undo` takes them back.

A settings file belongs to the user. It is replaced atomically, keeps its mode, owner and symbolic link, and
is refused when it changed since the edit was planned.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents import texts
from skillclaw.agents.masking import credentials, unified
from skillclaw.agents.records import FileEdit, KeyChange
from skillclaw.agents.texts import Format, Key, TextError
from skillclaw.agents.urls import is_local
from skillclaw.errors import BadInputError, StorageError
from skillclaw.private import lasting_folder, sync_folder

__all__ = [
    "apply",
    "decoded",
    "diff",
    "get_key",
    "parse_error",
    "refused",
    "set_keys",
    "without_key",
    "write_atomic",
]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NAMES = {
    "json": "JSON",
    "json5": "JSON5",
    "toml": "TOML",
    "yaml": "YAML",
    "env": "a .env file",
    "text": "text",
}


def set_keys(
    path: Path,
    data: bytes | None,
    format: Format,
    changes: Mapping[tuple[Key, ...], Any],
    items: Mapping[tuple[Key, ...], Any] | None = None,
) -> FileEdit:
    """The edit that sets the keys in a file that now holds `data`, and adds `items` to the lists at theirs.

    Raises BadInputError when the file does not parse, or its layout does not allow it.
    """
    text = decoded(path, data)
    done: list[KeyChange] = []
    wanted = [(keys, value, False) for keys, value in changes.items()]
    wanted += [(keys, value, True) for keys, value in (items or {}).items()]
    now = text.encode("utf-8")
    for keys, value, item in wanted:
        had, old = get_key(path, now, format, keys)
        if item and isinstance(old, list):
            if value not in old:
                done.append(KeyChange(keys=list(keys), new=value, had=True, item=True))
                with refused(path, keys, value):
                    text = texts.append(text, format, keys, value)
                    now = text.encode("utf-8")
            continue
        if item and old is not None:
            shown = ".".join(map(str, keys))
            raise BadInputError(
                f"{shown} in {path} is no list, so nothing can be added to it.",
                "The file was left as it is.",
                f"Make {shown} a list and try again.",
            )
        made = sum(not get_key(path, now, format, keys[:depth])[0] for depth in range(1, len(keys)))
        new = [value] if item else value
        done.append(KeyChange(keys=list(keys), new=new, had=had, old=old, made=made))
        with refused(path, keys, new):
            text = texts.set_value(text, format, keys, new)
            now = text.encode("utf-8")
    return FileEdit(path=path, before=data, after=now, format=format, changes=done)


def get_key(path: Path, data: bytes | None, format: Format, keys: Sequence[Key]) -> tuple[bool, Any]:
    """(True, value) of a key in a file that holds `data`, or (False, None)."""
    try:
        return texts.get(decoded(path, data), format, keys)
    except TextError as error:
        raise parse_error(path, format, error) from error


def without_key(path: Path, data: bytes, format: Format, keys: Sequence[Key]) -> bytes:
    """The file's content without one key; BadInputError when it does not parse."""
    text = decoded(path, data)
    if not get_key(path, data, format, keys)[0]:
        return data
    with refused(path, keys):
        return texts.remove(text, format, keys).encode("utf-8")


def apply(edits: Sequence[FileEdit], *, back: bool = False) -> None:
    """Make the edits. If one fails, those before it are undone. `back`: they take something back themselves
    (`write_atomic`).

    Raises BadInputError when a file is not as it was when the edit was planned, StorageError when it
    cannot be written.
    """
    for edit in edits:
        _check(edit)
    done: list[FileEdit] = []
    try:
        for edit in edits:
            if edit.before != edit.after:
                _write(edit, back=back)
                done.append(edit)
    except Exception:
        for edit in reversed(done):
            with contextlib.suppress(StorageError, BadInputError):  # changed since: what is new there stays
                _write(FileEdit(path=edit.path, before=edit.after, after=edit.before), back=True)
        raise


def diff(edits: Sequence[FileEdit]) -> str:
    """The edits as a unified diff; what looks like a credential is not shown."""
    out: list[str] = []
    for edit in edits:
        out += unified(
            (edit.before or b"").decode("utf-8", "replace"),
            (edit.after or b"").decode("utf-8", "replace"),
            str(edit.path) if edit.before is not None else os.devnull,
            str(edit.path) if edit.after is not None else os.devnull,
            [*_credentials(edit.before, edit.format), *_credentials(edit.after, edit.format)],
        )
    return "\n".join(out)


def _credentials(data: bytes | None, format: Format) -> list[str]:
    """The credentials in a settings file, told by their keys."""
    if format == "text":
        return []
    try:
        return list(credentials(texts.load((data or b"").decode("utf-8", "replace"), format)))
    except TextError:
        return []


def parse_error(path: Path, format: Format, error: Exception) -> BadInputError:
    """The error for a settings file that does not parse."""
    return BadInputError(
        f"{path} is not valid {_NAMES[format]}, so it was left as it is.",
        str(error),
        "Mend the file and try again.",
    )


def write_atomic(
    path: Path,
    data: bytes,
    mode: int = 0o600,
    *,
    back: bool = False,
    look: Callable[[], None] = lambda: None,
) -> None:
    """Write beside and rename, so that nobody ever reads half of it; raises StorageError. `look` is the last
    to be asked whether it may be: what it raises leaves all as it was.

    `back`: something is taken back, which must be possible on a disk without any room: then the file is
    written over, where it has room enough itself.
    """
    try:
        lasting_folder(path.parent)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name[:40]}.{os.getpid()}-", suffix=".new", dir=path.parent
        )
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            look()
            temporary.replace(path)
            sync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        if back and error.errno in FULL and _overwritten(path, data):
            return
        raise StorageError(
            f"Cannot write {path}.", str(error), "Free space, mend permissions, or close what has it open."
        ) from error


def _overwritten(path: Path, data: bytes) -> bool:
    """Write over a file within the blocks that it has; whether that was possible.

    One call writes all, with line ends up to the old end: a program that reads just then, or a kill before
    the file is cut to its length, meets settings that say the same. A loss of power may tear what is longer
    than a block of the disk; `backups/` has the original.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            facts = os.fstat(file.fileno())
            if len(data) > max(facts.st_size, 512 * getattr(facts, "st_blocks", 0)):
                return False
            before = file.read()
            whole = data.ljust(len(before), b"\n")
            file.seek(0)
            if file.write(whole) != len(whole):  # a disk that gives what is written over a new place
                file.seek(0)
                file.write(before)
                file.truncate(len(before))
                return False
            file.truncate(len(data))
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def decoded(path: Path, data: bytes | None) -> str:
    """A settings file as text; BadInputError when it is none."""
    try:
        return (data or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{path} is not UTF-8 text, so it was left as it is.", str(error), "Mend the file and try again."
        ) from error


@contextlib.contextmanager
def refused(path: Path, keys: Sequence[Key], value: Any = None) -> Iterator[None]:
    """Say of an edit that the file does not allow what the user can do."""
    try:
        yield
    except (TextError, UnicodeEncodeError) as error:  # half of a character, written as an escape
        shown = ".".join(map(str, keys))
        # What stood there may be somebody's key.
        told = f" = {value}" if isinstance(value, str) and is_local(value) else ""
        todo = f"Set it by hand: {shown}{told}" if value is not None else "Take it out by hand."
        raise BadInputError(
            f"{shown} cannot be set in {path}, so it was left as it is.", f"{str(error).capitalize()}.", todo
        ) from error


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


OWN_FOLDER = "skillclaw"
"""The name of a folder inside an agent's own that holds nothing but what SkillClaw put there."""


def _tidy(folder: Path) -> None:
    """Take an own folder away with its last file, and what Python compiled of it."""
    if folder.name != OWN_FOLDER:
        return
    with contextlib.suppress(OSError):
        rest = list(folder.iterdir())
        if all(path.name == "__pycache__" for path in rest):
            for path in rest:
                for compiled in path.glob("*.pyc"):
                    compiled.unlink()
                path.rmdir()
            folder.rmdir()
            folder.parent.rmdir()  # only where it is empty now


def _sweep(path: Path) -> None:
    """Take away what processes that were killed as they wrote `path` left beside it."""
    import psutil

    named = re.compile(rf"\.{re.escape(path.name[:40])}\.(\d+)-\w+\.new")
    with contextlib.suppress(OSError):
        for beside in path.parent.iterdir():
            found = named.fullmatch(beside.name)
            if found and not psutil.pid_exists(int(found[1])):
                beside.unlink()


def _write(edit: FileEdit, *, back: bool) -> None:
    """Through a symbolic link, not over it: many people keep their settings in a dotfiles repository."""
    try:
        target = edit.path.resolve()
        _sweep(target)
        if edit.after is None:
            target.unlink(missing_ok=True)
            if target.parent.exists():
                sync_folder(target.parent)
            _tidy(target.parent)
            with contextlib.suppress(OSError):  # only where they are empty now
                for folder in list(target.parents)[: edit.folders]:
                    folder.rmdir()
            return
        old = target.stat() if target.exists() else None
    except (OSError, RuntimeError) as error:
        raise StorageError(f"Cannot write {edit.path}.", str(error), "Mend permissions.") from error
    # Writing took its time: the agent may have saved its settings meanwhile.
    mode = stat.S_IMODE(old.st_mode) if old else 0o600
    write_atomic(target, edit.after, mode, back=back, look=lambda: _check(edit))
    if old is not None and hasattr(os, "chown") and os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.chown(target, old.st_uid, old.st_gid)
