"""The file of the evolver's state as a store: opened or made anew, written in transactions, its errors told.

What is kept in it by name (`meta`) and the vectors of texts need no more than this; `state` has the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from skillclaw import zstd
from skillclaw.errors import UNREADABLE, BusyError, StorageError
from skillclaw.evolve.state_file import (
    BUSY_SECONDS,
    DAMAGE,
    FILE,
    SCHEMA,
    DamagedStateError,
    forget_state,
    miner,
)
from skillclaw.private import made_file

__all__ = ["StateStore"]

T = TypeVar("T")


class StateStore:
    """The file of one home; `home` None keeps it in memory. One writer at a time (the cycle's lock).

    Every method may raise BusyError, StorageError and DamagedStateError.
    """

    def __init__(self, home: Path | None) -> None:
        self.path = home / FILE if home is not None else None
        self._is_damaged = False
        with self._errors():
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if self.path is None or getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGE:
                    raise
                self.renew()
            except DamagedStateError:  # found by what reads a value
                self.renew()

    def _open(self) -> None:
        if self.path is not None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            made_file(self.path)
        self._db = sqlite3.connect(
            self.path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, cached_statements=256
        )
        self._parts: dict[tuple[str, str], int] = {}
        if self.path is not None:
            self._db.execute("PRAGMA journal_mode = WAL")
        # Derived data: after a power cut the worst is that a cycle's work is done again.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA secure_delete = ON")
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            with self.writing():
                for statement in SCHEMA.split(";\n"):
                    self._db.execute(statement)
                self.put_meta("miner", miner().encode())
        elif "meta" not in tables or self.get_meta("miner") != miner().encode():
            self.renew()

    def renew(self) -> None:
        """Delete the file and begin with an empty one."""
        self._is_damaged = False
        self._db.close()
        if self.path is not None:
            forget_state(self.path.parent)
        self._open()

    def close(self) -> None:
        """Let go of the file, and delete it where it was found damaged."""
        self._db.close()
        if self._is_damaged and self.path is not None:
            forget_state(self.path.parent)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._parts.clear()
                raise

    def get_meta(self, name: str) -> bytes | None:
        """The bytes kept under `name`."""
        with self._errors():
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def load(self, packed: bytes | None, kind: type[T]) -> T | None:
        """What was kept as MessagePack; None when nothing was."""
        with self._errors():
            return None if packed is None else msgspec.msgpack.decode(packed, type=kind)

    def put_meta(self, name: str, value: bytes) -> None:
        """Keep bytes under `name`."""
        with self._errors():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The vectors that are known (see `evolve.embeddings`)."""
        found: dict[bytes, bytes] = {}
        with self._errors():
            for key in keys:
                row = self._db.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    found[key] = bytes(row[0])
        return found

    def put_many(self, vectors: dict[bytes, bytes]) -> None:
        """Keep vectors of texts."""
        with self.writing():
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", sorted(vectors.items()))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (zstd.Damaged, *UNREADABLE) as error:
            raise self._damaged(error) from error
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in DAMAGE:
                raise self._damaged(error) from error
            if not isinstance(error, sqlite3.OperationalError):
                raise
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BusyError(
                    f"Another process holds {self.path}.", str(error), "Try again when it is done."
                ) from error
            raise StorageError(
                f"Cannot write {self.path}.", str(error), "Free space or mend permissions; nothing is lost."
            ) from error
        except OSError as error:
            raise StorageError(
                f"Cannot open {self.path}.", str(error), "Mend permissions, or choose another --home."
            ) from error

    def _damaged(self, error: Exception) -> DamagedStateError:
        self._is_damaged = True
        return DamagedStateError(
            f"{self.path} is damaged.", str(error), "Run the cycle again: it makes the file anew."
        )
