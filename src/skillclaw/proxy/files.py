"""Open files: as many as the system allows, and some of them for what waiting connections need.

A connection is one, its request to the upstream another, and the journal opens some. Where all are taken the
system resets who comes next, without a word; so the last eighth is for requests that were already taken, and
who connects then is told why it gets no answer.

uvloop takes one connection at a time, and at the very limit lets one go for each that comes. asyncio's own
loop takes all that wait before it looks at one of them, the last files with them; `Listener` keeps it from
that.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from typing import Any

from skillclaw.proxy.heads import Failure

__all__ = ["FULL", "Listener", "allow_files", "last_file", "out_of_files"]

MOST = 10_240 if sys.platform == "darwin" else 65_536
"""Open files that are asked for, if the system allows so many; macOS allows no more."""
SPARE = 8
"""One of so many files is kept."""
FULL = Failure(
    503,
    "SkillClaw's proxy has too many connections.",
    "The system lets it open no more files.",
    "End agents that do not work, or raise the limit (ulimit -n) and start SkillClaw again.",
)


class Listener(socket.socket):
    """Where asyncio's own loop takes connections: it lets those go at once that would take the second half of
    the files that are kept, and stops at the first that the system has no file for.
    """

    def __init__(self, last: int) -> None:
        """`last`: what `last_file` tells; not 0."""
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self._most = last + max(1, last // (SPARE - 1) // 2)
        self._none_left = False

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. ConnectionAbortedError for one that was let go, BlockingIOError after an error
        for want of files: the loop would try a thousand times more, and write each into the log.
        """
        if self._none_left:
            self._none_left = False
            raise BlockingIOError
        try:
            taken, address = super().accept()
        except OSError as error:
            self._none_left = out_of_files(error)
            raise
        if taken.fileno() > self._most:
            taken.close()
            raise ConnectionAbortedError
        return taken, address


def allow_files() -> None:
    """Raise the limit of open files as far as this user may: an exchange needs two, and shells allow 256 to
    1,024.
    """
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def last_file() -> int:
    """The number of the last open file that a new connection may be; 0 where there is no such limit.

    The system gives the lowest number that is free, so that who has a higher one came when the others were
    taken.
    """
    if os.name != "posix":
        return 0
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if soft == resource.RLIM_INFINITY else max(1, soft - 1 - soft // SPARE)


def out_of_files(error: BaseException) -> bool:
    """Whether this is so because the process, or the system, has no file left to open."""
    cause = getattr(error, "os_error", error)
    return isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE)
