"""One skill folder put in place, taken away or moved out, so that a crash leaves the old or the new, whole.

Everything goes through a folder beside the place, `.skillclaw-tmp-<home>-<random>/`, so that moves are
renames within one file system:

    new/<skill>   being written
    old/<skill>   what was in place, not looked at yet: it may hold the user's edits, and is never deleted
    checked/...   the same, found unedited; goes back if the process dies before the new one is in
    gone/...      taken away for good, or moved to another disk, being deleted

`recover` cleans up after processes that died; it touches only folders of the same SkillClaw home.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from skillclaw.library.folders import exists, remove_tree, scan, to_folder
from skillclaw.library.records import FileMark
from skillclaw.private import sync_folder
from skillclaw.skills.records import Bundle

__all__ = ["EditedError", "move_out", "put", "recover", "remove"]

_PREFIX = ".skillclaw-tmp-"


class EditedError(Exception):
    """The user changed the folder meanwhile; it is as they left it."""


def put(bundle: Bundle, target: Path, home: Path, old: Mapping[str, FileMark] | None) -> None:
    """Make `target`/<name> hold `bundle`; `old` is what must be there now, None where nothing is.

    Raises OSError (what was there is there) and EditedError.
    """
    place = target / bundle.name
    stage = _stage(target, home)
    try:
        (stage / "new").mkdir()
        to_folder(bundle, stage / "new" / bundle.name)
        if old is not None:
            _set_aside(place, stage, old)
            _keep_closed(stage / "checked" / bundle.name, stage / "new" / bundle.name)
        try:
            (stage / "new" / bundle.name).rename(place)
        except OSError:
            if old is not None and not exists(place):
                (stage / "checked" / bundle.name).rename(place)
            raise
        with suppress(OSError):  # it is in place
            sync_folder(target)
    finally:
        _clean(stage, place)


def remove(place: Path, home: Path, old: Mapping[str, FileMark]) -> None:
    """Take `place` away, which must hold `old`. Raises OSError (it is there still) and EditedError."""
    stage = _stage(place.parent, home)
    try:
        _set_aside(place, stage, old)
        # from here on a crash must not bring it back, half deleted
        (stage / "checked").rename(stage / "gone")
        for folder in (stage, place.parent):
            with suppress(OSError):  # it is gone
                sync_folder(folder)
    finally:
        _clean(stage, place)


def move_out(place: Path, to: Path, home: Path) -> None:
    """Move the folder `place`, whatever it holds, to the new path `to`, across disks too.

    Raises OSError: `place` is there still, and nothing is at `to` unless it holds what went from `place`.
    """
    try:
        place.rename(to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(place, to, home)
    for folder in (to.parent, place.parent):
        sync_folder(folder)


def _move_across(place: Path, to: Path, home: Path) -> None:
    # where nothing can be taken out of the folder, this says so before anything is copied
    going = _stage(place.parent, home)
    try:
        _copy_whole(place, to, home)
        try:
            _take_away(place, going / "gone")
        except OSError:
            if scan(place) == scan(to):
                remove_tree(to)
            raise
    finally:
        remove_tree(going)


def _copy_whole(place: Path, to: Path, home: Path) -> None:
    coming = _stage(to.parent, home)
    try:
        new = coming / "new"
        shutil.copytree(place, new, symlinks=True, copy_function=_copy)
        for inner, _, _ in os.walk(new, topdown=False):
            sync_folder(Path(inner))
        new.rename(to)
        sync_folder(to.parent)
    finally:
        remove_tree(coming)


def _take_away(place: Path, gone: Path) -> None:
    try:
        place.rename(gone)
    except OSError as error:
        # an overlay cannot rename the folders of the layers below, but deletes them
        if error.errno != errno.EXDEV:
            raise
        shutil.rmtree(place)


def _copy(source: str, copy: str) -> str:
    """`shutil.copy2`, with the bytes on the disk."""
    made = shutil.copy2(source, copy)
    handle = os.open(made, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return made


def recover(target: Path, home: Path) -> None:
    """Put back and clean up what a process of this home left in `target` when it died. Raises OSError."""
    try:
        left = sorted(target.glob(f"{_PREFIX}{_mark(home)}-*"))
    except OSError:
        return
    for stage in left:
        for aside in [*_inside(stage / "old"), *_inside(stage / "checked")]:
            if not exists(target / aside.name):
                aside.rename(target / aside.name)
        _clean(stage, None)


def _stage(target: Path, home: Path) -> Path:
    stage = target / f"{_PREFIX}{_mark(home)}-{secrets.token_hex(6)}"
    stage.mkdir(mode=0o700)
    return stage


def _set_aside(place: Path, stage: Path, old: Mapping[str, FileMark]) -> None:
    aside = stage / "old" / place.name
    aside.parent.mkdir()
    place.rename(aside)
    # it may have been edited since it was looked at; now nobody finds it to edit it
    if scan(aside) != old:
        aside.rename(place)
        raise EditedError
    aside.parent.rename(stage / "checked")


def _keep_closed(old: Path, new: Path) -> None:
    """What only the user could read or enter in the old folder, others cannot in the new. Raises OSError."""
    if os.name != "posix":
        return
    for at, _, names in os.walk(new):
        for path in [Path(at), *(Path(at, name) for name in names)]:
            before = old / path.relative_to(new)
            with suppress(FileNotFoundError, NotADirectoryError):
                if not stat.S_IMODE(before.lstat().st_mode) & 0o077:
                    path.chmod(stat.S_IMODE(path.lstat().st_mode) & 0o700)


def _clean(stage: Path, place: Path | None) -> None:
    """Delete `stage`, unless it holds the only copy of something."""
    if _inside(stage / "old"):
        return
    if place is not None and not exists(place) and exists(stage / "checked" / place.name):
        return
    remove_tree(stage)


def _inside(folder: Path) -> list[Path]:
    """What is in `folder`, which may not be there. Raises OSError where that cannot be told: `glob` of newer
    Pythons finds nothing then, and what is nowhere else would be deleted."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _mark(home: Path) -> str:
    """Tells homes apart that install into the same folder."""
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:8]
