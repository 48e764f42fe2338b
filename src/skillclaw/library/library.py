"""The skills of this machine: what the hub's log makes current, in the agents' folders (DESIGN 3.3, 7.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from msgspec.structs import replace

from skillclaw.errors import BadInputError, BusyError, StorageError
from skillclaw.hub.records import HubState, Release
from skillclaw.library import book, copies, folders, quarantine
from skillclaw.library.records import Change, LibraryState, Quarantined, Row, SyncReport
from skillclaw.library.sync import Fetched, Sync
from skillclaw.skills.records import Bundle, Verdict

__all__ = ["Library"]

_WAIT = 60.0


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
        hub_name: str,
        state: HubState,
        fetch: Callable[[Release], Bundle],
        check: Callable[[Bundle], list[Verdict]],
    ) -> SyncReport:
        """Bring every folder to what `state` says of hub `hub_name`.

        `fetch` gives a release's files, `check` the verdicts that may refuse them. What stands in the way of
        one skill in one folder is in the report and stops no other. A skill that `state` does not know stays
        as it is: only a signed commit removes one. Raises StorageError where `library.json` cannot be read
        or written, BusyError where another process is at work for long.
        """
        with self._alone() as known:
            work = Sync(self.home, hub_name, state, known)
            work.take_away()
            planned = work.plan(self._places(), Fetched(fetch, check))
            # what is about to be written is on disk first, so that it is known as ours after a crash
            book.save(self.home, work.book, only_if_not=known)
            before = work.book
            for step in planned:
                work.install(step)
            book.save(self.home, work.finished(), only_if_not=before)
            return work.report()

    def status(self) -> list[Row]:
        """How each skill stands in each folder, and what the last sync could not install."""
        known = book.load(self.home)
        told = {(row.skill, row.target): row for rows in known.rows.values() for row in rows}
        rows = []
        for entry in known.installed:
            row = copies.row(entry)
            reason = told.pop((entry.skill, entry.target), None)
            if row.state == "outdated" and reason is not None:
                row = replace(row, detail=f"{row.detail}: {reason.detail}")
            rows.append(row)
        return sorted([*rows, *told.values()], key=lambda row: (row.skill, row.target))

    def uninstall(self, name: str | None) -> SyncReport:
        """Take skill `name`, or all, out of the folders; what the user edited stays.

        The skills are remembered as declined, so that no sync brings them back (see `accept`). Folders that
        SkillClaw made are taken away when they are empty. Raises BadInputError where `name` is not installed.
        """
        with self._alone() as known:
            entries = [entry for entry in known.installed if name in (None, entry.skill)]
            if not entries and name is not None:
                raise BadInputError(
                    f"{name} is not installed by SkillClaw.", "", "See: skillclaw skills edit-status"
                )
            changes: list[Change] = []
            # declined before the first is taken away: a crash in between must not bring it back
            declined = {f"{entry.hub}/{entry.skill}" for entry in entries}
            now = replace(known, declined=sorted({*known.declined, *declined}))
            book.save(self.home, now, only_if_not=known)
            for entry in entries:
                change, gone = copies.take_out(entry, self.home, "it is yours now.")
                changes += [change] if change is not None else []
                if gone:
                    now = replace(now, installed=[other for other in now.installed if other != entry])
            rows = {
                hub: [row for row in rows if name is not None and row.skill != name]
                for hub, rows in now.rows.items()
            }
            now = copies.without_made(replace(now, rows={hub: rows for hub, rows in rows.items() if rows}))
            book.save(self.home, now)
            note = "" if changes else "Nothing was installed, so nothing was removed."
            return SyncReport(changes=changes, note=note)

    def accept(self, name: str | None) -> list[str]:
        """Let sync install `name`, or all, again after `uninstall` or after the user deleted a copy.

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

    def edited_bundle(self, name: str) -> Bundle | None:
        """The files of the first installed copy of `name` that the user edited, or None where none is.

        Raises BadInputError where the copy cannot be a skill any more (links, names, size).
        """
        for entry in book.load(self.home).installed:
            if entry.skill == name and copies.row(entry).state == "edited":
                place = copies.place(entry)
                try:
                    return folders.from_folder(place, name)
                except OSError as error:
                    raise StorageError(f"Cannot read {place}.", str(error), "Check who owns it.") from error
        return None

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
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
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
