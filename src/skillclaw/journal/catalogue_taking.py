"""How the catalogue follows the sessions: what it has to read, and reading it for a while."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from skillclaw import zstd
from skillclaw.journal.catalogue_facts import Facts, facts_of
from skillclaw.journal.catalogue_file import erase_in, shard
from skillclaw.journal.catalogue_query import Cursor
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory import model

__all__ = ["Progress", "Taking"]

BATCH = 16
"""Sessions of one transaction: others who write wait that long."""
STRIDE = 2000
"""Sessions that are compared with what is known at a time."""


class Progress(NamedTuple):
    """How many sessions the catalogue has read, of how many."""

    done: int
    all: int


class Taking:
    """Takes sessions of `store` into the file behind `db`. Only one thread may use it at a time.

    `taken` counts what was changed by it; `progress` is how far it was when last looked at.
    """

    def __init__(self, db: sqlite3.Connection, store: SessionStore) -> None:
        self.db = db
        self.taken = 0
        self.progress = Progress(0, 0)
        self._store = store
        self._todo: list[str] = []
        """Keys to read, the last one first."""
        self._walk: Cursor | None = None
        """How far all sessions were gone through, where that is not over."""
        self._walking = False
        self._seen = -1
        """The store's cursor up to which everything is read, to be read, or still to be gone through."""
        self._whole = -1
        """The store's cursor for which the catalogue is known to be whole."""

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    def go_on(self, seconds: float) -> Progress:
        """Read what is to be read, for about so long. Raises sqlite3.Error, StorageError."""
        until = time.monotonic() + seconds
        cursor = self._store.cursor()
        if cursor != self._seen:
            self._look(cursor)
        elif cursor == self._whole and not self._stale():
            return self.progress
        while time.monotonic() < until and self._more():
            batch = [self._todo.pop() for _ in range(min(BATCH, len(self._todo)))]
            try:
                batch = self._take(batch, until)
            finally:  # with all of it where it failed
                self._todo += reversed(batch)
        known, unread = self._counts()
        total = self._store.count()
        self.progress = Progress(max(0, min(total, known - unread)), total)
        return self.progress

    def _look(self, cursor: int) -> None:
        """Find out what changed since; all there is where the catalogue was never whole."""
        since = self._seen
        if since < 0:
            found = self.db.execute("SELECT value FROM meta WHERE name = 'cursor'").fetchone()
            since = -1 if found is None else int(found[0])
            self._walking, self._walk = since < 0, None
        if since >= 0:
            fresh = dict.fromkeys(reversed(self._store.newest(since)))
            self._todo = [*(key for key in self._todo if key not in fresh), *fresh]
        self._seen = cursor

    def _more(self) -> bool:
        """Whether there is something to read; what is gone is let go of where nothing else is left."""
        if self._todo:
            return True
        if self._walking:
            part = self._store.walk(self._walk, STRIDE)
            known = self._changes([key for _, key, _ in part])
            self._todo = [key for _, key, changed in reversed(part) if known.get(key) != changed]
            self._walking = bool(part)
            if part:
                self._walk = part[-1][0], part[-1][1]
            return True
        self._todo = self._stale() or self._missing()
        if not self._todo and self._whole != self._seen:
            self.db.execute("INSERT OR REPLACE INTO meta VALUES ('cursor', ?)", (self._seen,))
            self._whole = self._seen
        return bool(self._todo)

    def _missing(self) -> list[str]:
        """What the counts show to be missing; what they show to be too much is erased."""
        if self._whole == self._seen or self._counts()[0] == self._store.count():
            return []
        known = {str(key) for (key,) in self.db.execute("SELECT key FROM facts")}
        now = self._store.changes()
        if gone := known - now.keys():
            erase_in(self.db, gone)
            self.taken += 1
        return [*(key for key in now if key not in known), *self._stale()]

    def _changes(self, keys: Sequence[str]) -> dict[str, int]:
        """The change numbers at which those of these that are known were read."""
        return dict(
            self.db.execute(
                "SELECT key, changed FROM facts WHERE key IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(keys).decode(),),
            )
        )

    def _counts(self) -> tuple[int, int]:
        """The sessions that are known, and those of them whose words are to be read again."""
        (known,) = self.db.execute("SELECT count(*) FROM facts").fetchone()
        (unread,) = self.db.execute("SELECT count(*) FROM facts WHERE changed < 0").fetchone()
        return int(known), int(unread)

    def _stale(self) -> list[str]:
        """Those whose words are to be read again, since what was forgotten shared their index."""
        return [str(key) for (key,) in self.db.execute("SELECT key FROM facts WHERE changed < 0")]

    def _take(self, keys: Sequence[str], until: float) -> list[str]:
        """Read these; gives back those for which there was no time."""
        # The bodies are read within the transaction: whoever forgets one of them meanwhile has to wait for
        # its end, and finds then what was taken in.
        self.db.execute("BEGIN IMMEDIATE")
        try:
            missing = dict.fromkeys(keys)
            for key, changed, body in self._store.bodies(keys):
                del missing[key]
                self._put(key, changed, self._facts(key, body))
                if time.monotonic() > until:
                    break
            rest = [key for key in keys if key in missing]
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        self.taken += 1
        return rest if time.monotonic() > until else []

    def _facts(self, key: str, body: bytes) -> Facts:
        """What there is to know; nothing of a session that is damaged: whoever opens it is told so."""
        try:
            return facts_of(model.decode(zstd.decompress(body)))
        except (zstd.Damaged, msgspec.MsgspecError, ValueError):
            row = self._store.rows(key=key)[0]
            return Facts(
                started=row.started,
                agent=row.agent,
                project=row.project,
                outcome=row.outcome,
                source=row.source,
                title="",
                words="",
            )

    def _put(self, key: str, changed: int, facts: Facts) -> None:
        old = self.db.execute("SELECT id FROM facts WHERE key = ?", (key,)).fetchone()
        number: int | None = None
        if old is not None:
            number = int(old[0])
            self.db.execute("DELETE FROM uses WHERE id = ?", (number,))
            self.db.execute("DELETE FROM facts WHERE id = ?", (number,))
        added = self.db.execute(
            "INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                key,
                changed,
                facts.started,
                facts.agent,
                facts.project,
                facts.outcome,
                facts.source,
                facts.title,
                facts.tokens_in,
                facts.tokens_out,
                facts.usd,
                facts.calls,
                facts.errors,
                msgspec.json.encode(facts.env).decode(),
            ),
        )
        number = int(added.lastrowid or 0)
        self.db.executemany(
            "INSERT OR IGNORE INTO uses VALUES (?, ?, ?, ?)",
            [(use.name, int(use.used), use.hub, number) for use in facts.uses],
        )
        table = shard(number)
        self.db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5 (said, tokenize = 'porter unicode61')"
        )
        self.db.execute(f"DELETE FROM {table} WHERE rowid = ?", (number,))  # noqa: S608 - a name of our own
        self.db.execute(f"INSERT INTO {table} (rowid, said) VALUES (?, ?)", (number, facts.words))  # noqa: S608
