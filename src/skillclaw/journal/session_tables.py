"""An open `sessions.db`: one connection, its lock, its transactions, and its failures in the user's terms."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skillclaw.journal.store_file import BUSY_SECONDS, told
from skillclaw.private import made_file

__all__ = ["SessionTables"]


class SessionTables:
    """Tables in one home's `sessions.db`. Safe to use from several threads and several processes.

    Raises StorageError when the disk or the file fails (with what to do), BusyError when another process
    holds the file for longer than half a minute.
    """

    def __init__(self, home: Path, *, look: bool = False) -> None:
        """`look`: only to be read; nothing is made, and StorageError where there is nothing to be read."""
        self.path = home / "sessions.db"
        self._look = look
        self._lock = threading.RLock()
        with self._errors():
            if not look:
                # Made before SQLite opens it: the -wal and -shm files take over its permissions.
                made_file(self.path)
            self._db = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro" if look else self.path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                uri=look,
            )

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _one(self, query: str, *values: object) -> tuple[object, ...] | None:
        found: tuple[object, ...] | None = self._db.execute(query, values).fetchone()
        return found

    @contextmanager
    def _write(self) -> Iterator[None]:
        """One transaction, taken at once: all of it or none."""
        with self._lock, self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise told(self.path, error) from error
