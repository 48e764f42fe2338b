"""One session under two keys: as the proxy saw it, and as the agent's history has it.

Where an agent sends no id, the wire's key is made from the first words and the minute of the first request
(`trajectory.keys`), and the history's from its own id, or from the minute in which the words were said. Two
that begin with the same words within a minute and a half, one of each kind, are one session. That is
remembered, so that each goes on to grow the same.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

from skillclaw.journal.store_file import started_at
from skillclaw.trajectory.model import Trajectory, meta, step_meta, text_of
from skillclaw.trajectory.moments import utc_text

__all__ = ["TABLE", "stored_key"]

TABLE = """
CREATE TABLE IF NOT EXISTS twins (key TEXT PRIMARY KEY, stored TEXT NOT NULL) STRICT, WITHOUT ROWID
"""
NEAR = timedelta(seconds=90)
"""An agent may take so long between hearing the user and its first request."""
MADE_UP = re.compile(r"[0-9a-f]{32}\Z")
"""What the wire has in place of an id; agents' own ids look otherwise, but for one that means no harm."""
OTHER = {"wire": "history", "history": "wire"}


def stored_key(db: sqlite3.Connection, given: Trajectory, decode: Callable[[str, object], Trajectory]) -> str:
    """The key under which a session is stored: its own, or that of its twin. Within a transaction."""
    known = meta(given)
    found = db.execute("SELECT stored FROM twins WHERE key = ?", (known.key,)).fetchone()
    if found is not None:
        return str(found[0])
    start = started_at(given)
    if known.source not in OTHER or not start or _is_stored(db, known.key):
        return known.key
    first = _first_words(given)
    twins = [
        row for row in _near(db, given, start) if first and _first_words(decode(row[0], row[1])) == first
    ]
    if not twins:
        return known.key
    moment = datetime.fromisoformat(start)
    nearest = min(twins, key=lambda row: (abs(datetime.fromisoformat(row[2]) - moment), row[0]))
    db.execute("INSERT INTO twins VALUES (?, ?)", (known.key, nearest[0]))
    return nearest[0]


def _is_stored(db: sqlite3.Connection, key: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM sessions WHERE key = ?1 UNION ALL SELECT 1 FROM forgotten WHERE key = ?1", (key,)
    )
    return found.fetchone() is not None


def _near(db: sqlite3.Connection, given: Trajectory, start: str) -> list[tuple[str, object, str]]:
    """(key, body, start) of the sessions of the agent that began about then and are known from the other
    source alone."""
    moment = datetime.fromisoformat(start)
    rows = db.execute(
        "SELECT key, body, started, native_id FROM sessions WHERE started BETWEEN ? AND ? AND agent = ?"
        " AND EXISTS (SELECT 1 FROM inputs WHERE inputs.key = sessions.key AND source = ?)"
        " AND NOT EXISTS (SELECT 1 FROM inputs WHERE inputs.key = sessions.key AND source = ?)",
        (
            utc_text(moment - NEAR),
            utc_text(moment + NEAR),
            given.agent.name,
            OTHER[meta(given).source],
            meta(given).source,
        ),
    ).fetchall()
    own = MADE_UP.match(given.session_id or "") is not None
    return [(key, body, began) for key, body, began, native in rows if own or MADE_UP.match(native)]


def _first_words(trajectory: Trajectory) -> str:
    """What the user said first."""
    said = (
        text_of(step.message).strip()
        for step in trajectory.steps
        if step.source == "user" and not step_meta(step).injected
    )
    return next((text for text in said if text), "")
