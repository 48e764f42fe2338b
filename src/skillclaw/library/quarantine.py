"""Copies of revoked skills: out of every agent's sight, kept whole with their edits, put back on request.

`<home>/quarantine/<skill>@<version, 12 digits>` (then `-2`, `-3`, ...; 0700) holds the folder as it was;
beside it lies the same name with `.json`, which says where it came from, and with `.txt`, for people who
look there first. The JSON file is written before the folder is moved and taken away after it was put back,
so that a crash loses neither.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE, BadInputError, StorageError
from skillclaw.formats import stop_at_newer
from skillclaw.library import folders, swap
from skillclaw.library.copies import change, place
from skillclaw.library.records import FORMAT, Change, Installed, Quarantined
from skillclaw.private import private_folder, whole_file

__all__ = ["held", "restore", "take"]

_KEY_DIGITS = 12


def take(entry: Installed, home: Path) -> tuple[Change | None, bool]:
    """Move a copy of a revoked version there, edited or not; what to tell of it, and whether it is gone."""
    folder = place(entry)
    try:
        if not folders.exists(folder):
            return None, True
        if folder.is_symlink():
            return change(entry, "failed", "it was revoked, but is a link of yours now; remove it."), False
        private_folder(home / "quarantine")
        swap.recover(home / "quarantine", home)
        to = _free(home / "quarantine", f"{entry.skill}@{entry.version[:_KEY_DIGITS]}")
        record = Quarantined(
            id=to.name,
            skill=entry.skill,
            version=entry.version,
            hub=entry.hub,
            place=str(folder),
            edited=folders.scan(folder) != entry.files,
            since=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )
        _move(folder, to, record, home)
        to.chmod(0o700)
    except (OSError, StorageError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return change(entry, "failed", f"it was revoked and could not be moved: {why}."), False
    told = f"it was revoked for security. Put it back at your own risk: skillclaw skills restore {to.name}"
    return change(entry, "quarantined", told), True


def _move(folder: Path, to: Path, record: Quarantined, home: Path) -> None:
    """Raises OSError; then its notes are there only where something of it is."""
    try:
        with whole_file(_record(to)) as file:
            file.write(msgspec.json.format(msgspec.json.encode(record), indent=1))
        with whole_file(_told(to)) as file:
            file.write(_notice(record).encode("utf-8"))
        swap.move_out(folder, to, home)
    except OSError:
        if not folders.exists(to):
            _drop_notes(to)
        raise


def held(home: Path) -> list[Quarantined]:
    """What lies in quarantine now, oldest first; a record that cannot be read names no place.

    UpgradeNeededError for one of a newer format: how its copy goes back only a newer version knows.
    """
    found = []
    for path in sorted((home / "quarantine").glob("*.json")):
        if folders.exists(path.with_suffix("")):
            try:
                raw = path.read_bytes()
                stop_at_newer(raw, str(path), FORMAT)
                found.append(msgspec.json.decode(raw, type=Quarantined))
            except (OSError, *UNREADABLE):
                skill, _, version = path.stem.partition("@")
                found.append(Quarantined(id=path.stem, skill=skill, version=version))
    return sorted(found, key=lambda one: (one.since, one.id))


def restore(home: Path, name: str, into: Path | None = None) -> Quarantined:
    """Put back the copy with id `name`, or the only one of the skill `name`, where it was, or as folder
    `into`. It counts as the user's own from then on: no sync changes it or takes it away.

    Raises BadInputError where there is none or more, or where something is at its place; StorageError.
    """
    there = [one for one in held(home) if name in (one.id, one.skill)]
    if len(there) != 1:
        what = "Nothing" if not there else f"{len(there)} copies"
        ids = ", ".join(one.id for one in there or held(home)) or "nothing"
        raise BadInputError(
            f"{what} in quarantine by the name {name!r}.",
            f"There: {ids}.",
            "See: skillclaw skills quarantine",
        )
    (one,) = there
    if into is None and not one.place:
        raise BadInputError(
            f"Nobody knows where {one.id} was.", "Its record cannot be read.", "Say where: --into FOLDER"
        )
    to = into or Path(one.place)
    if folders.exists(to):
        raise BadInputError(f"{to} is there already.", "Nothing is overwritten.", "Move it, or say --into.")
    kept = home / "quarantine" / one.id
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        swap.recover(kept.parent, home)
        swap.move_out(kept, to, home)
        to.chmod(0o755)
        _drop_notes(kept)
    except OSError as error:
        raise StorageError(f"Cannot move {kept} to {to}.", str(error), "Mend it and try again.") from error
    return msgspec.structs.replace(one, place=str(to))


def _record(to: Path) -> Path:
    return to.with_name(to.name + ".json")


def _told(to: Path) -> Path:
    return to.with_name(to.name + ".txt")


def _drop_notes(to: Path) -> None:
    _told(to).unlink(missing_ok=True)
    _record(to).unlink(missing_ok=True)


def _free(folder: Path, name: str) -> Path:
    number = 1
    to = folder / name
    while any(folders.exists(to.with_name(to.name + end)) for end in ("", ".json", ".txt")):
        number += 1
        to = folder / f"{name}-{number}"
    return to


def _notice(one: Quarantined) -> str:
    edits = ", with your edits," if one.edited else ""
    return (
        f"The skill {one.skill} (version {one.version}) was revoked by its hub ({one.hub}) for security.\n"
        f"It was moved from {one.place} at {one.since}{edits} and is kept beside this file.\n"
        f"To put it back at your own risk:\n\n    skillclaw skills restore {one.id}\n"
    )
