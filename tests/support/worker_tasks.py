"""Tasks for executors that say in their items what is to happen. Workers import this file, so it is light."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from skillclaw.trajectory import model
from skillclaw.trajectory.episodes import cut
from skillclaw.trajectory.model import Record


def shout(batch: Sequence[bytes]) -> list[bytes]:
    """Capitals; items say what else is to happen to who works on them."""
    for item in batch:
        if item == b"kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if item == b"exit":
            os._exit(3)
        if item == b"sleep":
            time.sleep(600)
        if item.startswith(b"raise"):
            raise ValueError(f"cannot use 'ada@example.org' of {item.decode()}\nsecond line")
        if item == b"quit":
            sys.exit("enough")
    return [item.upper() for item in batch]


class Salted(Record, frozen=True):
    """A task with settings of its own."""

    salt: bytes

    def __call__(self, batch: Sequence[bytes]) -> list[bytes]:
        return [hashlib.sha256(self.salt + item).digest() for item in batch]


class KillOnce(Record, frozen=True):
    """Dies at the first `once`, and leaves a mark that it did."""

    mark: str

    def __call__(self, batch: Sequence[bytes]) -> list[bytes]:
        if b"once" in batch and not Path(self.mark).exists():
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return [item.upper() for item in batch]


class Log(Record, frozen=True):
    """Writes down every batch that it gets."""

    path: str

    def __call__(self, batch: Sequence[bytes]) -> list[bytes]:
        with Path(self.path).open("a") as file:
            file.write(f"{os.getpid()} {len(batch)}\n")
        return list(batch)


class Meet(Record, frozen=True):
    """Answers when two processes have come to the folder."""

    folder: str

    def __call__(self, batch: Sequence[bytes]) -> list[bytes]:
        (Path(self.folder) / str(os.getpid())).touch()
        end = time.monotonic() + 60
        while len(list(Path(self.folder).iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        return list(batch)


def short(batch: Sequence[bytes]) -> list[bytes]:
    """Forgets its last answer."""
    return [item for item in batch if item != b"lost"]


def episodes(batch: Sequence[bytes]) -> list[bytes]:
    """Real work: the episodes of sessions."""
    return [msgspec.msgpack.encode(cut(model.decode(item))) for item in batch]
