"""The file of the catalogue: its tables, how it is opened, made anew and rid of what was forgotten.

It holds nothing of its own: all of it can be read from the sessions again, so a file that is damaged, or
that another version wrote, is deleted. It holds parts of sessions, so forgetting one overwrites it here too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from skillclaw.errors import BusyError, StorageError
from skillclaw.private import made_file

__all__ = ["DAMAGE", "FILE", "SHARD", "connect", "delete", "erase", "erase_in", "shard", "told"]

FILE = "catalogue.db"
VERSION = 2
"""In `PRAGMA user_version`; a file with another one is made anew."""
BUSY_SECONDS = 30.0
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

SHARD = 1024
"""Sessions whose words share one index. Before SQLite 3.42 FTS5 cannot overwrite what it deletes, so the
index that held a forgotten session is dropped as a whole, and the others' words are read again."""

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE facts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, changed INTEGER NOT NULL, started TEXT NOT NULL,
    agent TEXT NOT NULL, project TEXT NOT NULL, outcome TEXT NOT NULL, source TEXT NOT NULL,
    title TEXT NOT NULL, tokens_in INTEGER, tokens_out INTEGER, usd REAL,
    calls INTEGER NOT NULL, errors INTEGER NOT NULL, env TEXT NOT NULL
) STRICT;
CREATE INDEX facts_list ON facts (started DESC, key, id, changed, agent, project, outcome, source);
CREATE INDEX facts_day ON facts (substr(started, 1, 10), tokens_in, tokens_out, usd);
CREATE INDEX facts_stale ON facts (id) WHERE changed < 0;
CREATE TABLE uses (
    name TEXT NOT NULL, used INTEGER NOT NULL, hub TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (name, used, hub, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX uses_of ON uses (id);
CREATE TABLE named (
    kind TEXT NOT NULL, value TEXT NOT NULL, name TEXT NOT NULL, hub TEXT NOT NULL,
    offered INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (kind, value, name, hub)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_of ON named (name, kind);
CREATE VIEW marks AS
    SELECT id, 'all' AS kind, '' AS value FROM facts
    UNION ALL SELECT id, 'day', substr(started, 1, 10) FROM facts
    UNION ALL SELECT id, 'agent', agent FROM facts
    UNION ALL SELECT id, 'project', project FROM facts;
CREATE TRIGGER used_more AFTER INSERT ON uses BEGIN
    INSERT INTO named SELECT kind, value, new.name, new.hub, 1, new.used FROM marks WHERE id = new.id
        ON CONFLICT DO UPDATE SET offered = offered + 1, used = used + new.used;
END;
CREATE TRIGGER used_less AFTER DELETE ON uses BEGIN
    UPDATE named SET offered = offered - 1, used = used - old.used
        WHERE name = old.name AND hub = old.hub
        AND (kind, value) IN (SELECT kind, value FROM marks WHERE id = old.id);
    DELETE FROM named WHERE name = old.name AND hub = old.hub AND offered = 0;
END;
"""
"""`facts.changed` is the session's change number when it was read; -1: its words are to be read again.
`uses.used`: 1 where the skill was read or invoked, 0 where it was only offered. `named` counts a skill's
sessions, all of them and by day, agent and project, so that no list has to count them: a row of `uses` goes
before the row of `facts` that it belongs to."""


def connect(home: Path) -> sqlite3.Connection:
    """The file, made where it is not there, or not usable. Raises sqlite3.Error, OSError."""
    try:
        return _opened(home)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGE:
            raise
        delete(home)
        return _opened(home)


def _opened(home: Path) -> sqlite3.Connection:
    db = _plain(home)
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            db.close()
            delete(home)
            db = _plain(home)
            version = 0
        if version == 0:
            db.execute("BEGIN IMMEDIATE")
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:  # another process may have been quicker
                for statement in _statements(SCHEMA):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _plain(home: Path) -> sqlite3.Connection:
    path = home / FILE
    # Made before SQLite opens it: the -wal and -shm files take over its permissions.
    made_file(path)
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # It can be read again: after a power cut the worst is that it is.
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA secure_delete = ON")
    except BaseException:
        db.close()
        raise
    return db


def _statements(schema: str) -> Iterator[str]:
    """The statements of a script; a trigger holds some of its own."""
    part = ""
    for line in schema.splitlines():
        part += line + "\n"
        if sqlite3.complete_statement(part):
            yield part
            part = ""


def shard(number: int) -> str:
    """The table of the words of the session with this id."""
    return f"words_{number // SHARD}"


def erase(home: Path, keys: Iterable[str]) -> None:
    """Overwrite what the catalogue of this home holds of these sessions. Does nothing where there is none.

    Where that fails the file is deleted. Raises StorageError where that fails too, BusyError.
    """
    if not (home / FILE).exists():
        return
    with told(home):
        try:
            with closing(connect(home)) as db:
                erase_in(db, keys)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            delete(home)


def erase_in(db: sqlite3.Connection, keys: Iterable[str]) -> None:
    """Overwrite these sessions in the open file `db`. Raises sqlite3.Error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        _erase(db, keys)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    # The log still holds the old pages; a reader at work delays this to a later checkpoint.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _erase(db: sqlite3.Connection, keys: Iterable[str]) -> None:
    shards: dict[int, None] = {}
    for key in keys:
        for (number,) in db.execute("SELECT id FROM facts WHERE key = ?", (key,)).fetchall():
            db.execute("DELETE FROM uses WHERE id = ?", (number,))
            db.execute("DELETE FROM facts WHERE id = ?", (number,))
            shards[number // SHARD] = None
    for one in shards:
        db.execute(f"DROP TABLE IF EXISTS {shard(one * SHARD)}")
        db.execute("UPDATE facts SET changed = -1 WHERE id >= ? AND id < ?", (one * SHARD, (one + 1) * SHARD))


def delete(home: Path) -> None:
    """Delete the file with all that belongs to it. Raises OSError."""
    for suffix in ("", "-wal", "-shm"):
        (home / f"{FILE}{suffix}").unlink(missing_ok=True)


@contextmanager
def told(home: Path) -> Iterator[None]:
    """Errors of the file in the user's terms: StorageError, BusyError."""
    path = home / FILE
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise BusyError(
                f"Another process has held {path} for {BUSY_SECONDS:.0f} s.", str(error), "Try again."
            ) from error
        raise StorageError(
            f"Cannot use {path}.",
            str(error),
            f"Free space or mend permissions; {FILE} may be deleted: it is made again.",
        ) from error
