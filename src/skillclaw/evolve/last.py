"""What the last cycle found, kept for people to look at until the next one ends.

It lies in the evolver's state: forgetting a session takes it away with the rest, and the next cycle writes it
anew. Whoever looks reads the file only, beside a cycle that runs, and makes nothing of it anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from skillclaw import zstd
from skillclaw.errors import UNREADABLE
from skillclaw.evolve.cutting import Head, unpack
from skillclaw.evolve.state import EvolveState
from skillclaw.evolve.state_file import FILE
from skillclaw.evolve.view import CycleView
from skillclaw.hub import HubState
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record

T = TypeVar("T")

__all__ = [
    "LAST",
    "AskedSession",
    "LastCycle",
    "Request",
    "cluster_requests",
    "cluster_sessions",
    "keep_last",
    "last_cycle",
    "last_id",
    "recent_episodes",
    "taken_back",
]

LAST = "last"
LAST_ID = "last-id"
"""Names in the state: the cycle, packed, and its id, which tells cheaply whether there is a newer one."""

PATIENCE = 2.0
"""Seconds that a reader waits for a cycle that writes."""

LARGEST = 1 << 28
"""Bytes of a cycle unpacked."""


class LastCycle(Record, frozen=True, kw_only=True):
    """A cycle as its page tells it.

    asked  by pattern id how many sessions of its evidence asked for each task cluster (`Work.asked`)
    taken  what had been taken back in the hub by then (`taken_back`)
    """

    view: CycleView
    asked: dict[str, dict[str, int]] = {}
    taken: int = 0


class Request(NamedTuple):
    """Something that users asked for, in their words, and in how many sessions."""

    text: str
    sessions: int


class AskedSession(NamedTuple):
    """A session of a task cluster; `user` as the evolver knows them, `outcome` success, failure, unknown."""

    key: str
    day: str
    user: str
    outcome: str


def taken_back(state: HubState) -> int:
    """How much was taken back in a hub: sessions that were forgotten or withdrawn, and members who were
    revoked. It only grows; what was found before it grew may tell of what is gone."""
    revoked = sum(key.revoked for key in state.keys.values())
    return len(state.tombstones) + sum(map(len, state.withdrawn.values())) + revoked


def keep_last(memory: EvolveState, last: LastCycle) -> None:
    """Keep the cycle in place of the one before."""
    packed = zstd.compress(msgspec.msgpack.encode(last), 3)
    with memory.writing():
        memory.put_meta(LAST, packed)
        memory.put_meta(LAST_ID, last.view.cycle.encode())


def last_id(home: Path) -> str | None:
    """The id of the cycle that is kept in the evolver's `home`; None where there is none."""
    return _read(home, lambda db: (_meta(db, LAST_ID) or b"").decode("utf-8", "replace") or None, None)


def last_cycle(home: Path) -> LastCycle | None:
    """The cycle that is kept there. None where there is none, and where it cannot be read: another version
    wrote it, or the file is damaged, and the next cycle writes its own."""

    def ask(db: sqlite3.Connection) -> LastCycle | None:
        packed = _meta(db, LAST)
        if packed is None:
            return None
        data = zstd.decompress(packed, LARGEST)
        return msgspec.msgpack.decode(data, type=LastCycle)

    return _read(home, ask, None)


def cluster_requests(home: Path, cluster: str, limit: int) -> tuple[list[Request], int]:
    """What was asked for in a task cluster, the most frequent first, at most `limit` of it; and how many
    different requests there are."""
    rows = (
        "SELECT intents.intent, count(DISTINCT asks.session) AS n FROM intents"
        " JOIN asks ON asks.intent = intents.id WHERE intents.cluster = ? GROUP BY intents.id"
    )

    def ask(db: sqlite3.Connection) -> tuple[list[Request], int]:
        (total,) = db.execute(f"SELECT count(*) FROM ({rows})", (cluster,)).fetchone()  # noqa: S608
        found = db.execute(f"{rows} ORDER BY n DESC, intents.intent LIMIT ?", (cluster, limit)).fetchall()
        return [Request(*row) for row in found], int(total)

    none: tuple[list[Request], int] = ([], 0)
    return _read(home, ask, none)


def cluster_sessions(home: Path, cluster: str, limit: int, begin: int = 0) -> list[AskedSession]:
    """The sessions with a request of a task cluster, the newest first, at most `limit` from `begin` on."""

    def ask(db: sqlite3.Connection) -> list[AskedSession]:
        found = db.execute(
            "SELECT head FROM sessions WHERE id IN (SELECT asks.session FROM intents"
            " JOIN asks ON asks.intent = intents.id WHERE intents.cluster = ?)"
            " ORDER BY day DESC, key LIMIT ? OFFSET ?",
            (cluster, limit, begin),
        ).fetchall()
        heads = [msgspec.msgpack.decode(packed, type=Head) for (packed,) in found]
        return [AskedSession(one.key, one.day, one.user, one.outcome) for one in heads]

    return _read(home, ask, [])


def recent_episodes(home: Path, day: str, limit: int) -> list[list[Episode]]:
    """The episodes of each session of that day (`YYYY-MM-DD`) and later, the newest first; at most `limit`
    sessions."""

    def ask(db: sqlite3.Connection) -> list[list[Episode]]:
        found = db.execute(
            "SELECT body FROM sessions WHERE day >= ? ORDER BY day DESC, key LIMIT ?", (day, limit)
        )
        return [unpack(body) for (body,) in found]

    return _read(home, ask, [])


def _meta(db: sqlite3.Connection, name: str) -> bytes | None:
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return bytes(row[0]) if row is not None else None


def _read(home: Path, ask: Callable[[sqlite3.Connection], T], none: T) -> T:
    """What `ask` reads in the state's file; `none` where there is no file, or one that cannot be read."""
    path = home / FILE
    if not path.is_file():
        return none
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as db:
            return ask(db)
    except (sqlite3.Error, zstd.Damaged, *UNREADABLE):
        return none
