"""The file of the evolver's state: its tables, the records that come out of them, and how it goes."""

from __future__ import annotations

import hashlib
import sqlite3
from functools import cache
from pathlib import Path
from typing import NamedTuple

from skillclaw.errors import StorageError
from skillclaw.evolve.cutting import Head
from skillclaw.trajectory.model import Record

__all__ = [
    "BUSY_SECONDS",
    "DAMAGE",
    "FILE",
    "SCHEMA",
    "DamagedStateError",
    "Fact",
    "Member",
    "Place",
    "SkillUses",
    "UnitState",
    "forget_state",
    "miner",
    "read_upto",
]

Member = tuple[Head, bytes]
"""A session of a unit: its head, and its episodes still packed."""

FILE = "evolve.db"
BUSY_SECONDS = 30.0

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, key TEXT NOT NULL, user TEXT NOT NULL,
    project TEXT NOT NULL, rank INTEGER NOT NULL, revision INTEGER NOT NULL, changed INTEGER NOT NULL,
    episodes INTEGER NOT NULL, day TEXT NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL
);
CREATE INDEX sessions_key ON sessions (key, changed, episodes);
CREATE INDEX sessions_user ON sessions (id, user, project);
CREATE INDEX sessions_day ON sessions (day);
CREATE TABLE parts (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, part TEXT NOT NULL, n INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0, UNIQUE (unit, part)
);
CREATE TABLE members (
    part INTEGER NOT NULL, rank INTEGER NOT NULL, session INTEGER NOT NULL,
    PRIMARY KEY (part, rank, session)
) WITHOUT ROWID;
CREATE TABLE intents (
    id INTEGER PRIMARY KEY, intent TEXT NOT NULL UNIQUE, slot TEXT, cluster TEXT, family TEXT
);
CREATE INDEX intents_family ON intents (family);
CREATE INDEX intents_new ON intents (id) WHERE cluster IS NULL;
CREATE TABLE asks (
    intent INTEGER NOT NULL, rank INTEGER NOT NULL, session INTEGER NOT NULL,
    PRIMARY KEY (intent, rank, session)
) WITHOUT ROWID;
CREATE TABLE results (unit TEXT PRIMARY KEY, reads BLOB NOT NULL, result BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (
    name TEXT NOT NULL, value TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
    PRIMARY KEY (name, value)
) WITHOUT ROWID;
CREATE TABLE aside (key TEXT PRIMARY KEY, changed INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE uses (
    skill TEXT NOT NULL, user TEXT NOT NULL, offered INTEGER NOT NULL DEFAULT 0,
    read INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (skill, user)
) WITHOUT ROWID;
CREATE TABLE vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""
"""`parts.version` counts every change of a part's members; a result says at which versions it was made."""


class Place(NamedTuple):
    """Where a request belongs: its slotted text, its task cluster, and the family of that."""

    slot: str
    cluster: str
    family: str


class SkillUses(Record, frozen=True, kw_only=True):
    """Sessions that a skill was before: those that were offered it and did not read it, those that read it,
    and the people in either.
    """

    offered: int = 0
    read: int = 0
    users: int = 0


class UnitState(Record, frozen=True, kw_only=True):
    """How large a unit is (sessions) and how often its members have changed."""

    n: int
    version: int


class Fact(Record, frozen=True, kw_only=True):
    """A fact of the environment with the first and last day on which a session saw it."""

    name: str
    value: str
    first: str
    last: str


class DamagedStateError(StorageError):
    """What is kept cannot be read. It is deleted as the file is closed; who opens it next makes it anew."""


DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@cache
def miner() -> str:
    """A digest of the code that cuts, mines, proposes and judges: what another version made is not trusted,
    but made anew."""
    digest = hashlib.sha256()
    own = Path(__file__).parent
    for folder in (own, *(own.parent / room for room in ("trajectory", "skills", "gate"))):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def forget_state(home: Path) -> None:
    """Delete what the evolver remembers of `home`'s sessions; the next cycle makes it anew."""
    file = home / FILE
    try:
        # A link goes with what it points to, where the parts of sessions are.
        for path in dict.fromkeys((file.resolve(), file)):
            for suffix in ("", "-wal", "-shm"):
                path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        raise StorageError(
            f"Cannot delete {file}.", str(error), "Delete it yourself: it holds parts of sessions."
        ) from error


def read_upto(home: Path) -> int | None:
    """Up to which change of the session store the cycles in `home` have read; None where none has, or its
    file cannot be read just now. It is only looked at."""
    path = home / FILE
    if not path.exists():
        return None
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        try:
            found = db.execute(
                "SELECT max(changed) FROM (SELECT max(changed) AS changed FROM sessions"
                " UNION ALL SELECT max(changed) FROM aside)"
            ).fetchone()
        finally:
            db.close()
    except sqlite3.Error:
        return None
    return found[0]  # type: ignore[no-any-return]
