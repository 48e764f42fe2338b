"""What lists show of the sessions, and how many there are: no body of one is decoded."""

from __future__ import annotations

import msgspec

from skillclaw.journal.records import SessionRow
from skillclaw.journal.session_marks import SessionMarks

__all__ = ["SessionLists"]

COLUMNS = "key, agent, project, started, steps, outcome, shared, user, revision, source, native_id"


class SessionLists(SessionMarks):
    """The columns of the table `sessions` of `sessions.db`. Raises what `SessionTables` raises."""

    def rows(
        self,
        agent: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        key: str | None = None,
        native: bool = True,
    ) -> list[SessionRow]:
        """The sessions as lists show them, newest first; those without a time come last. `key`: that one.

        Without `native` they have no `native_id`, and no session's bytes are passed over for them.
        """
        columns = COLUMNS if native else COLUMNS.replace("native_id", "''")
        with self._lock, self._errors():
            found = self._db.execute(
                f"SELECT {columns} FROM sessions WHERE (?1 IS NULL OR agent = ?1)"  # noqa: S608  names of our own, values are bound
                " AND (?2 IS NULL OR outcome = ?2)"
                # as a condition of its own: with `OR` SQLite would read every session for it
                + (" AND key = ?4" if key is not None else " AND ?4 IS NULL")
                + " ORDER BY started DESC, key LIMIT ?3",
                (agent, outcome, -1 if limit is None else limit, key),
            ).fetchall()
        names = ("id", *COLUMNS.split(", ")[1:])
        return [
            msgspec.convert(dict(zip(names, row, strict=True)), SessionRow, strict=False) for row in found
        ]

    def changes(self) -> dict[str, int]:
        """For each session's key a number that is another one after every change of the session."""
        with self._lock, self._errors():
            # From the index alone: the table holds the bodies, and a large one would be read whole.
            found = self._db.execute("SELECT key, changed FROM sessions INDEXED BY sessions_changed")
            return dict(sorted(found))

    def newest(self, since: int) -> list[str]:
        """The keys of the sessions changed after `since`, the newest session first."""
        with self._lock, self._errors():
            found = self._db.execute(
                "SELECT key FROM sessions WHERE changed > ? ORDER BY started DESC, key", (since,)
            )
            return [str(key) for (key,) in found]

    def walk(self, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str, int]]:
        """Begin, key and change number of at most `limit` sessions, newest first, from behind `after` (begin,
        key) on. Read from an index alone."""
        begin, key = after or ("\U0010ffff", "")
        with self._lock, self._errors():
            return self._db.execute(
                "SELECT started, key, changed FROM sessions INDEXED BY sessions_lists"
                " WHERE started <= ?1 AND (started < ?1 OR key > ?2) ORDER BY started DESC, key LIMIT ?3",
                (begin, key, limit),
            ).fetchall()

    def count(self) -> int:
        """How many sessions are stored."""
        with self._lock, self._errors():
            return int(self._db.execute("SELECT count(*) FROM sessions").fetchone()[0])

    def changed_since(self, cursor: int) -> int:
        """How many sessions are new or have changed after it."""
        with self._lock, self._errors():
            found = self._db.execute("SELECT count(*) FROM sessions WHERE changed > ?", (cursor,))
            return int(found.fetchone()[0])

    def outcomes(self) -> dict[str, int]:
        """How many sessions have each outcome."""
        with self._lock, self._errors():
            return dict(
                self._db.execute("SELECT outcome, count(*) FROM sessions GROUP BY outcome ORDER BY outcome")
            )

    def forgotten_count(self) -> int:
        """How many sessions were forgotten so far."""
        with self._lock, self._errors():
            return int(self._db.execute("SELECT count(*) FROM forgotten").fetchone()[0])

    def cursor(self) -> int:
        """A number that grows with every change; 0 before the first."""
        with self._lock, self._errors():
            return int(self._db.execute("SELECT changes FROM counter").fetchone()[0])
