"""One pass that brings the folders to what the hubs' logs say. The library's lock is held around it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from skillclaw.errors import SkillClawError
from skillclaw.hub.records import Release
from skillclaw.library import copies, folders, merging, quarantine, swap
from skillclaw.library.choose import Claim, HubView, choose, claims, taken_here
from skillclaw.library.fetched import Fetched
from skillclaw.library.records import (
    ChangeKind,
    Installed,
    LibraryState,
    Row,
    SyncReport,
    shown,
)
from skillclaw.library.step import Step
from skillclaw.library.telling import Telling
from skillclaw.library.withholding import CONTROL, withdrawn, withheld_row, withholding
from skillclaw.skills.bundle import check_name
from skillclaw.skills.records import Bundle

__all__ = ["Sync"]


class Sync:
    """Works on `book` and tells what it did; writes the folders, never `library.json`.

    `views` are the hubs in the order of precedence; `auto_merge` merges newer releases into edited copies
    where nothing conflicts. `running` tells of a folder which agents that read it are in a session now, for
    people (empty: none): a canary comes and goes between sessions only.
    """

    def __init__(
        self,
        home: Path,
        views: Sequence[HubView],
        book: LibraryState,
        *,
        auto_merge: bool = False,
        running: Callable[[Path], str] = lambda target: "",
    ) -> None:
        self.home = home
        self.views = views
        self.book = book
        self.auto_merge = auto_merge
        self.told = Telling(running)

    def take_away(self) -> None:
        """Remove what a signed commit withdrew, and quarantine what one revoked. A skill that the state does
        not know at all stays: absent is not withdrawn.
        """
        for view in self.views:
            skills = view.state.skills if view.state is not None else {}
            for entry in [entry for entry in self.book.installed if entry.hub == view.name]:
                skill = skills.get(entry.skill)
                if skill is None:
                    continue
                release = skill.release(entry.version)
                if release is not None and release.stage == "revoked":
                    told, gone = quarantine.take(entry, self.home)
                elif withdrawn(entry, choose(skill, view, has_copy=True)):
                    told, gone = copies.take_out(entry, self.home, "the hub withdrew it; your copy stays.")
                else:
                    continue
                if gone and told is None and not os.path.exists(entry.target):  # noqa: PTH110 - no error
                    continue  # its disk may be away, and come back with the copy
                if told is not None:
                    self.told.changes.append(told)
                self._swap_entry(entry, None if gone else replace(entry, wanted=""))

    def plan(self, targets: Sequence[Path], fetched: Fetched) -> list[Step]:
        """What is to be written. The book then holds it as pending, but for merges."""
        self._tell_declined()
        steps = []
        for view in self.views:
            for entry in [entry for entry in self.book.installed if entry.hub == view.name]:
                step = withholding(entry, view, self.told)
                if step is not None:
                    self._swap_entry(entry, step.entry)
                    steps.append(step)
        withheld = {
            (row.hub, row.skill)
            for rows in self.book.rows.values()
            for row in rows
            if row.state in ("withheld", "waiting")
        }
        for claim in claims(self.views, self.book.installed, self.book.declined, withheld):
            if claim.release is not None:
                found = [self._consider(target, claim, claim.release, fetched) for target in targets]
                steps += [step for step in found if step is not None]
            if claim.choice.arm == "control" and not self.told.waiting(claim.hub.name, claim.skill):
                self.told.rows.append(withheld_row(claim))
            for hub, release in claim.shadowed:
                detail = f"shadowed by {claim.hub.name}"
                self.told.tell(hub, claim.skill, "", "shadowed", detail, release)
                self.told.rows.append(
                    Row(skill=claim.skill, target="", state="shadowed", detail=detail, hub=hub)
                )
        return steps

    def install(self, step: Step) -> None:
        """Write one folder, or take it away; what was there stays where that cannot be done."""
        entry = step.entry
        if step.bundle is None:
            told, gone = copies.take_out(entry, self.home, "it is in neither arm.", step.action, step.detail)
            if told is not None and told.action != "edited":
                self.told.changes.append(told)
            self._swap_entry(entry, step.done if gone else step.back)
            return
        try:
            for folder in step.make:
                copies.make_folder(folder)
            swap.put(step.bundle, Path(entry.target), self.home, step.over)
        except swap.EditedError:
            self._swap_entry(entry, step.back)
            detail = f"version {step.release.version[:12]} is newer and was not installed."
            self.told.tell(step.hub, entry.skill, entry.target, "edited", detail, step.release)
        except OSError as error:
            self._swap_entry(entry, step.back)
            self.told.fail(step.hub, entry.skill, entry.target, f"{error.strerror or error}", step.release)
        else:
            self._swap_entry(entry, step.done)
            self.told.tell(step.hub, entry.skill, entry.target, step.action, step.detail, step.release)

    def finished(self) -> LibraryState:
        """The book to remember; what was told of hubs that could not be read now stays."""
        rows = {
            view.name: self.book.rows.get(view.name, [])
            if view.state is None
            else [row for row in self.told.rows if row.hub == view.name]
            for view in self.views
        }
        rows = {hub: kept for hub, kept in rows.items() if kept}
        return copies.without_made(replace(self.book, rows=rows))

    def report(self) -> SyncReport:
        """What was done."""
        return SyncReport(changes=self.told.changes, unchanged=self.told.unchanged)

    def _tell_declined(self) -> None:
        for view in self.views:
            for name, skill in sorted((view.state.skills if view.state is not None else {}).items()):
                release = skill.release(skill.current) if skill.current else None
                if release is not None and not {f"{view.name}/{name}", f"*/{name}"}.isdisjoint(
                    self.book.declined
                ):
                    self.told.tell(view.name, name, "", "skipped", "you uninstalled it", release)

    def _consider(self, target: Path, claim: Claim, release: Release, fetched: Fetched) -> Step | None:
        name, view = claim.skill, claim.hub
        try:
            check_name(name)
            copies.check_target(target)
            there = (e for e in self.book.installed if e.skill == name)
            ours = next((e for e in there if copies.real(e.target) == copies.real(target)), None)
            if ours is None:
                return self._begin(target, claim, release, fetched)
            if ours.hub == view.name:
                return self._renew(ours, claim, release, fetched)
            step = self._take_over(ours, claim, release, fetched)
            # the hub that it is from may say that it goes, whatever becomes of its place
            gone = step is None and ours in self.book.installed and self._taken(ours)
            return self._leaving(ours, ours.hub, release) if gone else step
        except SkillClawError as error:
            self.told.fail(view.name, name, str(target), error.what, release)
        except OSError as error:
            self.told.fail(view.name, name, str(target), f"{error.strerror or error}", release)
        return None

    def _renew(self, entry: Installed, claim: Claim, release: Release, fetched: Fetched) -> Step | None:
        """A copy that was installed before: as it should be, edited, gone, or to be updated."""
        view, place = claim.hub, copies.place(entry)
        taken = self._taken(entry)
        swaps = claim.choice.swaps(entry.version) and not taken
        newer = "" if entry.version == release.version else release.version
        if not folders.exists(place):
            self._swap_entry(entry, replace(entry, wanted=newer))
            self.told.tell(view.name, entry.skill, entry.target, "missing", "you removed it", release)
            return None
        found = folders.scan(place)
        if found != entry.files and claim.choice.canary is not None:
            stays = claim.choice.for_edited(entry.version)
            if stays is None:
                self._swap_entry(entry, replace(entry, wanted=""))
                return None  # in neither arm
            release, newer, swaps = stays, stays.version, False
        if found == entry.files and not newer:
            self._swap_entry(entry, replace(entry, wanted=""))
            self.told.unchanged += 1
            return None
        if found != entry.files and not newer:
            self._swap_entry(entry, replace(entry, wanted=""))
            return None  # edited, and nothing new to say
        if swaps and self.told.waits(view.name, entry.skill, Path(entry.target), release):
            self._swap_entry(entry, replace(entry, wanted=""))
            return None
        bundle, action, detail = fetched.get(view, release)
        if bundle is not None and found == folders.marks(bundle):
            done = replace(entry, version=release.version, files=found, wanted="")
            self._swap_entry(entry, done)
            self.told.unchanged += 1
            return None
        wanting = replace(entry, wanted=newer)
        self._swap_entry(entry, wanting)
        if found != entry.files:
            return self._edited(wanting, view, release, bundle, fetched)
        if bundle is None:
            self.told.refuse(view.name, entry.skill, entry.target, action, detail, release)
            return self._leaving(wanting, view.name, release) if taken else None
        if swaps and claim.choice.arm == "control":
            detail = f"{CONTROL} Version {release.version[:12]}, the one before, is in its place."
            return self._pending(wanting, view.name, release, bundle, "withheld", old=wanting, detail=detail)
        return self._pending(wanting, view.name, release, bundle, "updated", old=wanting)

    def _leaving(self, entry: Installed, hub: str, release: Release) -> Step:
        """The step that takes away a copy in whose place the `release` to come cannot be put."""
        leaving = replace(entry, leaving=True)
        self._swap_entry(entry, leaving)
        return Step(
            entry=leaving,
            hub=hub,
            release=release,
            bundle=None,
            over=None,
            done=None,
            back=entry,
            action="removed",
            detail="people of the group took it away.",
        )

    def _taken(self, entry: Installed) -> bool:
        """Whether people took the installed version away (`hub.taken.as_wanted`): what is to come instead may
        not fit here, and it goes all the same."""
        view = next((view for view in self.views if view.name == entry.hub), None)
        skill = view.state.skills.get(entry.skill) if view is not None and view.state is not None else None
        release = skill.release(entry.version) if skill is not None else None
        if view is None or skill is None or release is None:
            return False
        return release.stage == "archived" or taken_here(skill, release, view)

    def _edited(
        self, entry: Installed, view: HubView, release: Release, bundle: Bundle | None, fetched: Fetched
    ) -> Step | None:
        """A newer release meets an edited copy: merged where the user wants that and nothing conflicts."""
        command = f"skillclaw skills merge {shown(view.name, entry.skill)}"
        what = f"version {release.version[:12]} is newer"
        if bundle is None:
            detail = f"{what} and was not installed."
        else:
            base = fetched.base(view, entry.skill, entry.version)
            tried = merging.attempt(entry, base, bundle)
            if isinstance(tried, str):
                detail = f"{what} and cannot be merged: {tried}."
            elif not tried.clean:
                places = f"{len(tried.merged.conflicts)} place{'s' * (len(tried.merged.conflicts) > 1)}"
                detail = f"{what} and conflicts with it in {places}. See: {command}"
            elif self.auto_merge:
                return Step(
                    entry=entry,
                    hub=view.name,
                    release=release,
                    bundle=tried.merged.bundle,
                    over=tried.over,
                    done=merging.merged_entry(entry, release, bundle),
                    back=entry,
                    action="merged",
                )
            else:
                detail = f"{what} and would merge cleanly. Do it: {command}"
        self.told.tell(view.name, entry.skill, entry.target, "edited", detail, release)
        return None

    def _take_over(self, entry: Installed, claim: Claim, release: Release, fetched: Fetched) -> Step | None:
        """The place of another hub's skill: the claim's comes before it and offers the name too."""
        view, place = claim.hub, copies.place(entry)
        if not folders.exists(place):
            self.told.tell(view.name, entry.skill, entry.target, "missing", "you removed it", release)
            return None
        found = folders.scan(place)
        bundle, action, detail = fetched.get(view, release)
        if bundle is not None and found == folders.marks(bundle):
            done = Installed(
                hub=view.name, skill=entry.skill, target=entry.target, version=release.version, files=found
            )
            self._swap_entry(entry, done)
            self.told.unchanged += 1
            return None
        if found != entry.files:
            detail = f"hub {view.name} has a skill of that name, which comes once your edit is gone."
            self.told.tell(view.name, entry.skill, entry.target, "edited", detail, release)
            return None
        if bundle is None:
            self.told.refuse(view.name, entry.skill, entry.target, action, detail, release)
            return None
        if claim.choice.swaps("") and self.told.waits(view.name, entry.skill, Path(entry.target), release):
            return None
        detail = f"hub {view.name} has a skill of that name and comes before {entry.hub}."
        return self._pending(entry, view.name, release, bundle, "replaced", old=entry, detail=detail)

    def _begin(self, target: Path, claim: Claim, release: Release, fetched: Fetched) -> Step | None:
        """A folder that does not have the skill from us yet."""
        name, view = release.skill, claim.hub
        make = _missing(target)
        if make and not self._may_make(target, make):
            self.told.tell(
                view.name, name, str(target), "skipped", f"there is no folder {target.parent}", release
            )
            return None
        for other in [] if make else os.listdir(target):  # noqa: PTH208 - names are needed, not paths
            if other.casefold() == name:
                detail = f"{target / other} is there and not from SkillClaw."
                self.told.tell(view.name, name, str(target), "blocked", detail, release)
                self.told.rows.append(
                    Row(skill=name, target=str(target), state="blocked", detail=detail, hub=view.name)
                )
                return None
        if claim.choice.swaps("") and self.told.waits(view.name, name, target, release):
            return None
        bundle, action, detail = fetched.get(view, release)
        if bundle is None:
            self.told.refuse(view.name, name, str(target), action, detail, release)
            return None
        fresh = Installed(hub=view.name, skill=name, target=str(target))
        made = [str(folder) for folder in make if str(folder) not in self.book.made]
        self.book = replace(self.book, made=[*self.book.made, *made])
        return self._pending(fresh, view.name, release, bundle, "installed", old=None, make=tuple(make))

    def _pending(
        self,
        entry: Installed,
        hub: str,
        release: Release,
        bundle: Bundle,
        action: ChangeKind,
        *,
        old: Installed | None,
        detail: str = "",
        make: tuple[Path, ...] = (),
    ) -> Step:
        """The step that writes `bundle` over what `entry` wrote; the book holds it from here on."""
        marks = folders.marks(bundle)
        other = hub if hub != entry.hub else ""
        pending = replace(entry, pending_hub=other, pending_version=release.version, pending_files=marks)
        self._swap_entry(old, pending)
        wanted = entry.wanted if other else release.version
        return Step(
            entry=pending,
            hub=hub,
            release=release,
            bundle=bundle,
            over=entry.files if entry.version else None,
            done=replace(entry, hub=hub, version=release.version, files=marks, wanted=""),
            back=replace(entry, wanted=wanted) if entry.version else None,
            action=action,
            detail=detail,
            make=make,
        )

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
