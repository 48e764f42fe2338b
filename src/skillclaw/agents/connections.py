"""What SkillClaw wrote into agents' settings: `connections.json` and `backups/` in SkillClaw's home.

Both are 0600: a settings file may hold the user's credentials, and its backup is a copy of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from skillclaw.agents.edits import write_atomic
from skillclaw.agents.records import Connection, FileEdit, Surroundings, WrittenFile
from skillclaw.errors import UNREADABLE, BadInputError, BusyError, StorageError
from skillclaw.formats import carried, stop_at_newer
from skillclaw.private import lasting_folder
from skillclaw.trajectory.model import Record

__all__ = [
    "alone",
    "connected",
    "connected_upstreams",
    "connection",
    "forget_connection",
    "note_surroundings",
    "record_connection",
    "surroundings",
    "written_files",
]

VERSION = 1
WAIT = 30.0
"""Seconds to wait for another process that connects or disconnects."""


class _Connections(Record, frozen=True, kw_only=True, omit_defaults=False):
    v: int = VERSION
    agents: dict[str, Connection] = {}
    surroundings: dict[str, Surroundings] = {}


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """One process at a time plans, records and writes: of two, one would forget the other's originals.

    Raises BusyError when another takes too long, StorageError when the home folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = home / "connections.lock"
    try:
        lasting_folder(home)
        lock = FileLock(path, timeout=WAIT, mode=0o600)
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            "Another SkillClaw is connecting agents.", f"It holds {path}.", "Try again."
        ) from error
    except OSError as error:
        raise StorageError(f"Cannot lock {path}.", str(error), "Free space or mend permissions.") from error
    try:
        yield
    finally:
        lock.release()


def connected(home: Path) -> list[str]:
    """The names of the agents that are connected, sorted."""
    return sorted(_load(home).agents)


def connected_upstreams(home: Path) -> dict[str, str]:
    """Where connected agents really want to go, for those whose settings named a base URL of their own."""
    return {name: found.upstream for name, found in sorted(_load(home).agents.items()) if found.upstream}


def connection(home: Path, name: str) -> Connection | None:
    """What was written for an agent, with the original bytes of each file; None when it is not connected.

    Raises StorageError when a backup is missing or changed: then nothing may be put back from it.
    """
    found = _load(home).agents.get(name)
    if found is None:
        return None
    files = [msgspec.structs.replace(file, original=_backup(home, file.backup)) for file in found.files]
    return msgspec.structs.replace(found, files=files)


def written_files(
    edits: list[FileEdit], undo: Sequence[FileEdit] = (), stood: Mapping[Path, bytes | None] | None = None
) -> list[WrittenFile]:
    """The record of edits that are made: `before` counts as the original.

    `undo`: what takes an earlier connection back, whose folders are there and go with these files still.
    `stood` tells what is on disk where that is another than `before`.
    """
    folders = {edit.path: edit.folders for edit in undo}
    return [
        WrittenFile(
            path=str(edit.path),
            format=edit.format,
            written=hashlib.sha256(edit.after or b"").hexdigest(),
            stood=_digest((stood or {}).get(edit.path, edit.before)),
            changes=edit.changes,
            folders=folders.get(edit.path, 0) or _missing(edit.path) if edit.before is None else 0,
            original=edit.before,
        )
        for edit in edits
    ]


def _missing(path: Path) -> int:
    """How many of the folders above a file are not there."""
    try:
        return next(count for count, folder in enumerate(path.parents) if folder.exists())
    except OSError:  # writing there will say what is wrong
        return 0


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def surroundings(home: Path) -> dict[str, Surroundings]:
    """What the environment told when each agent was connected, also of those that are put back meanwhile."""
    return _load(home).surroundings


def note_surroundings(home: Path, name: str, told: Surroundings | None) -> None:
    """Keep what the environment told of an agent; None: forget it, as the user disconnects it for good."""
    known = _load(home)
    if known.surroundings.get(name) != told:
        left = {key: value for key, value in known.surroundings.items() if key != name}
        kept = left if told is None else {**left, name: told}
        _store(home, msgspec.structs.replace(known, surroundings=kept), back=True)


def record_connection(home: Path, record: Connection, told: Surroundings | None = None) -> None:
    """Keep the record and the originals; done before the files change, so that a crash loses no way back.

    `told`: what the environment tells of the agent; None leaves what is known of that.
    """
    files = []
    for file in record.files:
        backup = None
        if file.original is not None:
            backup = f"{record.agent}-{hashlib.sha256(file.original).hexdigest()}"
            path = home / "backups" / backup
            if not path.exists():
                write_atomic(path, file.original)
        files.append(msgspec.structs.replace(file, backup=backup, original=None))
    known = _load(home)
    agents = {**known.agents, record.agent: msgspec.structs.replace(record, files=files)}
    around = known.surroundings if told is None else {**known.surroundings, record.agent: told}
    _store(home, msgspec.structs.replace(known, agents=agents, surroundings=around))


def forget_connection(home: Path, name: str) -> None:
    """Drop the record. Backups stay: a copy too many costs little, a lost original cannot be had again.

    So does what the environment told: the next `up` connects the agent again, and may run in another one.
    """
    known = _load(home)
    if name in known.agents:
        agents = {key: value for key, value in known.agents.items() if key != name}
        _store(home, msgspec.structs.replace(known, agents=agents), back=True)


def _load(home: Path) -> _Connections:
    path = home / "connections.json"
    todo = f"Mend or move {path}; the originals of the settings files are in {home / 'backups'}."
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return _Connections()
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error
    try:
        stop_at_newer(raw, str(path), VERSION)
        return msgspec.json.decode(raw, type=_Connections)
    except UNREADABLE as error:
        raise BadInputError(f"{path} does not hold what it should.", str(error), todo) from error


def _store(home: Path, known: _Connections, *, back: bool = False) -> None:
    path = home / "connections.json"
    kept = carried(known, path.read_bytes() if path.exists() else None)
    write_atomic(path, msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n", back=back)


def _backup(home: Path, name: str | None) -> bytes | None:
    if name is None:
        return None
    path = home / "backups" / name
    todo = "Undo the change by hand: take SkillClaw's URL out of the agent's settings."
    if Path(name).name != name:
        raise BadInputError("A backup is named wrongly.", name, todo)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # a name with a zero byte in it is no path
        raise StorageError("The backup of a settings file is missing.", str(error), todo) from error
    if hashlib.sha256(data).hexdigest() != name.rpartition("-")[2]:
        raise StorageError("The backup of a settings file is damaged.", str(path), todo)
    return data
