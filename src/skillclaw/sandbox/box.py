"""What a closed room is: mounts in, commands run, output out. One file per runner beside this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen
from typing import Protocol

from skillclaw.errors import UsageError
from skillclaw.trajectory.model import Record

__all__ = ["Box", "Limits", "Mount", "Ran", "open_box", "runners"]


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


def runners(image: str = "") -> dict[str, str]:
    """The runners by name, each with the reason why it cannot run here; empty when it can."""
    from skillclaw.sandbox import bubblewrap, docker

    return {"bubblewrap": bubblewrap.missing(), "docker": docker.missing(image)}


def open_box(
    mounts: Sequence[Mount],
    *,
    workspace: str,
    runner: str = "auto",
    socket: Path | None = None,
    image: str = "",
    scratch: Path | None = None,
) -> AbstractContextManager[Box]:
    """A room with `mounts`, in which commands start in the folder `workspace` (a path inside).

    runner  `bubblewrap`, `docker`, or `auto`: docker where there is an image, else bubblewrap
    socket  a Unix socket of the host that the room sees as http://127.0.0.1:8787; without it the room has
            no network at all
    image   the image that the room is made of; only docker takes one, and it needs one
    scratch where what the runner needs for itself lies, so that whoever clears that folder after a kill
            clears this too; the system's temporary folder without

    Raises UsageError when no runner can run here.
    """
    from skillclaw.sandbox import bubblewrap, docker

    if runner == "auto":
        runner = "docker" if image else "bubblewrap"
    if runner == "docker":
        reason = docker.missing(image) if image else "It needs an image."
        if reason:
            raise UsageError("The runner docker cannot run this.", reason, "Tasks are never run without one.")
        return docker.open_box(mounts, workspace=workspace, socket=socket, image=image)
    if runner != "bubblewrap":
        raise UsageError(f"There is no runner {runner!r}.", "", "Known: bubblewrap, docker")
    if image:
        raise UsageError("The runner bubblewrap takes no image.", "", "Use the runner docker for one.")
    if reason := bubblewrap.missing():
        raise UsageError(
            "No sandbox can run here, and tasks are never run without one.",
            reason,
            "Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap), or mend what it says.",
        )
    return bubblewrap.open_box(mounts, workspace=workspace, socket=socket, scratch=scratch)
