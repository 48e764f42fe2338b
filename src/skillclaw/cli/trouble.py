"""Faults of the machine in the user's terms: of the disk, its rights, open files and memory.

Each part of SkillClaw tells its own (`StorageError`); here is told what came through all of them.
"""

from __future__ import annotations

import errno

from skillclaw.compiled import cut_off

__all__ = ["machine_trouble"]

_ROOM = "Free space on the disk, then run the command again."
_RIGHTS = "Mend permissions, or choose another folder with --home."
_FILES = "Close programs, or raise the limit of open files (ulimit -n), then run the command again."
_MEMORY = "Close programs, or raise the limit of memory (ulimit -v), then run the command again."
_FAULTS = {
    errno.ENOSPC: ("The disk is full.", _ROOM),
    errno.EDQUOT: ("Your share of the disk is used up.", _ROOM),
    errno.EFBIG: ("A file would be larger than it may be.", "Raise the limit of file sizes (ulimit -f)."),
    errno.EROFS: ("The disk cannot be written.", _RIGHTS),
    errno.EACCES: ("A file may not be read or written.", _RIGHTS),
    errno.EPERM: ("A file may not be read or written.", _RIGHTS),
    errno.EIO: ("The disk failed.", "Look at the disk (its log, its cable), and back up what can be read."),
    errno.EMFILE: ("Too many files are open.", _FILES),
    errno.ENFILE: ("Too many files are open.", _FILES),
    errno.ENOMEM: ("There is not enough memory.", _MEMORY),
    errno.EAGAIN: ("The system lets no more processes or threads begin.", _MEMORY),
}


def machine_trouble(error: BaseException) -> tuple[str, str, str] | None:
    """What, why and what to do about a fault of the machine behind `error`; None where it is none."""
    seen: BaseException | None = error
    while seen is not None:
        if told := cut_off(seen):
            return told
        if isinstance(seen, MemoryError) or (
            isinstance(seen, RuntimeError) and "start new thread" in str(seen)
        ):
            return "There is not enough memory.", str(seen), _MEMORY
        if isinstance(seen, OSError) and seen.errno in _FAULTS:
            what, todo = _FAULTS[seen.errno]
            return what, str(seen), todo
        seen = seen.__cause__
    return None
