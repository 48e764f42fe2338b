"""Whether SkillClaw's folder takes what is written: a small file is written, synced and taken away again."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from skillclaw.limits import FILES, SIZES
from skillclaw.server.deep.records import Check, fail, ok

__all__ = ["writing"]

SIZE = 4096
"""Bytes of the file: a block, since a full disk often takes a name and no byte."""
MENDS = {
    "EROFS": "The disk can only be read: mount it to be written, or look why the system turned it so",
    "ENOSPC": "Free space or, where space is free, delete small files",
    "EDQUOT": "Your share of the disk is used up: free space",
    "EACCES": "chown -R on SkillClaw's folder, to yourself; chmod u+rwx on it",
    "EMFILE": FILES.rstrip("."),
    "ENFILE": FILES.rstrip("."),
    "EFBIG": SIZES.rstrip("."),
    "EIO": "The disk fails: back up (skillclaw backup, to another disk), then have it looked at",
}


def writing(home: Path) -> list[Check]:
    """Write to the home and sync it, as every record does. Who is killed amid it leaves a file that
    `leftovers` counts."""
    path = home / f".deep-{os.getpid()}.new"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            view = memoryview(bytes(SIZE))
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)
            path.unlink()
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        kind = errno.errorcode.get(error.errno or 0, "") or type(error).__name__
        mend = MENDS.get(kind, "Look at the disk of SkillClaw's folder, and who owns the folder")
        return [fail("files", "writing", f"nothing can be written ({kind})", mend)]
    return [ok("files", "writing", f"{SIZE} bytes were written and synced, and are gone again")]
