"""One pass that brings the folders to what a hub's log says. The library's lock is held around it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.hub.records import HubState, Release
from skillclaw.library import copies, folders, quarantine, swap
from skillclaw.library.records import Change, ChangeKind, Installed, LibraryState, Row, SyncReport
from skillclaw.skills.bundle import check_files, check_name
from skillclaw.skills.records import Bundle, Verdict

__all__ = ["Fetched", "Step", "Sync"]


class Fetched:
    """Releases' files, each fetched and checked once however many folders want it."""

    def __init__(self, fetch: Callable[[Release], Bundle], check: Callable[[Bundle], list[Verdict]]) -> None:
        self._fetch = fetch
        self._check = check
        self._known: dict[str, tuple[Bundle | None, ChangeKind, str]] = {}

    def get(self, release: Release) -> tuple[Bundle | None, ChangeKind, str]:
        """The bundle; or None with what to tell (`failed` or `refused`) and why."""
        key = f"{release.skill}/{release.version}"
        if key not in self._known:
            self._known[key] = self._look(release)
        return self._known[key]

    def _look(self, release: Release) -> tuple[Bundle | None, ChangeKind, str]:
        try:
            bundle = self._fetch(release)
            check_files(bundle.files)
            if bundle.name != release.skill:
                raise BadInputError(f"The files are those of {bundle.name}.")
            refused = [v for v in self._check(bundle) if v.verdict == "reject"]
        except SkillClawError as error:
            return None, "failed", " ".join(part for part in (error.what, error.why) if part)
        except OSError as error:
            return None, "failed", f"{error.strerror or error}."
        if refused:
            return None, "refused", "; ".join(f"{v.check}: {v.reason}" for v in refused)
        return bundle, "installed", ""


@dataclass(frozen=True)
class Step:
    """One folder that is to be written: `entry` is what the book says while that is under way."""

    entry: Installed
    release: Release
    bundle: Bundle
    make: list[Path]


