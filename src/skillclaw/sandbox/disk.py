"""How much the writable folders of a room have grown.

There is no quota that an ordinary user could set. The free space of the disk is looked at instead, which
costs nothing; only where it sank by as much as the room may take are the room's files counted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["Disk"]


class Disk:
    """The folders `places`, that may grow by `size` bytes and `files` files in all from now on."""

    def __init__(self, places: Sequence[Path], size: int, files: int) -> None:
        self._places = list(places)
        self._began = self._held()
        self._most = (size, files)
        self._base = self._free()

    def over(self) -> str:
        """Why the room must be stopped; empty while it need not be."""
        free = self._free()
        if all(
            base - left <= most
            for before, now in zip(self._base, free, strict=True)
            for base, left, most in zip(before, now, self._most, strict=True)
        ):
            return ""
        grown = tuple(now - before for now, before in zip(self._held(), self._began, strict=True))
        # Others fill the disk too: from here the room has left what it has not taken.
        self._base = [(now[0] + grown[0], now[1] + grown[1]) for now in free]
        if all(part <= most for part, most in zip(grown, self._most, strict=True)):
            return ""
        # What is there may stay, so that the next command can put it right.
        self._most = (max(self._most[0], grown[0]), max(self._most[1], grown[1]))
        return f"stopped: it filled the disk ({grown[0] // 10**6} MB in {grown[1]} new files)"

    def _free(self) -> list[tuple[int, int]]:
        found = []
        for place in self._places:
            told = os.statvfs(place)
            found.append((told.f_bavail * told.f_frsize, told.f_favail))
        return found

    def _held(self) -> tuple[int, int]:
        size = files = 0
        for place in self._places:
            # fwalk goes by descriptors: a folder that becomes a link meanwhile is not followed.
            with suppress(OSError, RecursionError):
                for _, folders, names, folder in os.fwalk(place):
                    files += len(folders) + len(names)
                    for name in names:
                        with suppress(OSError):
                            told = os.stat(name, dir_fd=folder, follow_symlinks=False)
                            size += told.st_blocks * 512
        return size, files
