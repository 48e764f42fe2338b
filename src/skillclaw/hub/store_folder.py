"""A hub on a local folder, or a mounted share: durability, rights, hard links, and reading that no member can
lead out of the folder or keep waiting.

Links in the folder are not followed: a member who may write below `inbox/` or `sessions/` could make one that
leads anywhere, and machines with more rights read, and delete, what they find there. (A member that swaps a
folder for a link between the look and the write is not stopped by this; the file system's rights have to.)
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from skillclaw.private import lasting_folder, sync_folder

__all__ = ["check_way", "delete", "has_links", "listed", "make_folder", "read", "write"]

_ALL_WRITE = ("inbox/", "sessions/")
_LAST = 253_370_764_800.0
"""The year 9999 begins."""
_UNFINISHED = re.compile(r"#[0-9]+$")
"""Ends the names of files that are written aside, by `write` or obstore."""


def make_folder(folder: Path) -> None:
    """A hub's folder: for its user alone; for the group, too, where the folder around it is one that a group
    shares (set-group-id and writable for it), since what is written in a hub gets the rights of its folder.
    """
    if folder.is_dir():
        return
    lasting_folder(folder)
    shared = stat.S_ISGID | stat.S_IWGRP
    if os.name != "nt" and folder.parent.stat().st_mode & shared == shared:
        folder.chmod(0o2770)


def check_way(folder: Path, key: str) -> None:
    """Raise OSError where one of the folders on the way to `key` is a link."""
    place = folder
    for part in key.split("/")[:-1]:
        place /= part
        if place.is_symlink():
            raise OSError(errno.ELOOP, "Links in a hub's folder are not followed; this is one", str(place))


def read(folder: Path, key: str, limit: int) -> tuple[bytes, datetime] | None:
    """The file's first `limit` + 1 bytes and when they were put there, None where nothing is.

    That is the time of the file's last change as the system keeps it: its owner can set the time of its
    last writing to any other. A copy, new rights or another name are changes, too.

    What is no regular file (a link, a pipe, a folder) raises OSError; where every member may write, it counts
    as an object without bytes instead, so that it is set aside like any other that does not hold.
    """
    check_way(folder, key)
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    path = folder / key
    try:
        handle = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if not path.is_symlink() and path.is_file():
            raise
        return _strange(key, path, error)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return _strange(key, path, None)
    with os.fdopen(handle, "rb") as file:
        data = file.read(limit + 1)
        told = os.fstat(handle)  # after the reading: what was changed meanwhile is not older than that
    return data, _moment(max(told.st_mtime, told.st_ctime))


def _strange(key: str, path: Path, error: OSError | None) -> tuple[bytes, datetime]:
    if key.startswith(_ALL_WRITE):
        return b"", datetime.now(UTC)
    raise OSError(errno.EINVAL, "It is no regular file", str(path)) from error


def listed(folder: Path, prefix: str, longest: int) -> Iterator[tuple[str, datetime]]:
    """Every file below the folder `prefix`, by its key, and when it was written (UTC).

    Links are named and not followed. Left out are folders that may not be read, keys of more than `longest`
    characters or that cannot be shown, and what is being written still.
    """
    prefix = prefix.strip("/")
    check_way(folder, f"{prefix}/" if prefix else "")
    todo = [prefix]
    while todo:
        place = todo.pop()
        try:
            entries = os.scandir(folder / place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            if place == prefix:
                raise
            continue  # a member locked others out of a folder of its own
        with entries:
            for entry in entries:
                key = f"{place}/{entry.name}" if place else entry.name
                if len(key) > longest or not key.isprintable() or _UNFINISHED.search(key):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    todo.append(key)
                    continue
                with suppress(FileNotFoundError):  # deleted meanwhile
                    yield key, _moment(entry.stat(follow_symlinks=False).st_mtime)


def _moment(seconds: float) -> datetime:
    """A file's time. Whoever owns the file may have set it to one that no calendar has (btrfs, ZFS and tmpfs
    keep such), which must not keep the files beside it from being listed."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LAST), UTC)


def write(folder: Path, key: str, data: bytes, *, new: bool) -> bool:
    """Write the object, whole or not at all, for all who may read `folder`; False where one is already and it
    is to be `new`. What was written survives a loss of power. Raises OSError.

    obstore's own writing puts the name in place first and flushes nothing: after a power cut an entry of the
    log could be there without its bytes, for good.
    """
    path = folder / key
    lasting_folder(path.parent)
    aside = path.with_name(f"{path.name}#{secrets.randbelow(10**12)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(aside, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _open_as(folder, aside)
        if not new:
            aside.replace(path)
        else:
            try:
                os.link(aside, path)
            except FileExistsError:
                return False
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def delete(folder: Path, key: str) -> None:
    """Take the file away; nothing happens where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        (folder / key).unlink()


def has_links(folder: Path) -> bool:
    """Whether the file system of `folder` has hard links: an object is created by linking it into place, so
    that it is there whole or not at all, and of two writers one wins. Raises OSError where nothing can be
    written at all.
    """
    one = folder / f".skillclaw-{secrets.token_hex(8)}"
    two = one.with_suffix(".link")
    one.write_bytes(b"")
    try:
        os.link(one, two)
    except OSError:
        return False
    finally:
        for path in (one, two):
            path.unlink(missing_ok=True)
    return True


def _open_as(folder: Path, path: Path) -> None:
    """Let those read what was written, and the folders made for it, who may read the hub's folder."""
    if os.name == "nt":
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    made = [parent for parent in path.parents if parent.is_relative_to(folder)]
    for place, wanted in [(path, mode & 0o666), *((parent, mode) for parent in made)]:
        if stat.S_IMODE(place.stat().st_mode) != wanted:
            with suppress(PermissionError):  # another member made the folder
                place.chmod(wanted)
