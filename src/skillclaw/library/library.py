"""The skills of this machine: what the hubs' logs make current, in the agents' folders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from msgspec.structs import replace

from skillclaw.errors import BadInputError, BusyError, StorageError
from skillclaw.library import book, copies, folders, past, quarantine
from skillclaw.library.choose import HubView
from skillclaw.library.fetched import Fetched
from skillclaw.library.merging import merge_copy
from skillclaw.library.records import (
    Change,
    Installed,
    LibraryState,
    MergeRow,
    Quarantined,
    Row,
    SyncReport,
)
from skillclaw.library.sync import Sync
from skillclaw.private import lasting_folder
from skillclaw.skills.records import Bundle, Verdict
from skillclaw.skills.threeway import Prefer

__all__ = ["EditedCopy", "Library"]

_WAIT = 60.0


@dataclass(frozen=True)
class EditedCopy:
    """A copy that the user edited: what is remembered of it, and its files as they are."""

    entry: Installed
    bundle: Bundle

    @property
    def place(self) -> Path:
        """Its folder."""
        return copies.place(self.entry)


class Library:
    """The skills that SkillClaw installed on this machine, remembered in `<home>/library.json`.

    One process at a time changes them (`library.lock`); a process that dies at any point leaves each skill's
    folder as it was or as it should be, and the next call cleans up after it.
    """

    def __init__(self, home: Path, targets: list[Path]) -> None:
        self.home = home
        self.targets = targets

    def sync(
        self,
        views: Sequence[HubView],
        check: Callable[[Bundle], list[Verdict]],
        *,
        auto_merge: bool = False,
        running: Callable[[Path], str] = lambda target: "",
        now: datetime | None = None,
    ) -> SyncReport:
        """Bring every folder to what the hubs say, which come in the order of precedence.

        `check` gives the verdicts that may refuse a release's files. What stands in the way of one skill in
        one folder is in the report and stops no other. A skill that no state knows stays as it is: only a
        signed commit removes one; and a hub that could not be read changes nothing of its own. With
        `auto_merge` newer releases are merged into edited copies where nothing conflicts. What only follows
        the day, a canary's coming and going, waits for the agents that `running` tells of (see `Sync`); how
        everything then stands is noted as of `now`. Raises StorageError where `library.json` cannot be read
        or written, BusyError where another process is at work for long.
        """
        with self._alone() as known:
            work = Sync(self.home, views, known, auto_merge=auto_merge, running=running)
            work.take_away()
            planned = work.plan(self._places(), Fetched(check))
            # what is about to be written is on disk first, so that it is known as ours after a crash
            book.save(self.home, work.book, only_if_not=known)
            before = work.book
            for step in planned:
                work.install(step)
            done = work.finished()
            book.save(self.home, done, only_if_not=before)
            canaries = all(view.canaries for view in views)
            groups = {view.name: view.state.group for view in views if view.state is not None}
            past.note(self.home, done.installed, now or datetime.now(UTC), canaries=canaries, groups=groups)
            return work.report()

    def bundles(self) -> list[Bundle]:
        """The installed copies as they are on the disk; one that cannot be read is left out."""
        found: dict[str, Bundle] = {}
        for entry in book.load(self.home).installed:
            with suppress(BadInputError, OSError):
                if entry.skill not in found:
                    found[entry.skill] = folders.from_folder(copies.place(entry), entry.skill)
        return list(found.values())

    def merge(
        self,
        name: str,
        views: Sequence[HubView],
        check: Callable[[Bundle], list[Verdict]],
        *,
        prefer: Prefer = "",
        write: bool = True,
    ) -> list[MergeRow]:
        """Merge what hubs released since into the edited copies of skill `name`; a row for each copy.

        Copies of other hubs than those of `views` are left out. A conflict leaves its copy as it is, unless
        `prefer` says whose side counts. Without `write` it is only tried. Raises as `sync`.
        """
        by_name = {view.name: view for view in views}
        with self._alone() as known:
            fetched = Fetched(check)
            rows: list[MergeRow] = []
            for entry in known.installed:
                if entry.skill != name or entry.hub not in by_name or copies.row(entry).state != "edited":
                    continue
                row, now = merge_copy(
                    entry, by_name[entry.hub], fetched, self.home, prefer=prefer, write=write
                )
                rows.append(row)
                if now != entry:
                    changed = [now if other is entry else other for other in known.installed]
                    known = replace(known, installed=changed)
                    book.save(self.home, known)
            return rows

    def status(self, of: Collection[tuple[str, str]] | None = None) -> list[Row]:
        """How each skill stands in each folder, and what the last sync could not install. Every file of the
        copies is looked at; with `of` only those of these skills (hub, name)."""
        known = book.load(self.home)
        if of is not None:
            known = replace(
                known,
                installed=[one for one in known.installed if (one.hub, one.skill) in of],
                rows={
                    hub: [row for row in rows if (row.hub, row.skill) in of]
                    for hub, rows in known.rows.items()
                },
            )
        told = {(row.hub, row.skill, row.target): row for rows in known.rows.values() for row in rows}
        rows, here = [], set()
        for entry in known.installed:
            row = copies.row(entry)
            here.add((entry.hub, entry.skill, ""))
            reason = told.pop((entry.hub, entry.skill, entry.target), None)
            if row.state == "outdated" and reason is not None:
                row = replace(row, detail=f"{row.detail}: {reason.detail}")
            elif row.state == "installed":
                withheld = told.get((entry.hub, entry.skill, ""))
                if reason is None and withheld is not None and withheld.state == "withheld":
                    reason = withheld
                row = replace(row, detail=reason.detail) if reason is not None else row
            rows.append(row)
        told = {key: row for key, row in told.items() if key not in here or row.state != "withheld"}
        return sorted([*rows, *told.values()], key=lambda row: (row.skill, row.target, row.hub))

    def canaries(self) -> list[Row]:
        """The canaries that the last sync withheld, or that wait for running sessions."""
        rows = [row for rows in book.load(self.home).rows.values() for row in rows]
        return sorted(
            (row for row in rows if row.state in ("withheld", "waiting")),
            key=lambda row: (row.skill, row.hub, row.target),
        )

    def uninstall(self, name: str | None, hub: str | None = None) -> SyncReport:
        """Take skill `name`, or all, out of the folders; what the user edited stays. With `hub` only that
        hub's, so that another hub's of the name may take the place.

        The skills are remembered as declined, so that no sync brings them back (see `accept`). Folders that
        SkillClaw made are taken away when they are empty. Raises BadInputError where `name` is not installed.
        """
        with self._alone() as known:
            entries = [
                entry for entry in known.installed if name in (None, entry.skill) and hub in (None, entry.hub)
            ]
            away = {
                row.skill
                for rows in known.rows.values()
                for row in rows
                if row.state == "withheld" and name in (None, row.skill) and hub in (None, row.hub)
            }
            if not entries and not away and name is not None:
                raise BadInputError(
                    f"{name} is not installed by SkillClaw.", "", "See: skillclaw skills edit-status"
                )
            changes: list[Change] = []
            # declined before the first is taken away: a crash in between must not bring it back
            declined = {f"{hub or '*'}/{skill}" for skill in away | {entry.skill for entry in entries}}
            now = replace(known, declined=sorted({*known.declined, *declined}))
            book.save(self.home, now, only_if_not=known)
            for entry in entries:
                change, gone = copies.take_out(entry, self.home, "it is yours now.")
                changes += [change] if change is not None else []
                if gone:
                    now = replace(now, installed=[other for other in now.installed if other != entry])
            left = {
                one: [row for row in rows if name is not None and row.skill != name]
                for one, rows in now.rows.items()
            }
            now = copies.without_made(replace(now, rows={one: rows for one, rows in left.items() if rows}))
            book.save(self.home, now)
            note = "" if changes else "Nothing was installed, so nothing was removed."
            return SyncReport(changes=changes, note=note)

    def accept(self, name: str | None) -> list[str]:
        """Let sync install `name`, or all, again after `uninstall` or after the user deleted a copy, from
        whichever hub it comes.

        Returns the names that were held back.
        """
        with self._alone() as known:
            back = {given for given in known.declined if name in (None, given.partition("/")[2])}
            lost = [
                entry
                for entry in known.installed
                if name in (None, entry.skill) and copies.row(entry).state == "missing"
            ]
            now = replace(
                known,
                declined=[given for given in known.declined if given not in back],
                installed=[entry for entry in known.installed if entry not in lost],
            )
            book.save(self.home, now, only_if_not=known)
            return sorted({given.partition("/")[2] for given in back} | {entry.skill for entry in lost})

    def quarantined(self) -> list[Quarantined]:
        """The copies of revoked skills that were moved away."""
        return quarantine.held(self.home)

    def restore(self, name: str, into: Path | None = None) -> Quarantined:
        """Put a copy out of quarantine back (see `quarantine.restore`)."""
        with self._alone():
            return quarantine.restore(self.home, name, into)

    def edited(self, name: str, hub: str | None = None) -> list[EditedCopy]:
        """The installed copies of `name` that the user edited, each with its files.

        Raises BadInputError where one cannot be a skill any more (links, names, size), StorageError where it
        cannot be read.
        """
        found = []
        for entry in book.load(self.home).installed:
            if entry.skill == name and hub in (None, entry.hub) and copies.row(entry).state == "edited":
                place = copies.place(entry)
                try:
                    found.append(EditedCopy(entry=entry, bundle=folders.from_folder(place, name)))
                except OSError as error:
                    raise StorageError(f"Cannot read {place}.", str(error), "Check who owns it.") from error
        return found

    def _places(self) -> list[Path]:
        """The targets, each folder once: one may be a link to another."""
        found: dict[str, Path] = {}
        for target in self.targets:
            found.setdefault(copies.real(target), target)
        return list(found.values())

    @contextmanager
    def _alone(self) -> Iterator[LibraryState]:
        """Hold the library's lock, with what dead processes left cleaned up; gives the state as recovered."""
        try:
            lasting_folder(self.home)
            lock = FileLock(self.home / "library.lock", timeout=_WAIT, mode=0o600)
            lock.acquire()
        except Timeout as error:
            raise BusyError(
                "Another SkillClaw process installs skills.", f"It holds {self.home}.", "Try again."
            ) from error
        except OSError as error:
            raise StorageError(
                f"Cannot lock {self.home}.", str(error), "Free space or mend permissions."
            ) from error
        try:
            known = book.load(self.home)
            settled = copies.recovered(known, self.home, self._places())
            book.save(self.home, settled, only_if_not=known)
            yield settled
        finally:
            lock.release()
