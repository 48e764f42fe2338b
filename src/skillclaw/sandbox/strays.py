"""Rooms whose maker was killed while it made them: found by a mark on their command lines, and ended.

bwrap has the kernel end a room with its maker, but only from a moment on. A maker that is killed before it
leaves processes that nobody waits for and that never end by themselves. Linux only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["MARK", "end_strays", "maker"]

MARK = "skillclaw-room"
"""Stands in a room's command line before its maker."""


def maker() -> str:
    """This process, so that no later one is taken for it: process namespace, number, start in ticks.

    Numbers of another namespace (a container's) say nothing here, so rooms made there are left alone.
    """
    return f"{Path('/proc/self/ns/pid').readlink()}.{os.getpid()}.{_started(os.getpid())}"


def end_strays() -> None:
    """End the rooms of makers that are gone, as far as this user may."""
    for number, who in _rooms():
        if _gone(who):
            with suppress(OSError):
                room = os.pidfd_open(number)  # from here on the number cannot become another process's
                try:
                    if _maker_of(number) == [who]:
                        signal.pidfd_send_signal(room, signal.SIGKILL)
                finally:
                    os.close(room)


def _rooms() -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob("[0-9]*"):
        for who in _maker_of(int(path.name)):
            yield int(path.name), who


def _maker_of(number: int) -> list[str]:
    """Who made the room that this process stands for; none where it is bwrap for no room of ours."""
    try:
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    if not words[0].endswith(b"bwrap") or MARK.encode() not in words[:-1]:
        return []
    return [words[words.index(MARK.encode()) + 1].decode("utf-8", "replace")]


def _gone(who: str) -> bool:
    space, number, began = (*who.rsplit(".", 2), "", "")[:3]
    here = str(Path("/proc/self/ns/pid").readlink())
    return space == here and number.isdecimal() and _started(int(number)) != began


def _started(number: int) -> str:
    """When the process began, in ticks since the machine started; empty where there is none. proc(5), field
    22: the name in field 2 may hold anything, also blanks and brackets."""
    try:
        return Path(f"/proc/{number}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
