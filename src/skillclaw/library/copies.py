"""One installed copy: how it stands, how it is taken away, how it is settled after a crash."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from skillclaw.library import folders, swap
from skillclaw.library.records import Change, ChangeKind, Installed, LibraryState, Row

__all__ = ["change", "place", "quarantine", "real", "recovered", "row", "take_out", "without_made"]


def place(entry: Installed) -> Path:
    """The copy's folder."""
    return Path(entry.target) / entry.skill


def real(target: str | Path) -> str:
    """The same text for paths that lead to the same folder."""
    return os.path.normcase(os.path.realpath(target))


def change(entry: Installed, action: ChangeKind, detail: str = "") -> Change:
    """What is told about `entry`."""
    return Change(skill=entry.skill, target=entry.target, action=action, detail=detail, version=entry.version)


def row(entry: Installed) -> Row:
    """How the copy stands now, by looking at its files."""
    folder = place(entry)
    known = {"skill": entry.skill, "target": entry.target}
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


def take_out(entry: Installed, home: Path, why_edited_stays: str) -> tuple[Change | None, bool]:
    """Take the copy away unless the user edited it; what to tell of it, and whether it is gone."""
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
    return change(entry, "removed"), True


def quarantine(entry: Installed, home: Path) -> tuple[Change | None, bool]:
    """Move a copy of a revoked version, edited or not, to `<home>/quarantine/` with a notice beside it."""
    folder = place(entry)
    try:
        if not folders.exists(folder):
            return None, True
        if folder.is_symlink():
            return change(entry, "failed", "it was revoked, but is a link of yours now; remove it."), False
        to = _free(home / "quarantine", f"{entry.skill}-{entry.version[:12]}")
        notice = (
            f"The skill {entry.skill} (version {entry.version}) was revoked by its hub ({entry.hub}) for"
            f" security.\nIt was moved from {folder} at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}, with all your"
            f' edits.\nTo restore it at your own risk:\n\n    mv "{to}" "{folder}"\n'
        )
        to.with_name(to.name + ".txt").write_text(notice, "utf-8")
        swap.move_out(folder, to)
    except OSError as error:
        return change(
            entry, "failed", f"it was revoked and could not be moved: {error.strerror or error}."
        ), False
    return change(entry, "quarantined", f"it was revoked for security. It is in {to}."), True


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
    if not entry.pending_version:
        return entry
    settled = replace(entry, pending_version="", pending_files={})
    try:
        found = folders.scan(place(entry))
    except OSError:
        found = None
    if found is not None and found == entry.pending_files:
        wanted = "" if entry.wanted == entry.pending_version else entry.wanted
        return replace(settled, version=entry.pending_version, files=entry.pending_files, wanted=wanted)
    return settled if entry.version else None


def _free(folder: Path, name: str) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while folders.exists(folder / f"{name}-{number}") or folders.exists(folder / f"{name}-{number}.txt"):
        number += 1
    return folder / f"{name}-{number}"
