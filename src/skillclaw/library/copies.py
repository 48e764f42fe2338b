"""One installed copy: how it stands, how it is taken away, how it is settled after a crash."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from skillclaw.errors import BadInputError
from skillclaw.library import folders, swap
from skillclaw.library.records import Change, ChangeKind, Installed, LibraryState, Row
from skillclaw.private import sync_folder

__all__ = [
    "change",
    "check_target",
    "make_folder",
    "place",
    "real",
    "recovered",
    "row",
    "take_out",
    "without_made",
]


def place(entry: Installed) -> Path:
    """The copy's folder."""
    return Path(entry.target) / entry.skill


def check_target(target: Path) -> None:
    """Raise BadInputError where another user could change what is installed in `target`: agents do what they
    read there, and a folder that others can move could lead a write elsewhere. Root's folders are trusted.
    """
    if os.name != "posix" or not target.exists():
        return
    facts = target.stat()
    foreign = os.geteuid() != 0 and facts.st_uid not in (os.geteuid(), 0)
    if foreign or (facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX):
        raise BadInputError(f"Others can write to {target}, and agents do what they read there.")


def make_folder(folder: Path) -> None:
    """A folder on the way to a target; agents may run as other users, so others may enter it."""
    try:
        folder.mkdir(mode=0o755)
    except FileExistsError:
        return
    if os.name == "posix":
        folder.chmod(0o755)
    sync_folder(folder.parent)


def real(target: str | Path) -> str:
    """The same text for paths that lead to the same folder."""
    return os.path.normcase(os.path.realpath(target))


def change(entry: Installed, action: ChangeKind, detail: str = "") -> Change:
    """What is told about `entry`."""
    return Change(
        skill=entry.skill,
        target=entry.target,
        action=action,
        detail=detail,
        version=entry.version,
        hub=entry.hub,
    )


def row(entry: Installed) -> Row:
    """How the copy stands now, by looking at its files."""
    folder = place(entry)
    known = {"skill": entry.skill, "target": entry.target, "hub": entry.hub}
    try:
        if not folders.exists(folder):
            return Row(**known, state="missing", detail="you removed it; it is not put back")
        found = folders.scan(folder)
    except OSError as error:
        return Row(**known, state="failed", detail=f"cannot be read: {error.strerror or error}")
    if found == entry.pending_files and entry.pending_version:
        return Row(**known, state="installed")
    if found != entry.files:
        newer = f"; version {entry.wanted[:12]} is newer" if entry.wanted else ""
        return Row(**known, state="edited", detail=f"you changed it, so it stays as it is{newer}")
    if entry.wanted:
        return Row(**known, state="outdated", detail=f"version {entry.wanted[:12]} is not installed yet")
    return Row(**known, state="installed")


def take_out(
    entry: Installed, home: Path, why_edited_stays: str, done: ChangeKind = "removed", detail: str = ""
) -> tuple[Change | None, bool]:
    """Take the copy away unless the user edited it; what to tell of it (`done` and `detail` where that went
    well), and whether it is gone."""
    try:
        if not folders.exists(place(entry)):
            return None, True
        if folders.scan(place(entry)) != entry.files:
            return change(entry, "edited", why_edited_stays), False
        swap.remove(place(entry), home, entry.files)
    except swap.EditedError:
        return change(entry, "edited", why_edited_stays), False
    except OSError as error:
        return change(entry, "failed", f"{error.strerror or error}."), False
    return change(entry, done, detail), True


def recovered(known: LibraryState, home: Path, targets: Iterable[Path]) -> LibraryState:
    """`known` as it should be after a process died in the middle of a sync; folders are cleaned up."""
    for target in sorted({real(t) for t in targets} | {real(entry.target) for entry in known.installed}):
        try:
            swap.recover(Path(target), home)
        except OSError:
            continue  # what keeps it from being cleaned up is told when something is to be installed there
    settled = [_settled(entry) for entry in known.installed]
    return replace(known, installed=[entry for entry in settled if entry is not None])


def without_made(known: LibraryState) -> LibraryState:
    """`known` after the folders that SkillClaw made, and that hold nothing now, were taken away."""
    made = list(known.made)
    used = [Path(entry.target) for entry in known.installed]
    for folder in reversed(known.made):
        if any(target.is_relative_to(folder) for target in used):
            continue
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            continue  # the user's own files are in it
        made.remove(folder)
    return replace(known, made=made)


def _settled(entry: Installed) -> Installed | None:
    if entry.leaving:
        # a folder that cannot be looked at may hold it still
        return replace(entry, leaving=False) if _may_be_there(place(entry)) else None
    if not entry.pending_version:
        return entry
    settled = replace(entry, pending_hub="", pending_version="", pending_files={})
    try:
        found = folders.scan(place(entry))
    except OSError:
        found = None
    if found is not None and found == entry.pending_files:
        wanted = "" if entry.wanted == entry.pending_version else entry.wanted
        hub = entry.pending_hub or entry.hub
        return replace(
            settled, hub=hub, version=entry.pending_version, files=entry.pending_files, wanted=wanted
        )
    return settled if entry.version else None


def _may_be_there(folder: Path) -> bool:
    try:
        return folders.exists(folder)
    except OSError:
        return True
