"""Faults of the machine in the user's terms: of the disk, its rights, open files and memory.

Each part of SkillClaw tells its own (`StorageError`); here is told what came through all of them.
"""

from __future__ import annotations

import errno

from skillclaw.compiled import cut_off
from skillclaw.limits import FILES, MEMORY, SIZES, limit_of

__all__ = ["machine_trouble"]

_ROOM = "Free space on the disk, then run the command again."
_RIGHTS = "Mend permissions, or choose another folder with --home."
_NO_MEMORY = "There is not enough memory."
_FAULTS = {
    errno.ENOSPC: ("The disk is full.", _ROOM),
    errno.EDQUOT: ("Your share of the disk is used up.", _ROOM),
    errno.EFBIG: ("A file would be larger than it may be.", SIZES),
    errno.EROFS: ("The disk cannot be written.", _RIGHTS),
    errno.EACCES: ("A file may not be read or written.", _RIGHTS),
    errno.EPERM: ("A file may not be read or written.", _RIGHTS),
    errno.EIO: ("The disk failed.", "Look at the disk (its log, its cable), and back up what can be read."),
    errno.EMFILE: ("Too many files are open.", FILES),
    errno.ENFILE: ("Too many files are open.", FILES),
    errno.ENOMEM: (_NO_MEMORY, MEMORY),
    errno.EAGAIN: ("The system lets no more processes or threads begin.", MEMORY),
}


def machine_trouble(error: BaseException) -> tuple[str, str, str] | None:
    """What, why and what to do about a fault of the machine behind `error`; None where it is none."""
    seen: BaseException | None = error
    while seen is not None:
        if told := cut_off(seen):
            return told
        if isinstance(seen, OSError) and seen.errno in _FAULTS:
            what, todo = _FAULTS[seen.errno]
            return what, str(seen), todo
        if limit := limit_of(seen):
            said, todo = limit
            found = str(seen).strip()
            why = said if not found or "\n" in found else found if said in found else f"{found}: {said}"
            return next(what for what, mend in _FAULTS.values() if mend == todo), why, todo
        seen = seen.__cause__
    return None
