"""`skillclaw backup`: a home in one file, while everything goes on running.

What names other files is read before those are listed, and so none names what is not in the archive: first
`contents.NAMERS`, then which entries the hub's log has, then all else. Databases go in by SQLite's online
backup. Where the hub's log was packed meanwhile, so that entries went from where they were listed, or an
agent was connected or disconnected, the archive is begun anew.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import msgspec

from skillclaw import __version__
from skillclaw.errors import BusyError, SkillClawError, StorageError, UsageError
from skillclaw.journal.store_file import told as told_of_database
from skillclaw.library import book, copies
from skillclaw.private import whole_file
from skillclaw.server.backup.contents import NAMERS, How, how, order
from skillclaw.server.backup.packing import Packer, checked_path
from skillclaw.server.backup.records import HEAD, MANIFEST, Copy, Entry, Head, LeftOut, Manifest
from skillclaw.trajectory.model import Record

__all__ = ["BackedUp", "back_up"]

TRIES = 5
_CONNECTIONS = PurePosixPath("connections.json")
PLAIN = (
    "It holds this home's keys and sessions: it is as secret as the home. Whoever reads it can act as you in "
    "your groups. --passphrase-file seals it."
)
SEALED = (
    "It is sealed. Without the passphrase nobody can open it, you neither; keep that somewhere else, and "
    "keep the file to yourself all the same."
)


class BackedUp(Record, frozen=True, kw_only=True, omit_defaults=False):
    """`backup --json`: the file, its bytes, how many files are in it; whether it is sealed and has the raw
    exchanges; what it could not hold; what to know about it.
    """

    file: str
    bytes: int
    files: int
    sealed: bool
    journal: bool
    left_out: list[LeftOut] = []
    notes: list[str] = []


class _Moved(Exception):  # noqa: N818  never leaves this module
    """What was listed is not there any more."""


def back_up(home: Path, target: Path, *, journal: bool = False, passphrase: bytes | None = None) -> BackedUp:
    """Write all that is worth keeping of `home` into the new file `target` (0600).

    Raises UsageError for a target that cannot be one, StorageError where something cannot be read or written;
    then there is no `target`.
    """
    home, target = home.resolve(), target.expanduser().absolute()
    _check(home, target)
    for _ in range(TRIES):
        try:
            with whole_file(target) as file:
                made = _write(home, target, file, journal=journal, passphrase=passphrase)
            break
        except _Moved:
            continue
        except OSError as error:
            raise StorageError(
                "The backup could not be written.",
                f"{error.strerror or error} ({error.filename or target})",
                "Free space or mend permissions; there is no half backup.",
            ) from error
    else:
        raise BusyError(
            "The backup could not be written.",
            "The hub was packed, or agents were connected, again and again meanwhile.",
            "Try again when that is done.",
        )
    notes = [SEALED if passphrase is not None else PLAIN, *_outside(home)]
    if not journal and (home / "journal").exists():
        notes.append("Raw exchanges, which go after some days, are not in it (--with-journal).")
    return BackedUp(
        file=str(target),
        bytes=target.stat().st_size,
        files=len(made.files),
        sealed=passphrase is not None,
        journal=journal,
        left_out=made.left_out,
        notes=notes,
    )


def _check(home: Path, target: Path) -> None:
    if not home.is_dir() or not any(home.iterdir()):
        raise UsageError(f"There is nothing in {home}.", "", "Name SkillClaw's folder: --home DIR")
    if os.path.lexists(target):
        raise UsageError(
            f"{target} is there already.", "It is never overwritten.", "Give the file a new name."
        )
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent}.", "", "Make it, or name another.")
    if target.parent.resolve().is_relative_to(home):
        raise UsageError(
            "A backup inside of what it backs up is lost with it.",
            "",
            "Name a file elsewhere, on another disk.",
        )


def _write(home: Path, target: Path, file: BinaryIO, *, journal: bool, passphrase: bytes | None) -> Manifest:
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    namers = _namers(home)
    log = _entries(home)
    found, left_out = _listed(home, journal)
    if any(str(path) in NAMERS and path not in namers for path in found):
        raise _Moved  # it is new, and may name what was listed before
    for path in _log(found) - log:
        del found[path]  # its object may be missing
    packer = Packer(file, passphrase)
    head = Head(version=__version__, made=made, journal=journal, note=PLAIN)
    _add(packer, HEAD, msgspec.json.format(msgspec.json.encode(head), indent=1))
    entries: list[Entry] = []
    for path, kind in sorted(found.items(), key=lambda one: order(one[0], one[1])):
        try:
            if (data := namers.get(path)) is not None:
                digest = packer.add(str(path), BytesIO(data), len(data))
                entries.append(Entry(path=str(path), size=len(data), sha256=digest))
                continue
            entries.append(_file(packer, home, target, path, kind))
        except FileNotFoundError:
            if path in log:
                raise _Moved from None  # else it ended meanwhile, like a lock
        except ValueError as error:
            left_out.append(LeftOut(path=str(path), why=str(error)))
    again = _entries(home)
    # what was packed went from one place of the log to another; what was only added is fine without
    if not log <= again or any(path.name.startswith("pack-") for path in again - log):
        raise _Moved
    if _namers(home).get(_CONNECTIONS) != namers.get(_CONNECTIONS):
        raise _Moved  # `disconnect` takes away what it named
    manifest = Manifest(
        version=__version__, made=made, files=entries, left_out=left_out, copies=_copies(home)
    )
    _add(packer, MANIFEST, msgspec.json.encode(manifest))
    packer.finish()
    return manifest


def _add(packer: Packer, name: str, data: bytes) -> None:
    packer.add(name, BytesIO(data), len(data))


def _namers(home: Path) -> dict[PurePosixPath, bytes]:
    found = {}
    for name in NAMERS:
        with suppress(FileNotFoundError):
            if (home / name).is_file():
                found[PurePosixPath(name)] = (home / name).read_bytes()
    return found


def _entries(home: Path) -> set[PurePosixPath]:
    """What the personal hub's log has now."""
    found = set()
    for at, _, names in os.walk(home / "hub" / "log", onerror=_raise):
        found |= {PurePosixPath(*Path(at, name).relative_to(home).parts) for name in names}
    return {path for path in found if how(path, journal=False) != "leave"}


