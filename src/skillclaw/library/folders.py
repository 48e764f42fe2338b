"""Bundles as folders: written, read and compared. Nothing here follows a symbolic link."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from skillclaw.errors import BadInputError
from skillclaw.library.records import FileMark
from skillclaw.private import sync_folder
from skillclaw.skills.bundle import MAX_BYTES, MAX_FILES, check_files
from skillclaw.skills.records import Bundle, File

__all__ = [
    "LITTER",
    "exists",
    "from_folder",
    "is_litter",
    "marks",
    "remove_tree",
    "scan",
    "to_folder",
    "without_litter",
]

LITTER = frozenset([".DS_Store", "Thumbs.db", "desktop.ini", "__pycache__"])
"""What systems and interpreters leave in a folder by themselves is no edit and no part of a skill."""

# Windows has no executable bit; there the released one is taken as given
_MODES = os.name == "posix"


def exists(path: Path) -> bool:
    """True where anything is at `path`, a broken link too. Raises OSError where that cannot be told."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_litter(path: str) -> bool:
    """Whether a file of that path in a bundle is litter, or lies in a folder that is."""
    return not LITTER.isdisjoint(path.split("/"))


def without_litter(bundle: Bundle) -> Bundle:
    """What of `bundle` comes into a folder. A bundle of a hub may hold litter, and its version counts it."""
    return Bundle(name=bundle.name, files=[file for file in bundle.files if not is_litter(file.path)])


def marks(bundle: Bundle) -> dict[str, FileMark]:
    """What `scan` finds where `to_folder` wrote `bundle`."""
    return {
        file.path: FileMark(
            sha256=hashlib.sha256(file.data).hexdigest(), executable=_MODES and file.executable
        )
        for file in without_litter(bundle).files
    }


def scan(folder: Path) -> dict[str, FileMark] | None:
    """Every file below `folder` with its hash; None where `folder` is no folder of its own (absent, a link,
    a file). Raises OSError where something in it cannot be read.
    """
    if not exists(folder) or not stat.S_ISDIR(folder.lstat().st_mode):
        return None
    found: dict[str, FileMark] = {}
    for path, name in _walk(folder, ""):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[name] = FileMark(sha256=digest, executable=_MODES and bool(mode & 0o100))
        else:
            found[name] = FileMark(sha256="link" if stat.S_ISLNK(mode) else "device")
    return found


def from_folder(
    folder: Path, name: str, *, most_files: int = MAX_FILES, most_bytes: int = MAX_BYTES
) -> Bundle:
    """The files of `folder` as skill `name`; raises BadInputError where they cannot be a bundle (links,
    devices, names that other systems refuse, too much) and OSError where they cannot be read.
    """
    files: list[File] = []
    left = most_bytes
    for path, relative in _walk(folder, ""):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise BadInputError(f"{path} is not a regular file.")
        data, executable = _content(path, left + 1)
        left -= len(data)
        if len(files) == most_files or left < 0:
            raise BadInputError(
                f"{folder} is too large for a skill.",
                f"At most {most_files} files and {most_bytes // 1_000_000} MB are allowed.",
            )
        files.append(File(path=relative, data=data, executable=_MODES and executable))
    check_files(files)
    return Bundle(name=name, files=sorted(files, key=lambda file: file.path.encode()))


def _content(path: Path, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes of a regular file, and whether it is executable. What was put in its place since
    it was looked at is not followed (a link) nor waited for (a pipe): OSError or BadInputError.
    """
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise BadInputError(f"{path} is not a regular file.")
        return file.read(most), bool(facts.st_mode & 0o100)


def to_folder(bundle: Bundle, folder: Path) -> None:
    """Write `bundle` without litter into the new folder `folder`, so that it survives a loss of power.

    Raises OSError.

    Files are 0644, or 0755 where released as executable, folders 0755: agents may run as other users.
    """
    folder.mkdir(mode=0o755)
    folders = {folder}
    for file in without_litter(bundle).files:
        path = folder.joinpath(*file.path.split("/"))
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        folders.update(parent for parent in path.parents if parent.is_relative_to(folder))
        mode = 0o755 if file.executable else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags, mode), "wb") as out:
            out.write(file.data)
            out.flush()
            os.fsync(out.fileno())
        if _MODES:
            path.chmod(mode)
    for place in sorted(folders, key=lambda place: len(place.parts), reverse=True):
        if _MODES:
            place.chmod(0o755)
        sync_folder(place)


def remove_tree(folder: Path) -> None:
    """Take `folder` away as far as that can be done; what stays is tried again at the next sync."""
    shutil.rmtree(folder, ignore_errors=True)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[Path, str]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name in LITTER:
                continue
            # macOS may hand names back decomposed
            name = prefix + unicodedata.normalize("NFC", entry.name)
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), name + "/")
            else:
                yield Path(entry.path), name
