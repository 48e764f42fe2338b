"""Putting a whole new folder where an old one is, so that at any moment one of the two is there.

Linux and macOS exchange two names at one stroke (renameat2(2) with RENAME_EXCHANGE, renamex_np(2) with
RENAME_SWAP). Elsewhere the old one is renamed, then the new one: between the two the old one is beside,
whole.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

from skillclaw.private import sync_folder

__all__ = ["put_in_place", "sync_tree"]

_AT_FDCWD = -100
_EXCHANGE = 2


def put_in_place(new: Path, home: Path, aside: Path | None) -> None:
    """Make the folder `new` be `home`. What is there goes to `aside`, on the same disk; None: nothing is, or
    an empty folder. Raises OSError, with `home` as it was.
    """
    if aside is None:
        if os.name == "nt" and home.exists():
            home.rmdir()
        new.rename(home)
    else:
        # under its last name before the exchange: what lies there from then on is the old one, and stays
        new.rename(aside)
        try:
            if not _exchanged(aside, home):
                _one_after_the_other(aside, home)
        except OSError:
            aside.rename(new)
            raise
    with suppress(OSError):  # it is in place already
        sync_folder(home.parent)


def _one_after_the_other(aside: Path, home: Path) -> None:
    between = aside.with_name(f"{aside.name}.new")
    aside.rename(between)
    try:
        home.rename(aside)
        try:
            between.rename(home)
        except OSError:
            aside.rename(home)
            raise
    except OSError:
        between.rename(aside)
        raise


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two changed places; False where the system cannot do it. OSError where it refuses."""
    if sys.platform == "win32":
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform.startswith("linux"):
            done = libc.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _EXCHANGE)
        elif sys.platform == "darwin":
            done = libc.renamex_np(first, second, _EXCHANGE)
        else:
            return False
    except AttributeError:
        return False
    if done == 0:
        return True
    import errno

    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
        return False  # this kernel, or this file system
    raise OSError(number, os.strerror(number), str(other))


def sync_tree(folder: Path) -> None:
    """Have the disk hold the folder's names; its files were flushed when they were written."""
    for at, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(at))
