"""A newer release brought into a copy that the user edited; nothing is written where they conflict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from skillclaw.errors import BadInputError
from skillclaw.hub.records import Release
from skillclaw.library import copies, folders, swap
from skillclaw.library.choose import HubView, choose
from skillclaw.library.fetched import Fetched
from skillclaw.library.records import FileMark, Installed, MergeRow
from skillclaw.skills.records import Bundle
from skillclaw.skills.threeway import Merged, Prefer, merge

__all__ = ["Attempt", "attempt", "merge_copy", "merged_entry"]


@dataclass(frozen=True)
class Attempt:
    """A merge that could be tried: what came of it, and what lay in the folder meanwhile."""

    merged: Merged
    over: dict[str, FileMark]

    @property
    def clean(self) -> bool:
        """Whether nothing stands against it."""
        return not self.merged.conflicts


def attempt(entry: Installed, base: Bundle | None, newer: Bundle, prefer: Prefer = "") -> Attempt | str:
    """The copy of `entry` with what `newer` changed since `base`; or why that cannot be tried."""
    if base is None:
        return "the version that it was made from cannot be had"
    try:
        mine = folders.from_folder(copies.place(entry), entry.skill)
    except BadInputError as error:
        return f"your copy cannot be a skill: {error.what}"
    except OSError as error:
        return f"your copy cannot be read: {error.strerror or error}"
    was, their = folders.without_litter(base), folders.without_litter(newer)
    return Attempt(merged=merge(was, mine, their, prefer=prefer), over=folders.marks(mine))


def merged_entry(entry: Installed, release: Release, newer: Bundle) -> Installed:
    """What is remembered after a merge: the copy is an edited one of the newer release."""
    return replace(entry, version=release.version, files=folders.marks(newer), wanted="")


def merge_copy(
    entry: Installed, view: HubView, fetched: Fetched, home: Path, *, prefer: Prefer, write: bool
) -> tuple[MergeRow, Installed]:
    """Merge the current release of `view` into the copy of `entry`; what to tell, and what to remember.
    Without `write` it is only tried.
    """
    row = MergeRow(skill=entry.skill, hub=view.name, target=entry.target, base=entry.version, state="nothing")
    known = view.state.skills.get(entry.skill) if view.state is not None else None
    choice = choose(known, view, has_copy=True) if known is not None else None
    release = choice.for_edited(entry.version) if choice is not None else None
    if release is None or release.version == entry.version:
        detail = "no newer version is released"
        if choice is not None and choice.canary is not None and choice.canary.version != entry.version:
            detail += "; a canary comes to an edited copy once it is stable"
        return replace(row, detail=detail), entry
    row = replace(row, version=release.version)
    newer, _, why = fetched.get(view, release)
    if newer is None:
        return replace(row, state="failed", detail=why), entry
    tried = attempt(entry, fetched.base(view, entry.skill, entry.version), newer, prefer)
    if isinstance(tried, str):
        return replace(row, state="failed", detail=tried), entry
    if not tried.clean:
        return replace(row, state="conflicts", conflicts=tried.merged.conflicts), entry
    if not write:
        return replace(row, state="clean"), entry
    try:
        swap.put(tried.merged.bundle, Path(entry.target), home, tried.over)
    except swap.EditedError:
        return replace(row, state="failed", detail="you changed it meanwhile; try again"), entry
    except OSError as error:
        return replace(row, state="failed", detail=f"{error.strerror or error}"), entry
    return replace(row, state="merged"), merged_entry(entry, release, newer)
