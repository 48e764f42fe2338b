"""Modes of files and folders, room on the disk, what was left behind by processes that died."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

from skillclaw.server.deep.records import Check, fail, ok, unread, warn

__all__ = ["disk", "leftovers", "modes"]

MOST = 200_000
LEAST_FREE = 1 << 30
ENOUGH_INODES = 1000
OLD = 3600.0
"""Seconds after which a half-written file is nobody's any more."""
_SHARED = ("hub",)
"""Folders whose rights are their maker's: a hub on this machine may be shared with other users."""


def modes(home: Path) -> list[Check]:
    """Whether other users of the machine could read or write anything."""
    if os.name != "posix":
        return [ok("files", "modes", "are not looked at on this system")]
    looked = wide = strange = 0
    me = os.geteuid()
    closed: list[OSError] = []
    for path in _walk(home, closed.append):
        try:
            facts = path.lstat()
        except OSError:
            continue
        if stat.S_ISLNK(facts.st_mode):
            continue
        looked += 1
        wide += bool(facts.st_mode & 0o077)
        strange += facts.st_uid != me
        if looked >= MOST:
            break
    found = []
    if wide:
        mend = "chmod -R go= on SkillClaw's folder"
        found.append(fail("files", "modes", f"{wide} of {looked} are open to other users", mend))
    if strange:
        mend = "chown -R on SkillClaw's folder, to yourself"
        found.append(fail("files", "owners", f"{strange} of {looked} belong to somebody else", mend))
    if closed:
        mend = "chown -R on SkillClaw's folder, to yourself; chmod -R u+rwX on it"
        found.append(
            unread("files", "folders", closed[-1], mend, text=f"{len(closed)} cannot be looked into")
        )
    return found or [ok("files", "modes", f"{looked} files and folders, each its owner's alone")]


def _walk(home: Path, closed: Callable[[OSError], object] | None = None) -> list[Path]:
    found = [home]
    for at, folders, names in os.walk(home, onerror=closed):
        if Path(at) == home:
            folders[:] = [name for name in folders if name not in _SHARED]
        elif Path(at) == home / "quarantine":
            folders.clear()  # copies as they were when they were moved behind this folder, which is closed
        found += [Path(at, name) for name in [*folders, *names]]
        if len(found) > MOST:
            break
    return found


def disk(home: Path) -> list[Check]:
    """Room on the disk of the home."""
    try:
        free = shutil.disk_usage(home).free
        inodes = os.statvfs(home) if hasattr(os, "statvfs") else None
    except OSError as error:
        return [warn("files", "disk", f"cannot be asked ({type(error).__name__})", "Look at the disk.")]
    if free < LEAST_FREE:
        return [
            fail("files", "disk", f"{free >> 20} MiB are free", "Free space; nothing is lost until then.")
        ]
    if inodes is not None and inodes.f_files and inodes.f_favail < ENOUGH_INODES:
        return [fail("files", "disk", f"{inodes.f_favail} more files fit", "Delete small files elsewhere.")]
    return [ok("files", "disk", f"{free >> 30} GiB are free")]


def leftovers(home: Path) -> list[Check]:
    """Half-written files, unfinished restores."""
    limit = time.time() - OLD
    old = 0
    for path in _walk(home):
        try:
            if path.name.startswith(".") and path.name.endswith(".new") and path.lstat().st_mtime < limit:
                old += 1
        except OSError:
            continue
    stem = f".{home.name.removeprefix('.')}.restoring-"
    half = sum(1 for path in home.parent.iterdir() if path.name.startswith(stem))
    found = []
    if old:
        text = f"{old} half-written files of processes that died"
        found.append(warn("files", "leftovers", text, "skillclaw stop; skillclaw up -d clears what it knows"))
    if half:
        mend = "They go with the next skillclaw restore."
        found.append(warn("files", "restores", f"{half} restores were cut off", mend))
    return found or [ok("files", "leftovers", "none")]
