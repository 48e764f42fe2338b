"""Where skills are brought in from: a folder or object storage that somebody else wrote. Only read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

from skillclaw.errors import StorageError, UsageError
from skillclaw.hub.store import Store, local_folder, masked

__all__ = ["FolderOrigin", "Origin", "StoreOrigin", "open_origin"]

MAX_KEYS = 200_000
"""Files of a folder that are looked at."""


class Origin(Protocol):
    """What is read of it. StorageError where it cannot be read; what is not there is None or no key."""

    def get(self, key: str, limit: int) -> bytes | None:
        """The object's bytes, or None where there is none; of a longer one only the first limit + 1."""

    def list(self, prefix: str) -> list[str]:
        """The keys below `prefix` (a folder; empty for all), sorted."""

    def executable(self, key: str) -> bool:
        """Whether the file is marked as a program; object storage does not tell."""


class StoreOrigin:
    """Object storage."""

    def __init__(self, url: str) -> None:
        store = Store(url, make=False)
        self.get = store.get
        self.list = store.list

    def executable(self, key: str) -> bool:
        """Never."""
        return False


class FolderOrigin:
    """A folder. Links are not followed: one that leads out of the folder would be read as if it lay in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, key: str, limit: int) -> bytes | None:
        """The bytes of the file `key` (a relative path with `/`)."""
        path = self.root.joinpath(*key.split("/"))
        flags = os.O_RDONLY
        for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
            flags |= getattr(os, name, 0)
        try:
            if path.parent.resolve() != self.root.resolve().joinpath(*key.split("/")[:-1]):
                return None
            with os.fdopen(os.open(path, flags), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return None
                return file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        except OSError as error:
            if path.is_symlink():
                return None
            raise self._failed(path, error) from error

    def list(self, prefix: str) -> list[str]:
        """The regular files below `prefix`, as keys."""
        start = self.root.joinpath(*prefix.split("/")) if prefix else self.root
        found: list[str] = []
        for folder, _, files in os.walk(start, onerror=self._raise):
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    found.append(path.relative_to(self.root).as_posix())
            if len(found) > MAX_KEYS:
                raise StorageError(
                    f"{self.root} holds too many files.",
                    f"{MAX_KEYS} are looked at.",
                    "Name the skills' folder.",
                )
        return sorted(found)

    def executable(self, key: str) -> bool:
        """Whether its owner may run it; Windows has no such mark."""
        path = self.root.joinpath(*key.split("/"))
        return os.name == "posix" and bool(path.lstat().st_mode & 0o100)

    def _raise(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise self._failed(Path(error.filename or self.root), error) from error

    def _failed(self, path: Path, error: OSError) -> StorageError:
        return StorageError(f"{path} cannot be read.", error.strerror or str(error), "Check who owns it.")


def open_origin(url: str) -> tuple[Origin, str]:
    """What `url` names (a folder, or object storage as for a hub), and how messages show it."""
    folder = local_folder(url)
    if folder is None:
        return StoreOrigin(url), masked(url)
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}.", "", "Name the folder or URL that the group shared its skills in."
        )
    return FolderOrigin(folder), str(folder)