class Sync:
    """Works on `book` and tells what it did; writes the folders, never `library.json`."""

    def __init__(self, home: Path, hub: str, state: HubState, book: LibraryState) -> None:
        self.home = home
        self.hub = hub
        self.state = state
        self.book = book
        self._changes: list[Change] = []
        self._rows: list[Row] = []
        self._unchanged = 0

    def take_away(self) -> None:
        """Remove what a signed commit withdrew, and quarantine what one revoked. A skill that the state does
        not know at all stays: absent is not withdrawn.
        """
        for entry in [entry for entry in self.book.installed if entry.hub == self.hub]:
            skill = self.state.skills.get(entry.skill)
            if skill is None:
                continue
            release = skill.release(entry.version)
            current = skill.release(skill.current) if skill.current else None
            if release is not None and release.stage == "revoked":
                told, gone = quarantine.take(entry, self.home)
            elif current is None:
                told, gone = copies.take_out(entry, self.home, "the hub withdrew it; your copy stays.")
            else:
                continue
            if told is not None:
                self._changes.append(told)
            self._swap_entry(entry, None if gone else replace(entry, wanted=""))

    def plan(self, targets: list[Path], fetched: Fetched) -> list[Step]:
        """What is to be written. The book then holds it as pending."""
        steps: list[Step] = []
        for name, skill in sorted(self.state.skills.items()):
            release = skill.release(skill.current) if skill.current else None
            if release is None:
                continue
            if f"{self.hub}/{name}" in self.book.declined:
                self._tell(name, "", "skipped", "you uninstalled it", release)
            else:
                for target in targets:
                    step = self._consider(target, release, fetched)
                    if step is not None:
                        steps.append(step)
        return steps

    def install(self, step: Step) -> None:
        """Write one folder; what was there stays where that cannot be done."""
        entry = step.entry
        target = Path(entry.target)
        settled = replace(entry, pending_version="", pending_files={}, wanted=step.release.version)
        try:
            for folder in step.make:
                copies.make_folder(folder)
            swap.put(step.bundle, target, self.home, entry.files if entry.version else None)
        except swap.EditedError:
            self._swap_entry(entry, settled)
            self._tell(entry.skill, entry.target, "edited", _newer(step.release), step.release)
        except OSError as error:
            self._swap_entry(entry, settled if entry.version else None)
            self._fail(entry.skill, entry.target, f"{error.strerror or error}", step.release)
        else:
            done = replace(settled, version=entry.pending_version, files=entry.pending_files, wanted="")
            self._swap_entry(entry, done)
            action: ChangeKind = "updated" if entry.version else "installed"
            self._tell(entry.skill, entry.target, action, "", step.release)

    def finished(self) -> LibraryState:
        """The book to remember."""
        rows = {hub: rows for hub, rows in {**self.book.rows, self.hub: self._rows}.items() if rows}
        return copies.without_made(replace(self.book, rows=rows))

    def report(self) -> SyncReport:
        """What was done."""
        return SyncReport(changes=self._changes, unchanged=self._unchanged)

    def _consider(self, target: Path, release: Release, fetched: Fetched) -> Step | None:
        name = release.skill
        try:
            check_name(name)
            copies.check_target(target)
            there = [e for e in self.book.installed if e.skill == name]
            there = [e for e in there if copies.real(e.target) == copies.real(target)]
            ours = next((entry for entry in there if entry.hub == self.hub), None)
            if ours is not None:
                return self._renew(ours, release, fetched)
            if there:
                self._block(name, target, f"the skill of that name comes from hub {there[0].hub}.", release)
                return None
            return self._begin(target, release, fetched)
        except SkillClawError as error:
            self._fail(name, str(target), error.what, release)
        except OSError as error:
            self._fail(name, str(target), f"{error.strerror or error}", release)
        return None

    def _renew(self, entry: Installed, release: Release, fetched: Fetched) -> Step | None:
        """A copy that was installed before: as it should be, edited, gone, or to be updated."""
        place = copies.place(entry)
        newer = "" if entry.version == release.version else release.version
        if not folders.exists(place):
            self._swap_entry(entry, replace(entry, wanted=newer))
            self._tell(entry.skill, entry.target, "missing", "you removed it", release)
            return None
        found = folders.scan(place)
        if found == entry.files and not newer:
            self._swap_entry(entry, replace(entry, wanted=""))
            self._unchanged += 1
            return None
        if found != entry.files and not newer:
            return None  # edited, and nothing new to say
        bundle, action, detail = fetched.get(release)
        if bundle is not None and found == folders.marks(bundle):
            done = replace(entry, version=release.version, files=found, wanted="")
            self._swap_entry(entry, done)
            self._unchanged += 1
            return None
        wanting = replace(entry, wanted=newer)
        self._swap_entry(entry, wanting)
        if found != entry.files:
            self._tell(entry.skill, entry.target, "edited", _newer(release), release)
            return None
        if bundle is None:
            self._tell(entry.skill, entry.target, action, detail, release)
            self._rows.append(_row(entry.skill, entry.target, action, detail))
            return None
        return self._pending(wanting, wanting, release, bundle, [])

    def _begin(self, target: Path, release: Release, fetched: Fetched) -> Step | None:
        """A folder that does not have the skill from us yet."""
        name = release.skill
        make = _missing(target)
        if make and not self._may_make(target, make):
            self._tell(name, str(target), "skipped", f"there is no folder {target.parent}", release)
            return None
        for other in [] if make else os.listdir(target):  # noqa: PTH208 - names are needed, not paths
            if other.casefold() == name:
                self._block(name, target, f"{target / other} is there and not from SkillClaw.", release)
                return None
        bundle, action, detail = fetched.get(release)
        if bundle is None:
            self._tell(name, str(target), action, detail, release)
            self._rows.append(_row(name, str(target), action, detail))
            return None
        fresh = Installed(hub=self.hub, skill=name, target=str(target))
        made = [str(folder) for folder in make if str(folder) not in self.book.made]
        self.book = replace(self.book, made=[*self.book.made, *made])
        return self._pending(None, fresh, release, bundle, make)

    def _pending(
        self, old: Installed | None, entry: Installed, release: Release, bundle: Bundle, make: list[Path]
    ) -> Step:
        pending = replace(entry, pending_version=release.version, pending_files=folders.marks(bundle))
        self._swap_entry(old, pending)
        return Step(entry=pending, release=release, bundle=bundle, make=make)

    def _may_make(self, target: Path, make: list[Path]) -> bool:
        """The skills folder and the agent's own folder around it (`.claude/skills`), but no path above."""
        own = target.parent.name.startswith(".") and len(make) == 2
        return len(make) == 1 or own or target.is_relative_to(self.home)

    def _swap_entry(self, old: Installed | None, new: Installed | None) -> None:
        """In its place, so that a sync that changes nothing leaves the book equal and is not written."""
        new_ones = [new] if new is not None else []
        if old is None:
            entries = [*self.book.installed, *new_ones]
        else:
            at = self.book.installed.index(old)
            entries = [*self.book.installed[:at], *new_ones, *self.book.installed[at + 1 :]]
        self.book = replace(self.book, installed=entries)

    def _tell(self, skill: str, target: str, action: ChangeKind, detail: str, release: Release) -> None:
        self._changes.append(
            Change(skill=skill, target=target, action=action, detail=detail, version=release.version)
        )

    def _block(self, skill: str, target: Path, detail: str, release: Release) -> None:
        self._tell(skill, str(target), "blocked", detail, release)
        self._rows.append(Row(skill=skill, target=str(target), state="blocked", detail=detail))

    def _fail(self, skill: str, target: str, detail: str, release: Release) -> None:
        self._tell(skill, target, "failed", f"{detail}.".replace("..", "."), release)
        self._rows.append(Row(skill=skill, target=target, state="failed", detail=detail))


def _row(skill: str, target: str, action: str, detail: str) -> Row:
    why = f"a check refused it: {detail}" if action == "refused" else detail
    return Row(skill=skill, target=target, state="failed", detail=why)


def _newer(release: Release) -> str:
    return (
        f"version {release.version[:12]} is newer and was not installed. See: skillclaw skills diff"
        f" {release.skill} edited"
    )


def _missing(target: Path) -> list[Path]:
    """The folders on the way to `target` that are not there, outermost first."""
    missing: list[Path] = []
    place = target
    while not place.exists() and place != place.parent:
        missing.insert(0, place)
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(20, f"{place} is not a folder")
    return missing
