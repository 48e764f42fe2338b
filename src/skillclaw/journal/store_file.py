"""The file of the session store: its tables, what goes into them, and what its failures mean to a user."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from skillclaw.errors import BusyError, SkillClawError, StorageError
from skillclaw.trajectory.model import Trajectory
from skillclaw.trajectory.moments import moment_of, utc_text

__all__ = ["BUSY_SECONDS", "LISTS", "SCHEMA", "SCHEMA_VERSION", "started_at", "told"]

SCHEMA_VERSION = 1
"""In `PRAGMA user_version`; a file with a higher one is left alone."""

BUSY_SECONDS = 30.0
"""How long a writer waits for another."""

SCHEMA = """
CREATE TABLE sessions (
    key TEXT PRIMARY KEY, agent TEXT NOT NULL, project TEXT NOT NULL, started TEXT NOT NULL,
    steps INTEGER NOT NULL, outcome TEXT NOT NULL, shared INTEGER NOT NULL DEFAULT 0, user TEXT NOT NULL,
    revision INTEGER NOT NULL, source TEXT NOT NULL, native_id TEXT NOT NULL,
    changed INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_started ON sessions (started DESC, key);
CREATE INDEX sessions_changed ON sessions (changed);
CREATE TABLE inputs (
    key TEXT NOT NULL, source TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (key, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE feedback (key TEXT PRIMARY KEY, value REAL NOT NULL, source TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE forgotten (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counter (changes INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES (0);
"""
"""`inputs` holds the digest of what was last put for a key from each source, so that the same again costs
neither decompression nor merging; `changed` is the value of `counter` at the row's last change."""

LISTS = (
    "CREATE INDEX IF NOT EXISTS sessions_lists ON sessions"
    " (started DESC, key, agent, project, outcome, source, steps, shared, user, revision, changed)",
    "CREATE INDEX IF NOT EXISTS sessions_kinds ON sessions (agent, project, outcome, source)",
)
"""All that lists filter by, show and count: they are read from these alone, and no body is passed over. Older
versions neither need them nor mind them.
"""


def told(path: Path, error: Exception) -> SkillClawError:
    """The error in the user's terms, by SQLite's own result code."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(
            f"Another process has held {path} for {BUSY_SECONDS:.0f} s.",
            str(error),
            "Try again when it is done.",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StorageError(
            f"{path} is damaged.",
            str(error),
            f"Restore a backup. Without one, rename it (with {path.name}-wal, -shm) and run: skillclaw "
            "import. What was forgotten, or never to be shared, is not known then: forget it anew.",
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StorageError(
            f"Cannot write {path}.", str(error), "Free space on the disk; nothing was changed."
        )
    return StorageError(
        f"Cannot open or write {path}.", str(error), "Mend permissions, or choose another folder with --home."
    )


def started_at(trajectory: Trajectory) -> str:
    """When the session began, in UTC to the second; empty when no step says."""
    moments = (moment_of(step.timestamp) for step in trajectory.steps)
    first = next((moment for moment in moments if moment is not None), None)
    return utc_text(first) if first is not None else ""
