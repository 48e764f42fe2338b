"""What keeps SkillClaw's files and memory from the other users of a machine. Nothing here is specific to one
room: modes of folders and files, files replaced as a whole, no dump of a process that saw credentials.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from skillclaw.errors import StorageError

__all__ = [
    "append_file",
    "as_the_user_made",
    "close_files",
    "lasting_folder",
    "made_file",
    "no_dumps",
    "private_folder",
    "sync_folder",
    "whole_file",
]

_POSIX = os.name == "posix"
_NOT_DUMPABLE = (4, 0, 0, 0, 0)
"""PR_SET_DUMPABLE with 0, prctl(2): no core dump, not even to a handler, and no ptrace by the same user."""
_NO_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF})
"""What file systems say that do not flush folders."""
_found_umask: int | None = None


def close_files() -> None:
    """Have every file that this process makes be its user's alone, unless a mode is set on purpose."""
    global _found_umask
    if _POSIX and _found_umask is None:
        _found_umask = os.umask(0o077)


def as_the_user_made() -> None:
    """Put the umask back that the user had; for programs of others that take this process's place."""
    global _found_umask
    if _found_umask is not None:
        os.umask(_found_umask)
        _found_umask = None


def no_dumps() -> None:
    """See that no crash writes this process's memory to a disk, as far as the system allows it."""
    if not _POSIX:
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform.startswith("linux"):
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(*_NOT_DUMPABLE)


def private_folder(path: Path) -> None:
    """Make `path`, or find it, as a folder of this user that others cannot enter (0700).

    One of another user is refused (StorageError), since its owner could change what is kept in it; so is
    one that everybody shares (`/tmp`). Root may work in anybody's. Raises OSError where it cannot be made.
    """
    lasting_folder(path)
    if not _POSIX:
        return
    facts = path.stat()
    me = os.geteuid()
    if facts.st_mode & stat.S_ISVTX or (facts.st_uid != me and me != 0):
        raise StorageError(
            f"{path} is not a folder of yours alone.",
            f"It belongs to user number {facts.st_uid}"
            + (" and is shared by everybody." if facts.st_mode & stat.S_ISVTX else "."),
            "Choose another folder with --home.",
        )
    if facts.st_mode & 0o077 and facts.st_uid == me and not _is_home(path):
        # a disk that cannot be written or knows no modes is none that others could write to through this
        with contextlib.suppress(OSError):
            path.chmod(0o700)


def _is_home(path: Path) -> bool:
    try:
        return path.samefile(Path.home())
    except (OSError, RuntimeError):  # HOME names a folder that is not there, as for a user of a service
        return False


def lasting_folder(path: Path) -> None:
    """Make the folder `path`, and those above it, where they are not there (0700), so that they are there
    after a loss of power, too. Raises OSError."""
    new = [place for place in (path, *path.parents) if not place.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in reversed(new):
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """See that the names in `folder` survive a loss of power: flushing a file says nothing of its name.

    Windows does so by itself; where a file system flushes no folders, or this one may not be read, there is
    nothing to be done. Raises OSError.
    """
    if not _POSIX:
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)


def append_file(path: Path) -> BinaryIO:
    """`path` opened to write at its end, made where it is not there, readable by its owner alone. A link in
    its place is not followed. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o600)
    if _POSIX:
        os.fchmod(handle, 0o600)
    return os.fdopen(handle, "ab")


def made_file(path: Path) -> None:
    """See that there is a file at `path`; a new one is empty and readable by its owner alone. OSError.

    One that is there is not even opened: closing any handle of a file lets go of all locks that this process
    has on it (POSIX), and so SQLite's, whose write-ahead log another process would then take away.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes `path`'s place when the block ends well, and leaves nothing when it does not.

    Once the block has ended it survives a loss of power; amid it, `path` is as before or as after, whole.

    It is written beside `path`, under a name that nobody can guess and where nothing is: in a folder that
    others share, a link planted there leads nowhere. Readable by its owner alone. Raises OSError.
    """
    beside = path.with_name(f".{path.name[:200]}.{os.urandom(6).hex()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)