def _log(found: dict[PurePosixPath, How]) -> set[PurePosixPath]:
    return {path for path in found if path.parts[:2] == ("hub", "log")}


def _listed(home: Path, journal: bool) -> tuple[dict[PurePosixPath, How], list[LeftOut]]:
    """The files that are taken, and what cannot be. Links in the home itself are followed."""
    found: dict[PurePosixPath, How] = {}
    left: list[LeftOut] = []
    for folder, place in [(home, PurePosixPath()), *_linked(home)]:
        for at, folders, names in os.walk(folder, onerror=_raise):
            here = place / PurePosixPath(*Path(at).relative_to(folder).parts)
            top = at == str(home)
            if not here.parts:
                folders[:] = [
                    name for name in folders if how(PurePosixPath(name, "x"), journal=journal) != "leave"
                ]
            for name in sorted([*names, *folders]):
                path = here / name
                kind = how(path, journal=journal)
                mode = os.lstat(Path(at, name)).st_mode if os.path.lexists(Path(at, name)) else 0
                if kind == "leave" or mode == 0 or stat.S_ISDIR(mode):
                    continue
                if stat.S_ISLNK(mode) and top:
                    mode = Path(at, name).stat().st_mode if Path(at, name).exists() else mode
                    if stat.S_ISDIR(mode):
                        continue  # walked by itself
                if not stat.S_ISREG(mode):
                    left.append(LeftOut(path=_shown(path), why="it is no regular file"))
                elif why := _unfit(path):
                    left.append(LeftOut(path=_shown(path), why=why))
                else:
                    found[path] = kind
    return found, left


def _linked(home: Path) -> list[tuple[Path, PurePosixPath]]:
    return [
        (path, PurePosixPath(path.name))
        for path in sorted(home.iterdir())
        if path.is_symlink() and path.is_dir()
    ]


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _unfit(path: PurePosixPath) -> str:
    try:
        str(path).encode("utf-8")
        checked_path(str(path))
    except UnicodeEncodeError:
        return "its name is no text"
    except SkillClawError as error:
        return error.why
    return "its name is the backup's own" if str(path) in (HEAD, MANIFEST) else ""


def _shown(path: PurePosixPath) -> str:
    return str(path).encode("utf-8", "replace").decode()


def _file(packer: Packer, home: Path, target: Path, path: PurePosixPath, kind: How) -> Entry:
    place = home / path
    if kind == "database":
        with _snapshot(place, target) as copy, copy.open("rb") as source:
            return _entry(packer, path, source, executable=False)
    try:
        with place.open("rb") as source:
            executable = bool(os.fstat(source.fileno()).st_mode & 0o100)
            return _entry(packer, path, source, executable=executable)
    except EOFError as error:
        raise StorageError(
            "The backup could not be written.", f"{place} became shorter while it was read.", "Try again."
        ) from error


def _entry(packer: Packer, path: PurePosixPath, source: BinaryIO, *, executable: bool) -> Entry:
    size = os.fstat(source.fileno()).st_size
    digest = packer.add(str(path), source, size, executable=executable)
    return Entry(path=str(path), size=size, sha256=digest, executable=executable)


@contextmanager
def _snapshot(place: Path, target: Path) -> Iterator[Path]:
    """The database as of one moment, in a file beside the backup that goes again."""
    if not place.exists():
        raise FileNotFoundError(place)
    beside = target.with_name(f".{target.name[:200]}.{os.urandom(6).hex()}.db")
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        try:
            with (
                closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True, timeout=30)) as source,
                closing(sqlite3.connect(beside)) as copy,
            ):
                source.backup(copy)
                # a copy in WAL mode would have files of its own beside it
                copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise told_of_database(place, error) from error
        yield beside
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{beside}{end}").unlink()


def _copies(home: Path) -> list[Copy]:
    """The installed skills whose folders are there now; none where the library cannot be read."""
    try:
        known = book.load(home).installed
    except SkillClawError:
        return []
    return [
        Copy(hub=one.hub, skill=one.skill, target=one.target) for one in known if copies.place(one).exists()
    ]


def _outside(home: Path) -> list[str]:
    """What people may take for part of the backup and is not."""
    from skillclaw import settings

    try:
        known = settings.load(home, {})
    except SkillClawError:
        return ["The settings cannot be read: they are in the backup as they are."]
    notes = []
    if known.hub.url and not Path(known.hub.url).is_relative_to(home):
        notes.append("Your personal hub lies elsewhere (hub.url) and is not in it.")
    if any(hub.url for hub in known.hubs.values()):
        notes.append("Groups' hubs are not in it; your keys there are.")
    kept = [name for name, one in known.upstreams.items() if one.key.startswith("keyring:")]
    if kept or known.evolve.model.key.startswith("keyring:"):
        notes.append("Keys in the system's keyring are not in it: skillclaw config key UPSTREAM")
    return notes
