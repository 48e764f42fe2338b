"""The redacted sessions of this machine: `<home>/sessions.db`, SQLite in WAL mode (docs/formats.md).

A session is kept as zstd-compressed ATIF bytes beside the columns that lists need. Every change takes one
`BEGIN IMMEDIATE` transaction, so any number of processes may read and write; kill -9 loses at most the
transaction in flight, and never leaves half of one. What is forgotten is overwritten (`secure_delete`), and
its key is remembered so that no later import brings it back.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from skillclaw import zstd
from skillclaw.errors import UNREADABLE, BadInputError, DamagedSessionError, UpgradeNeededError
from skillclaw.journal.catalogue_file import erase
from skillclaw.journal.session_lists import SessionLists
from skillclaw.journal.store_file import LISTS, SCHEMA, SCHEMA_VERSION, started_at, told
from skillclaw.journal.twins import TABLES, remember_forgotten, stored_key
from skillclaw.private import lasting_folder
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Signal, Trajectory, meta, with_meta

__all__ = ["PutResult", "SessionStore"]

PutResult = Literal["new", "grown", "same", "older", "forgotten"]
"""What became of a session put: `older` is a shorter form of what is stored, `forgotten` was refused."""

READ_BATCH = 64
ZSTD_LEVEL = 3


class SessionStore(SessionLists):
    """The sessions of one home. Raises what `SessionTables` raises, and UpgradeNeededError when a newer
    SkillClaw made the file."""

    def __init__(self, home: Path, *, look: bool = False) -> None:
        """`look`: only to be read; nothing is made, and StorageError where there is nothing to be read."""
        self._pack = zstd.compressor(ZSTD_LEVEL)
        if not look:
            try:
                lasting_folder(home)
            except OSError as error:
                raise told(home / "sessions.db", error) from error
        super().__init__(home, look=look)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._errors():
            version = self._version()
            if self._look:
                if version == 0:
                    raise told(self.path, sqlite3.DatabaseError("It has no tables."))
                return
            self._db.execute("PRAGMA journal_mode = WAL")
            # While another process has the file open, less would leave commits of hours to the system's
            # memory: after a power cut what was imported would be gone, and what was forgotten be back.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            if version == 0:
                with self._write():
                    if self._version() == 0:  # another process may have been quicker
                        for statement in SCHEMA.split(";\n"):
                            self._db.execute(statement)
                        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            for table in TABLES:
                self._db.execute(table)
            for index in LISTS:
                self._db.execute(index)

    def _version(self) -> int:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise UpgradeNeededError(
                f"{self.path} was written by a newer SkillClaw.",
                f"Its format is {version}; this version reads up to {SCHEMA_VERSION}.",
                "Upgrade SkillClaw; nothing was changed.",
            )
        return version

    # Writing

    def put(self, trajectory: Trajectory) -> PutResult:
        """Store one redacted session; see `put_many`."""
        return self.put_many([trajectory])[0]

    def put_many(self, trajectories: Iterable[Trajectory]) -> list[PutResult]:
        """Store redacted sessions in one transaction: all of them or none.

        A known key is merged with what is stored (`journal.merge`), and so is a session that is known by
        another key (`journal.twins`); putting the same again changes nothing.
        """
        with self._write():
            changed = self._next_change()
            results = [self._put(trajectory, changed) for trajectory in trajectories]
            if "new" in results or "grown" in results:
                self._db.execute("UPDATE counter SET changes = ?", (changed,))
            return results

    def _put(self, given: Trajectory, changed: int) -> PutResult:
        known = meta(given)
        if not known.key:
            raise BadInputError("A session without a key cannot be stored.", f"Agent: {given.agent.name}")
        key = stored_key(self._db, given, self._undamaged)
        if key != known.key:
            given = with_meta(given, msgspec.structs.replace(known, key=key))
        if self._one("SELECT 1 FROM forgotten WHERE key = ?", key):
            return "forgotten"
        body = model.encode(given)
        digest = hashlib.sha256(body).digest()
        seen = self._one("SELECT digest FROM inputs WHERE key = ? AND source = ?", key, known.source)
        if seen is not None and seen[0] == digest:
            return "same"
        stored = self._one("SELECT body, shared, revision FROM sessions WHERE key = ?", key)
        old = self._undamaged(key, stored[0]) if stored is not None else None
        if stored is None:
            self._save(given, body, changed, shared=False)
            result: PutResult = "new"
        elif old is None:
            # What cannot be read is worth less than what can; the other view of it may come in again, too.
            healed = msgspec.structs.replace(meta(given), revision=int(str(stored[2])) + 1)
            given = self._with_feedback(with_meta(given, healed))
            self._save(given, model.encode(given), changed, shared=bool(stored[1]))
            self._db.execute("DELETE FROM inputs WHERE key = ?", (key,))
            result = "grown"
        else:
            from skillclaw.journal.merge import merge  # 100 ms that commands which only look need not pay

            merged = merge(old, self._with_feedback(given))
            if merged is None:
                result = "older" if len(given.steps) < len(old.steps) else "same"
            else:
                merged = self._with_feedback(merged)
                self._save(merged, model.encode(merged), changed, shared=bool(stored[1]))
                result = "grown"
        self._db.execute("INSERT OR REPLACE INTO inputs VALUES (?, ?, ?)", (key, known.source, digest))
        return result

    def _save(self, trajectory: Trajectory, body: bytes, changed: int, *, shared: bool) -> None:
        known = meta(trajectory)
        self._db.execute(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                known.key,
                trajectory.agent.name,
                known.project,
                started_at(trajectory),
                len(trajectory.steps),
                known.outcome,
                int(shared),
                known.user,
                known.revision,
                known.source,
                trajectory.session_id or "",
                changed,
                self._pack(body),
            ),
        )

    def feedback(self, prefix: str, good: bool, note: str) -> Trajectory:
        """The user's own word on a session: it decides the outcome, and later imports don't undo it.

        `note` must be redacted already. A second word replaces the first.
        """
        with self._write():
            key = self._key(prefix)
            source = f"user: {note}" if note else "user"
            value = 1.0 if good else -1.0
            self._db.execute("INSERT OR REPLACE INTO feedback VALUES (?, ?, ?)", (key, value, source))
            body, shared = self._db.execute(
                "SELECT body, shared FROM sessions WHERE key = ?", (key,)
            ).fetchone()
            old = self._decode(key, body)
            updated = self._with_feedback(old)
            if updated == old:
                return old
            revision = meta(old).revision + 1
            updated = with_meta(updated, msgspec.structs.replace(meta(updated), revision=revision))
            changed = self._next_change()
            self._save(updated, model.encode(updated), changed, shared=bool(shared))
            self._db.execute("UPDATE counter SET changes = ?", (changed,))
            return updated

    def _with_feedback(self, trajectory: Trajectory) -> Trajectory:
        known = meta(trajectory)
        given = self._one("SELECT value, source FROM feedback WHERE key = ?", known.key)
        if given is None:
            return trajectory
        value = float(str(given[0]))
        signal = Signal(kind="feedback", value=value, source=str(given[1]))
        kept = [s for s in known.signals if s.kind != "feedback" or not s.source.startswith("user")]
        known = msgspec.structs.replace(
            known,
            signals=[*kept, signal],
            outcome="success" if value > 0 else "failure",
            confidence=1.0,
        )
        return with_meta(trajectory, known)

    def forget(self, *keys: str) -> None:
        """Erase sessions for good, their bytes included; a later `put` of a key gives `forgotten`.

        A key need not be stored: an unknown one is refused from now on.
        """
        with self._write():
            for key in keys:
                remember_forgotten(self._db, key, self._undamaged)
                self._db.execute("DELETE FROM sessions WHERE key = ?", (key,))
                self._db.execute("DELETE FROM inputs WHERE key = ?", (key,))
                self._db.execute("DELETE FROM feedback WHERE key = ?", (key,))
                self._db.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", (key,))
            self._db.execute("UPDATE counter SET changes = changes + 1")
        with self._lock, self._errors():
            # The log still holds the old pages; a reader at work delays this to a later checkpoint.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        # After the sessions: who takes one into the catalogue has read it while it was still there.
        erase(self.path.parent, keys)

    def forgotten(self) -> set[str]:
        """The keys of all that was forgotten, and those of other views of the same sessions."""
        with self._lock, self._errors():
            found = self._db.execute(
                "SELECT key FROM forgotten"
                " UNION SELECT t.key FROM twins t JOIN forgotten f ON f.key = t.stored"
            )
            return {key for (key,) in found}

    # Reading

    def get(self, prefix: str) -> Trajectory:
        """The session whose key begins with `prefix`; BadInputError when none or several do."""
        with self._lock, self._errors():
            key = self._key(prefix)
            return self._decode(
                key, self._db.execute("SELECT body FROM sessions WHERE key = ?", (key,)).fetchone()[0]
            )

    def find(self, prefix: str) -> str:
        """The key of that session, also of one that is damaged; BadInputError as in `get`."""
        with self._lock, self._errors():
            return self._key(prefix)

    def trajectories(self, since_cursor: int | None = None) -> Iterator[Trajectory]:
        """The sessions in order of key, one by one; with `since_cursor`, those changed after it.

        Which sessions come is settled at the first one; a session that grows meanwhile comes in its newer
        form, one that is forgotten meanwhile doesn't come.
        """
        with self._lock, self._errors():
            keys = [
                key
                for (key,) in self._db.execute(
                    "SELECT key FROM sessions WHERE changed > ? ORDER BY key", (since_cursor or 0,)
                )
            ]
        for start in range(0, len(keys), READ_BATCH):
            batch = keys[start : start + READ_BATCH]
            marks = ", ".join("?" * len(batch))
            with self._lock, self._errors():
                found = self._db.execute(
                    f"SELECT key, body FROM sessions WHERE key IN ({marks}) ORDER BY key",  # noqa: S608  names of our own, values are bound
                    batch,
                ).fetchall()
            for key, body in found:
                yield self._decode(key, body)

    def bodies(self, keys: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
        """Key, change number and packed bytes (zstd of ATIF JSON) of these sessions, in their order, one by
        one; sessions that are gone meanwhile don't come.
        """
        for start in range(0, len(keys), READ_BATCH):
            batch = keys[start : start + READ_BATCH]
            marks = ", ".join("?" * len(batch))
            with self._lock, self._errors():
                found = {
                    key: (changed, body)
                    for key, changed, body in self._db.execute(
                        f"SELECT key, changed, body FROM sessions WHERE key IN ({marks})",  # noqa: S608  names of our own, values are bound
                        batch,
                    )
                }
            for key in batch:
                if key in found:
                    yield key, *found[key]

    # Within

    def _next_change(self) -> int:
        return int(self._db.execute("SELECT changes FROM counter").fetchone()[0]) + 1

    def _key(self, prefix: str) -> str:
        found = [
            key
            for (key,) in self._db.execute(
                "SELECT key FROM sessions WHERE key >= ?1 AND key < ?1 || char(0x10FFFF)"
                " ORDER BY key LIMIT 2",
                (prefix,),
            )
        ]
        if prefix and found and (len(found) == 1 or found[0] == prefix):
            return str(found[0])
        raise BadInputError(
            f"More than one session begins with {prefix!r}."
            if found
            else f"No session begins with {prefix!r}.",
            "",
            "Give more of the id; see: skillclaw sessions list" if found else "See: skillclaw sessions list",
        )

    def _undamaged(self, key: str, body: object) -> Trajectory | None:
        try:
            return self._decode(key, body)
        except DamagedSessionError:
            return None

    def _decode(self, key: str, body: object) -> Trajectory:
        assert isinstance(body, bytes)
        try:
            return model.decode(zstd.decompress(body))
        except (zstd.Damaged, *UNREADABLE) as error:
            raise DamagedSessionError(
                f"Session {key} in {self.path} is damaged.",
                str(error),
                f"It heals when its agent goes on. Restore a backup; or: skillclaw sessions forget {key}",
            ) from error
