"""Objects of hubs on this machine, `<home>/objects/<sha256>`: what was fetched once is not fetched again.

A file's name is the hash of its bytes, which is checked at every read, so nothing in the folder has to be
trusted: what does not hold is deleted and fetched anew. It can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from skillclaw.errors import StorageError
from skillclaw.private import private_folder, whole_file

__all__ = ["MOST_BYTES", "ObjectCache"]

MOST_BYTES = 200_000_000
"""Bytes that the folder holds at most; what was not used for longest goes first."""

_NAME = re.compile(r"[0-9a-f]{64}")


class ObjectCache:
    """The folder; safe for several threads and processes. A disk that is full or broken only costs a fetch:
    no method raises for it.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes

    def get(self, name: str) -> bytes | None:
        """The bytes whose SHA-256 is `name` (hex), or None where they are not here."""
        if not _NAME.fullmatch(name):
            return None
        path = self.folder / name
        try:
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(path, flags), "rb") as file:
                data = file.read(self.most_bytes + 1)
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != name:
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return data

    def put(self, name: str, data: bytes) -> None:
        """Keep `data`, which must hash to `name`; what does not is not kept."""
        if len(data) > self.most_bytes or hashlib.sha256(data).hexdigest() != name:
            return
        try:
            private_folder(self.folder)
            with whole_file(self.folder / name) as file:
                file.write(data)
            self._tidy()
        except (OSError, StorageError):
            return

    def _tidy(self) -> None:
        """Delete what was not used for longest until the rest fits, and what dead writers left."""
        kept: list[tuple[float, int, Path]] = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                facts = entry.stat(follow_symlinks=False)
                kept.append((facts.st_mtime, facts.st_size, Path(entry.path)))
        left = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if left <= self.most_bytes:
                return
            with suppress(OSError):
                path.unlink()
                left -= size
