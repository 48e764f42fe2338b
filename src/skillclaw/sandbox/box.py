"""Opens closed rooms: one file for each runner beside this one, imported where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from skillclaw.errors import UsageError
from skillclaw.sandbox.model import Box, Mount

__all__ = ["open_box", "why_no_room"]


def why_no_room() -> str:
    """Why no room without an image can be opened here; empty when one can. Docker is not asked: its program
    may wait half a minute for an engine, and a room without an image is not its own.
    """
    from skillclaw.sandbox import bubblewrap

    return bubblewrap.missing()


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
