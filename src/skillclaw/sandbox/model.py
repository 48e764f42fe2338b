"""What a closed room is: mounts in, commands run, output out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import IO, Protocol

from skillclaw.trajectory.model import Record

__all__ = ["Box", "Limits", "Mount", "Ran", "shortened"]


class Limits(Record, frozen=True, kw_only=True):
    """What one command may take. `seconds` of wall time; MB are 10**6 bytes; `output` in bytes."""

    seconds: float = 60.0
    memory_mb: int = 2_000
    file_mb: int = 100
    processes: int = 256
    output: int = 64_000


class Mount(Record, frozen=True, kw_only=True):
    """A folder or file of the host that is seen at `inside`."""

    outside: Path
    inside: str
    writable: bool = False


class Ran(Record, frozen=True, kw_only=True):
    """How a command ended. `code` is None when it was stopped, at its time limit unless `stopped` says why
    else; `output` is what it wrote to stdout and stderr together, cut in the middle at the limit."""

    code: int | None
    output: str
    seconds: float
    stopped: str = ""


class Box(Protocol):
    """One closed room. Its processes end with it."""

    def run(
        self,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str] = {},
        stdin: bytes = b"",
        limits: Limits = ...,
    ) -> Ran:
        """Run `argv` in the workspace and wait for it. Every process that it started is gone afterwards.

        Raises StorageError when it could not be run at all.
        """
        ...

    def start(self, argv: Sequence[str], *, environ: Mapping[str, str] = {}) -> Popen[bytes]:
        """Start `argv` with pipes for stdin, stdout and stderr; the caller waits for it or kills it."""
        ...


def shortened(out: IO[bytes], most: int) -> str:
    """What a command wrote, of which the middle is left out where it is more than `most` bytes."""
    size = out.seek(0, os.SEEK_END)
    out.seek(0)
    if size <= most:
        return out.read(most).decode("utf-8", "replace")
    half = most // 2
    head = out.read(half).decode("utf-8", "replace")
    out.seek(size - half)
    tail = out.read(half).decode("utf-8", "replace")
    return f"{head}\n[... {size - 2 * half} bytes left out ...]\n{tail}"
