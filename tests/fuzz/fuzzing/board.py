"""What a child is doing right now, where its parent sees it: a file that both map.

A process that hangs in C code, that runs out of memory or dies can tell nobody what it was working on; so
it writes each input here before it begins. Layout, little endian: number of inputs begun (u64), CPU seconds
of the process then (f64), 1 while it runs (u32), length (u32), the input.
"""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["LONGEST", "Board", "Doing"]

_HEAD = struct.Struct("<QdII")
LONGEST = 1 << 20
"""Bytes of an input that the board has room for."""


class Doing(NamedTuple):
    """What the board says."""

    begun: int
    cpu: float
    running: bool
    data: bytes


class Board:
    """The mapped file at `path`, made when it is not there."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_HEAD.size + LONGEST))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _HEAD.size + LONGEST)
        self.begun = 0

    def begin(self, data: bytes) -> float:
        """Says that `data` is run now; returns the CPU seconds of the process."""
        self.begun += 1
        now = time.process_time()
        self._map[_HEAD.size : _HEAD.size + len(data)] = data
        self._map[: _HEAD.size] = _HEAD.pack(self.begun, now, 1, len(data))
        return now

    def end(self) -> None:
        """Says that it is done."""
        self._map[: _HEAD.size] = _HEAD.pack(self.begun, time.process_time(), 0, 0)

    def read(self) -> Doing:
        """What the other side wrote last: the same twice, else it was being written."""
        head = self._map[: _HEAD.size]
        while head != (again := self._map[: _HEAD.size]):
            head = again
        begun, cpu, running, size = _HEAD.unpack(head)
        return Doing(begun, cpu, bool(running), bytes(self._map[_HEAD.size : _HEAD.size + size]))

    def close(self) -> None:
        self._map.close()
