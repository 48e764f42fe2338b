"""Agents' databases, read without touching them: only the tables and columns that are named can be seen.

Some agents keep their keys in the same file as their sessions. SQLite's authorizer
(https://www.sqlite.org/c3ref/set_authorizer.html) refuses every read of anything else, whoever writes the
query. The file is opened read-only but not as immutable, which would miss the write-ahead log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillclaw.errors import BadInputError, StorageError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["columns_of", "is_database", "reading", "stamp_of", "tables_of"]

WAIT = 5.0
"""Seconds to wait for an agent that is writing."""
MAGIC = b"SQLite format 3\0"


def is_database(path: Path) -> bool:
    """Whether a file begins as SQLite databases do (https://www.sqlite.org/fileformat.html)."""
    try:
        if not path.is_file():
            return False  # a pipe would make this wait
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


@contextmanager
def reading(path: Path, tables: Mapping[str, Sequence[str]]) -> Iterator[sqlite3.Connection]:
    """A connection on which only these columns of these tables can be read; rows by name (`sqlite3.Row`).

    Raises BadInputError when the file is no such database or is damaged, StorageError when it cannot be read.
    """
    import sqlite3

    allowed = {(table, column) for table, columns in tables.items() for column in (*columns, "", "ROWID")}

    def may(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and (first, second) in allowed:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA and first == "table_info":
            return sqlite3.SQLITE_OK  # the names of columns, and nothing that is in them
        return sqlite3.SQLITE_DENY

    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        if not path.is_file():
            raise BadInputError(f"{path} is no file.", "", "Name the agent's database.")
        db = sqlite3.connect(uri, uri=True, timeout=WAIT)
        try:
            db.row_factory = sqlite3.Row
            # Text that is no UTF-8 must not end the reading of all the rest.
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            db.execute("PRAGMA query_only = 1")
            # The file may be anybody's: its own views and triggers call no function with effects.
            db.execute("PRAGMA trusted_schema = 0")
            db.set_authorizer(may)
            yield db
        finally:
            db.close()
    except sqlite3.OperationalError as error:
        if "no such" in str(error) or "not authorized" in str(error) or "prohibited" in str(error):
            raise _foreign(path, error) from error
        raise StorageError(f"Cannot read {path}.", str(error), "Try again when the agent is idle.") from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the names of damaged columns are no UTF-8
        raise _foreign(path, error) from error
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error


def tables_of(path: Path) -> set[str]:
    """The names of a database's tables; empty for what is none."""
    try:
        with reading(path, {"sqlite_master": ("type", "name")}) as db:
            return {str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except (BadInputError, StorageError):
        return set()


def columns_of(path: Path, table: str) -> set[str]:
    """The names of a table's columns, since agents add and drop some from version to version."""
    try:
        quoted = table.replace('"', '""')
        with reading(path, {}) as db:
            return {str(row["name"]) for row in db.execute(f'PRAGMA table_info("{quoted}")')}
    except (BadInputError, StorageError):
        return set()


def stamp_of(seconds: float) -> str:
    """Unix seconds as ISO 8601; empty where they cannot be a time."""
    if not 0 < seconds < 10**10:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _foreign(path: Path, error: Any) -> BadInputError:
    return BadInputError(
        f"{path} is no history that SkillClaw knows.", str(error), "Get it again, or report it."
    )
