"""The catalogue of the sessions: what lists show and search, and `sessions.db` has no columns for.

`<home>/catalogue.db` holds for each session its title, what it cost, its calls and errors, the skills that
were before it, and an index of the words that were said. It follows the sessions: `refresh` takes in what
changed, newest first, for as long as it may, and a list works without it too, just with less in its rows.
What is gone from the store is gone from here, at once where it was forgotten (`catalogue_file.erase`).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from skillclaw.journal.catalogue_counts import (
    LISTED,
    Counted,
    Counts,
    Day,
    SkillCount,
    UseCount,
    days_since,
    skill_counts,
    skill_uses,
    uses_since,
)
from skillclaw.journal.catalogue_facts import Use
from skillclaw.journal.catalogue_file import DAMAGE, FILE, connect, delete, told
from skillclaw.journal.catalogue_query import Cursor, Filter, conditions, inside
from skillclaw.journal.catalogue_rows import Row, Rows, rows_of
from skillclaw.journal.catalogue_taking import Progress, Taking
from skillclaw.journal.store import SessionStore

__all__ = [
    "Catalogue",
    "Counted",
    "Counts",
    "Cursor",
    "Day",
    "Filter",
    "Progress",
    "Row",
    "Rows",
    "SkillCount",
    "Use",
    "UseCount",
]

T = TypeVar("T")
FEW = 2000
"""Sessions with a word or skill up to which they are looked up one by one; more are met on the way through
the list."""


class Catalogue:
    """The catalogue of one home, beside its `store`. Safe to use from several threads and processes.

    Raises StorageError, BusyError where the disk fails; a file that is damaged is made anew.
    """

    def __init__(self, home: Path, store: SessionStore) -> None:
        self.home = home
        self.store = store
        self._lock = threading.RLock()
        self._taking_lock = threading.Lock()
        self._kept: dict[object, tuple[object, Any]] = {}
        self._open()

    def _open(self) -> None:
        with told(self.home):
            self._taking = Taking(connect(self.home), self.store)
            self._db = connect(self.home)
            self._db.execute("ATTACH ? AS s", (f"{self.store.path.absolute().as_uri()}?mode=ro",))
            self._file = self._found()

    def _found(self) -> int:
        """Which file lies there now: another process may have made it anew."""
        try:
            return (self.home / FILE).stat().st_ino
        except FileNotFoundError:
            return -1

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, self._taking_lock:
            self._db.close()
            self._taking.close()

    def refresh(self, seconds: float = 0.15) -> Progress:
        """Take in what changed, for about so many seconds; how far it is. It waits for no other thread's."""
        if not self._taking_lock.acquire(blocking=False):
            return self._taking.progress
        try:
            if self._found() != self._file:
                self._open_again()
            return self._anew(lambda: self._taking.go_on(seconds))
        finally:
            self._taking_lock.release()

    def page(self, given: Filter, after: Cursor | None = None, limit: int = 50) -> Rows:
        """At most `limit` sessions that fit, newest first, from behind `after`."""
        return self._read(lambda: self._page(given, after, max(1, limit)))

    def counts(self, given: Filter) -> Counts:
        """How many fit, by outcome."""
        return self._remembered(("counts", given), lambda: self._counts(given), facts=given.inside)

    def days(self, since: str) -> list[Day]:
        """The days from `since` (`YYYY-MM-DD`) on that have sessions, oldest first."""
        return self._remembered(("days", since), lambda: days_since(self._db, since), facts=True)

    def agents(self) -> list[Counted]:
        """The agents with their sessions, most first."""
        return self._by(0)

    def projects(self) -> list[Counted]:
        """The projects with their sessions, most first; sessions of none are left out."""
        return [one for one in self._by(1) if one.name]

    def skills(self, limit: int | None = None) -> list[SkillCount]:
        """The skills that sessions had before them, the most used first."""
        return self._read(lambda: skill_counts(self._db, limit))

    def uses(self, since: str) -> Mapping[tuple[str, str], tuple[int, int]]:
        """For each skill (name, hub) the sessions since that day that had it before them, and used it."""
        return self._remembered(("uses", since), lambda: uses_since(self._db, since), facts=True)

    def skill(self, name: str, kind: Literal["day", "agent", "project"]) -> list[UseCount]:
        """How often the skills of this name were before the agent and used, by day, agent or project."""
        return self._read(lambda: skill_uses(self._db, name, kind))

    # Within

    def _page(self, given: Filter, after: Cursor | None, limit: int) -> Rows:
        where, values = conditions(given, after)
        query = f"SELECT key, started FROM {LISTED} WHERE {where}"  # noqa: S608 - names of our own, values are bound
        if given.inside:
            source, bound = self._inside(given)
            query, values = f"SELECT key, started FROM {source} AND {where}", [*bound, *values]  # noqa: S608 - as above
        found = self._db.execute(f"{query} ORDER BY started DESC, key LIMIT ?", (*values, limit + 1))
        keys = [(str(key), str(started)) for key, started in found]
        more = len(keys) > limit
        rows = rows_of(self._db, [key for key, _ in keys[:limit]])
        return Rows(rows=rows, next=(keys[limit - 1][1], keys[limit - 1][0]) if more else None)

    def _inside(self, given: Filter) -> tuple[str, list[Any]]:
        """The sessions with the skill and the words, as the beginning of a query."""
        shards = [
            name
            for (name,) in self._db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'words\\_%' ESCAPE '\\'"
                " AND sql LIKE 'CREATE VIRTUAL TABLE%'"
            )
        ]
        ids, values = inside(given, shards)
        (count,) = self._db.execute(
            f"SELECT count(*) FROM (SELECT * FROM ({ids}) LIMIT {FEW})",  # noqa: S608 - names of our own, values are bound
            values,
        ).fetchone()
        table = "facts" if count < FEW else "facts INDEXED BY facts_list"
        return f"{table} WHERE id IN ({ids})", values

    def _counts(self, given: Filter) -> Counts:
        found: dict[str, int] = {}
        if not (given.inside or given.since or given.until):
            wanted = (given.agent, given.project, given.outcome, given.source)
            for row in self._kinds():
                if all(one in ("", has) for one, has in zip(wanted, row[:4], strict=True)):
                    found[row[2]] = found.get(row[2], 0) + row[4]
        else:
            source, bound = self._inside(given) if given.inside else (f"{LISTED} WHERE 1", [])
            where, values = conditions(given)
            query = f"SELECT outcome, count(*) FROM {source} AND {where} GROUP BY outcome"  # noqa: S608 - as above
            found = dict(self._db.execute(query, [*bound, *values]).fetchall())
        return Counts(
            sessions=sum(found.values()),
            success=found.get("success", 0),
            failure=found.get("failure", 0),
            unknown=found.get("unknown", 0),
        )

    def _by(self, column: int) -> list[Counted]:
        sums: dict[str, int] = {}
        for row in self._kinds():
            sums[str(row[column])] = sums.get(str(row[column]), 0) + row[4]
        return [
            Counted(name=name, sessions=count)
            for name, count in sorted(sums.items(), key=lambda one: (-one[1], one[0]))
        ]

    def _kinds(self) -> list[tuple[str, str, str, str, int]]:
        """Agent, project, outcome and source of all sessions, with how many are alike."""
        return self._remembered(
            "kinds",
            lambda: self._db.execute(
                "SELECT agent, project, outcome, source, count(*) FROM s.sessions INDEXED BY sessions_kinds"
                " GROUP BY agent, project, outcome, source"
            ).fetchall(),
        )

    def _remembered(self, what: object, ask: Callable[[], T], *, facts: bool = False) -> T:
        """What was asked before, until a session changes; with `facts`, or what the catalogue knows."""
        stamp = (self.store.cursor(), self._taking.taken if facts else 0)
        known = self._kept.get(what)
        if known is not None and known[0] == stamp:
            return cast(T, known[1])
        found = self._read(ask)
        with self._lock:
            if len(self._kept) > 100:
                self._kept.clear()
            self._kept[what] = (stamp, found)
        return found

    def _read(self, ask: Callable[[], T]) -> T:
        def locked() -> T:
            with self._lock:
                return ask()

        return self._anew(locked)

    def _anew(self, do: Callable[[], T]) -> T:
        """Do it; where the file turns out to be damaged, make it anew and do it again."""
        with told(self.home):
            try:
                return do()
            except sqlite3.DatabaseError as error:
                if not self._is_lost(error):
                    raise
            delete(self.home)
            self._open_again()
            return do()

    def _open_again(self) -> None:
        with self._lock:
            self._db.close()
            self._taking.close()
            self._open()

    def _is_lost(self, error: sqlite3.DatabaseError) -> bool:
        """Whether it is the catalogue's own file that is damaged."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGE:
            return False
        self.store.cursor()  # the sessions' file has errors of its own to tell
        return True
