"""What a hub on a local folder, or a mounted share, needs besides obstore: durability, rights, hard links."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["has_links", "settle"]


def settle(folder: Path, key: str) -> None:
    """See that what was written at `key` survives a loss of power, and that who reads `folder` reads it."""
    path = folder / key
    _open_as(folder, path)
    for place in (path, path.parent):
        if place.is_dir() and os.name == "nt":
            continue  # Windows does not open folders; NTFS journals names by itself
        handle = os.open(place, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
