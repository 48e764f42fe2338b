"""What the evolver remembers between cycles: cut sessions, the task space, and what each unit gave.

Everything here is derived from the sessions and can be made again (`evolve --full`): it saves reading and
mining what has not changed. Kept in `evolve.db` (SQLite) beside the sessions, readable by the owner alone. A
file that another version wrote, or that is damaged, is made anew; forgetting a session deletes the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from skillclaw.evolve.cutting import Head, rank, skill_uses, unit_name, unpack, unpack_head
from skillclaw.evolve.state_file import (
    DamagedStateError,
    Fact,
    Member,
    Place,
    SkillUses,
    UnitState,
    forget_state,
)
from skillclaw.evolve.state_store import StateStore
from skillclaw.trajectory.episodes import Episode

__all__ = ["DamagedStateError", "EvolveState", "Fact", "Place", "UnitState", "forget_state"]


class EvolveState(StateStore):
    """The state of one home; `home` None keeps it in memory. One writer at a time (the cycle's lock)."""

    def clear(self) -> None:
        """Forget all but vectors, what was refused, what is measured and what people look at, so that the
        next pass is made from sessions alone."""
        with self.writing():
            for table in (
                "sessions",
                "parts",
                "members",
                "intents",
                "asks",
                "results",
                "facts",
                "aside",
                "uses",
            ):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
            self._db.execute(
                "DELETE FROM meta WHERE name NOT IN"
                " ('miner', 'cycle', 'tried', 'rollouts', 'last', 'last-id')"
            )
            self._parts.clear()

    # Sessions

    def known(self) -> dict[str, int]:
        """The change number at which each session (by key) was cut."""
        with self._errors():
            return dict(self._db.execute("SELECT key, changed FROM sessions INDEXED BY sessions_key"))

    def take(self, packed: bytes, changed: int = 0) -> None:
        """Add a packed cut, or put it in the place of an older revision; within `writing`."""
        head, body, uses = unpack_head(packed)
        old = self._db.execute("SELECT id, revision FROM sessions WHERE mark = ?", (head.mark,)).fetchone()
        if old is not None:
            if old[1] > head.revision:
                return
            self._remove(int(old[0]))
        number = rank(head.mark)
        added = self._db.execute(
            "INSERT INTO sessions"
            " (mark, key, user, project, rank, revision, changed, episodes, day, head, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                head.mark,
                head.key,
                head.user,
                head.project,
                number,
                head.revision,
                changed,
                head.episodes,
                head.day,
                msgspec.msgpack.encode(head),
                body,
            ),
        )
        session = int(added.lastrowid or 0)
        self._link(head, session, number)
        self._count(head.user, uses, 1)
        self._db.execute("DELETE FROM aside WHERE key = ?", (head.key,))
        for name, value in head.env.items():
            self._db.execute(
                "INSERT INTO facts VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO UPDATE"
                # A session without a day says nothing of when: the empty day is no first one.
                " SET first = CASE WHEN ?3 = '' THEN first WHEN first = '' THEN ?3 ELSE min(first, ?3) END,"
                " last = max(last, ?3)",
                (name, value, head.day),
            )

    def _link(self, head: Head, session: int, number: int) -> None:
        parts = [self._part(part.unit, part.part) for part in head.parts]
        self._db.executemany(
            "INSERT OR IGNORE INTO members VALUES (?, ?, ?)", [(part, number, session) for part in parts]
        )
        self._db.executemany(
            "UPDATE parts SET n = n + 1, version = version + 1 WHERE id = ?", [(part,) for part in parts]
        )
        for intent in head.intents:
            self._db.execute("INSERT OR IGNORE INTO intents (intent) VALUES (?)", (intent,))
            identity, cluster, family = self._db.execute(
                "SELECT id, cluster, family FROM intents WHERE intent = ?", (intent,)
            ).fetchone()
            self._db.execute("INSERT OR IGNORE INTO asks VALUES (?, ?, ?)", (identity, number, session))
            if cluster is not None:
                self._touch(family, cluster, 1, 1)

    def _count(self, user: str, uses: dict[str, bool], by: int) -> None:
        for skill, read in uses.items():
            column = "read" if read else "offered"
            self._db.execute("INSERT OR IGNORE INTO uses (skill, user) VALUES (?, ?)", (skill, user))
            self._db.execute(
                f"UPDATE uses SET {column} = {column} + ? WHERE skill = ? AND user = ?",  # noqa: S608
                (by, skill, user),
            )

    def _part(self, unit: str, part: str) -> int:
        known = self._parts.get((unit, part))
        if known is None:
            self._db.execute("INSERT OR IGNORE INTO parts (unit, part) VALUES (?, ?)", (unit, part))
            (known,) = self._db.execute(
                "SELECT id FROM parts WHERE unit = ? AND part = ?", (unit, part)
            ).fetchone()
            self._parts[(unit, part)] = int(known)
        return int(known)

    def _touch(self, family: str, cluster: str, grown: int, changes: int) -> None:
        part = self._part(unit_name("task", family), cluster)
        self._db.execute(
            "UPDATE parts SET n = n + ?, version = version + ? WHERE id = ?", (grown, changes, part)
        )

    def _remove(self, session: int) -> None:
        packed, number, body = self._db.execute(
            "SELECT head, rank, body FROM sessions WHERE id = ?", (session,)
        ).fetchone()
        head = msgspec.msgpack.decode(packed, type=Head)
        self._count(head.user, skill_uses(unpack(body)), -1)
        for part in head.parts:
            identity = self._part(part.unit, part.part)
            self._db.execute(
                "DELETE FROM members WHERE part = ? AND rank = ? AND session = ?", (identity, number, session)
            )
            self._db.execute("UPDATE parts SET n = n - 1, version = version + 1 WHERE id = ?", (identity,))
        for intent in head.intents:
            found = self._db.execute(
                "SELECT id, cluster, family FROM intents WHERE intent = ?", (intent,)
            ).fetchone()
            self._db.execute(
                "DELETE FROM asks WHERE intent = ? AND rank = ? AND session = ?", (found[0], number, session)
            )
            if found[1] is not None:
                self._touch(found[2], found[1], -1, 1)
        self._db.execute("DELETE FROM sessions WHERE id = ?", (session,))

    def drop(self, keys: Iterable[str]) -> int:
        """Remove sessions that are no longer there; within `writing`. Returns how many were known."""
        gone = 0
        for key in keys:
            self._db.execute("DELETE FROM aside WHERE key = ?", (key,))
            for (session,) in self._db.execute("SELECT id FROM sessions WHERE key = ?", (key,)).fetchall():
                self._remove(int(session))
                gone += 1
        return gone

    def set_aside(self, key: str, changed: int, reason: str) -> None:
        """Remember that a session, as it was at that change, could not be cut; within `writing`."""
        self._db.execute("INSERT OR REPLACE INTO aside VALUES (?, ?, ?)", (key, changed, reason))

    def aside(self) -> dict[str, tuple[int, str]]:
        """Change number and reason of each session that could not be cut."""
        with self._errors():
            return {
                key: (changed, reason)
                for key, changed, reason in self._db.execute("SELECT * FROM aside ORDER BY key")
            }

    def counts(self) -> tuple[int, int]:
        """Sessions, and episodes in them."""
        with self._errors():
            row = self._db.execute(
                "SELECT count(*), coalesce(sum(episodes), 0) FROM sessions INDEXED BY sessions_key"
            ).fetchone()
        return int(row[0]), int(row[1])

    def episodes(self) -> Iterator[list[Episode]]:
        """The episodes of each session, one session after the other, in order of mark."""
        with self._errors():
            for (body,) in self._db.execute("SELECT body FROM sessions ORDER BY mark"):
                yield unpack(body)

    def since(self, day: str) -> Iterator[Member]:
        """The sessions of that day (`YYYY-MM-DD`) and later ones, one after the other, in order of mark."""
        with self._errors():
            found = self._db.execute(
                "SELECT mark, id FROM sessions INDEXED BY sessions_day WHERE day >= ?", (day,)
            ).fetchall()
        for _, session in sorted(found):
            yield from self._cuts([session])

    # Units

    def units(self, kind: str) -> dict[str, UnitState]:
        """The units of one kind that have members, by name."""
        with self._errors():
            return {
                unit: UnitState(n=n, version=version)
                for unit, n, version in self._db.execute(
                    "SELECT unit, sum(n), sum(version) FROM parts WHERE unit >= ?1 AND unit < ?2"
                    " GROUP BY unit HAVING sum(n) > 0 ORDER BY unit",
                    (f"{kind}:", f"{kind};"),
                )
            }

    def members(self, unit: str, limit: int, *, parts: int = 1) -> list[Member]:
        """At most `limit` sessions of each of the `parts` largest parts of a unit: a fair
        sample (people take turns), the whole where it is smaller; in order of mark, each session once.
        """
        with self._errors():
            chosen = self._db.execute(
                "SELECT id FROM parts WHERE unit = ? AND n > 0 ORDER BY n DESC, part LIMIT ?", (unit, parts)
            ).fetchall()
            found: dict[int, None] = {}
            for part in chosen:
                rows = "SELECT session, rank FROM members WHERE part = ?"
                found.update(dict.fromkeys(self._fair(rows, part, limit)))
            return self._cuts(found)

    def _fair(self, rows: str, values: Sequence[object], limit: int) -> list[int]:
        """At most `limit` of the sessions that a query gives with their ranks, each once: people take turns,
        so that nobody is crowded out. With no more than `limit` nothing has to be chosen, which is cheap."""
        counting = f"SELECT count(DISTINCT session) FROM ({rows})"  # noqa: S608 - a query of this class
        (n,) = self._db.execute(counting, values).fetchone()
        if n > limit:
            rows = (
                "SELECT session, found.rank, row_number()"  # noqa: S608 - a query of this class
                " OVER (PARTITION BY user ORDER BY found.rank, session) AS turn"
                f" FROM (SELECT DISTINCT session, rank FROM ({rows})) AS found"
                " JOIN sessions INDEXED BY sessions_user ON id = session"
                " ORDER BY turn, found.rank, session LIMIT ?"
            )
            return [session for session, _, _ in self._db.execute(rows, (*values, limit))]
        return [session for session, _ in self._db.execute(f"{rows} ORDER BY rank", values)]

    def members_in(self, unit: str, projects: Sequence[str], limit: int) -> list[Member]:
        """The same for the sessions of some projects."""
        with self._errors():
            rows = (
                "SELECT session, members.rank AS rank FROM members"
                " JOIN sessions INDEXED BY sessions_user ON id = session"
                " WHERE part = ? AND project IN (SELECT value FROM json_each(?))"
            )
            values = (self._part(unit, ""), msgspec.json.encode(list(projects)).decode())
            return self._cuts(dict.fromkeys(self._fair(rows, values, limit)))

    def asking(self, family: str, limit: int) -> list[Member]:
        """At most `limit` sessions with a request of this family of task clusters; a fair sample."""
        with self._errors():
            rows = (
                "SELECT DISTINCT session, asks.rank AS rank FROM intents"
                " JOIN asks ON asks.intent = intents.id WHERE family = ?"
            )
            return self._cuts(dict.fromkeys(self._fair(rows, (family,), limit)))

    def asking_new(self) -> Iterator[list[Episode]]:
        """The episodes of the sessions with a request that has no task cluster yet."""
        with self._errors():
            rows = self._db.execute(
                "SELECT DISTINCT session FROM intents JOIN asks ON asks.intent = intents.id"
                " WHERE cluster IS NULL ORDER BY asks.rank"
            ).fetchall()
        for (session,) in rows:
            with self._errors():
                (body,) = self._db.execute("SELECT body FROM sessions WHERE id = ?", (session,)).fetchone()
                found = unpack(body)
            yield found

    def _cuts(self, sessions: Iterable[int]) -> list[Member]:
        rows = [
            self._db.execute("SELECT mark, head, body FROM sessions WHERE id = ?", (session,)).fetchone()
            for session in sessions
        ]
        return [(msgspec.msgpack.decode(head, type=Head), body) for _, head, body in sorted(rows)]

    # Task clusters

    def places(self, intents: Iterable[str]) -> dict[str, Place]:
        """Where those of these requests belong that have a task cluster."""
        found = {}
        with self._errors():
            for intent in intents:
                row = self._db.execute(
                    "SELECT slot, cluster, family FROM intents WHERE intent = ? AND cluster IS NOT NULL",
                    (intent,),
                ).fetchone()
                if row is not None:
                    found[intent] = Place(*row)
        return found

    def assign(self, found: dict[str, Place]) -> None:
        """Give requests their place; clusters that gain or lose one change. Within `writing`."""
        for intent, place in found.items():
            row = self._db.execute(
                "SELECT id, slot, cluster, family FROM intents WHERE intent = ?", (intent,)
            ).fetchone()
            if row is None or row[1:] == place:
                continue
            (n,) = self._db.execute("SELECT count(*) FROM asks WHERE intent = ?", (row[0],)).fetchone()
            if row[2:] == place[1:]:
                self._touch(place.family, place.cluster, 0, n)
            else:
                if row[2] is not None:
                    self._touch(row[3], row[2], -n, n)
                self._touch(place.family, place.cluster, n, n)
            self._db.execute(
                "UPDATE intents SET slot = ?, cluster = ?, family = ? WHERE id = ?", (*place, row[0])
            )

    # Results

    def result(self, unit: str) -> tuple[dict[str, UnitState], bytes] | None:
        """What mining a unit gave, and the units that it read as they were then."""
        with self._errors():
            row = self._db.execute("SELECT reads, result FROM results WHERE unit = ?", (unit,)).fetchone()
            return (
                None if row is None else (msgspec.msgpack.decode(row[0], type=dict[str, UnitState]), row[1])
            )

    def put_result(self, unit: str, reads: dict[str, UnitState], result: bytes) -> None:
        """Keep what mining a unit gave; within `writing`."""
        self._db.execute(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?)", (unit, msgspec.msgpack.encode(reads), result)
        )

    def keep_results(self, units: set[str]) -> None:
        """Drop the results of units that are no more; within `writing`."""
        for (unit,) in self._db.execute("SELECT unit FROM results").fetchall():
            if unit not in units:
                self._db.execute("DELETE FROM results WHERE unit = ?", (unit,))

    # The rest

    def skill_uses(self) -> dict[str, SkillUses]:
        """What sessions did with each skill that any of them was offered or read, by name."""
        with self._errors():
            return {
                name: SkillUses(offered=offered, read=read, users=users)
                for name, offered, read, users in self._db.execute(
                    "SELECT skill, sum(offered), sum(read), sum(offered + read > 0) FROM uses GROUP BY skill"
                )
            }

    def facts(self) -> list[Fact]:
        """Every fact of the environment that was seen."""
        with self._errors():
            return [
                Fact(name=name, value=value, first=first, last=last)
                for name, value, first, last in self._db.execute("SELECT * FROM facts ORDER BY name, value")
            ]
