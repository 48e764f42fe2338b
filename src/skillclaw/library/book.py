"""`library.json`: what was installed where, file by file. Written whole, beside the old one, then renamed."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from skillclaw.errors import StorageError
from skillclaw.formats import carried, stop_at_newer
from skillclaw.library.folders import is_litter
from skillclaw.library.records import FORMAT, Installed, LibraryState
from skillclaw.private import whole_file

__all__ = ["load", "save"]


def load(home: Path) -> LibraryState:
    """What is remembered; nothing where there is no file. A file that cannot be read is an error: taken for
    empty, every installed skill would count as somebody else's.
    """
    path = home / "library.json"
    try:
        raw = path.read_bytes()
        stop_at_newer(raw, str(path), FORMAT, "Upgrade SkillClaw. What is installed stays as it is.")
        return _without_litter(msgspec.json.decode(raw, type=LibraryState))
    except FileNotFoundError:
        return LibraryState()
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise StorageError(
            f"{path} does not hold what it should.",
            str(error),
            "Put it back from a backup; or delete it: installed skills then count as your own and stay.",
        ) from error


def save(home: Path, state: LibraryState, *, only_if_not: LibraryState | None = None) -> None:
    """Remember `state`; nothing is written where it equals `only_if_not`."""
    if state == only_if_not:
        return
    path = home / "library.json"
    try:
        kept = carried(state, path.read_bytes() if path.exists() else None)
        with whole_file(path) as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept, order="deterministic"), indent=1))
    except OSError as error:
        raise StorageError(f"Cannot write {path}.", str(error), "Free space or mend permissions.") from error


def _without_litter(state: LibraryState) -> LibraryState:
    """A book may name litter of a release, which no look at a folder finds."""
    return replace(state, installed=[_entry_without_litter(entry) for entry in state.installed])


def _entry_without_litter(entry: Installed) -> Installed:
    files, pending = (
        {path: mark for path, mark in marks.items() if not is_litter(path)}
        for marks in (entry.files, entry.pending_files)
    )
    return replace(entry, files=files, pending_files=pending)
