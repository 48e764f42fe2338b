"""One session under two keys: as the proxy saw it, and as the agent's history has it.

Where an agent sends no id, the wire's key is made from the first words and the minute of the first request
(`trajectory.keys`), and the history's from its own id, or from the minute in which the words were said. Two
that begin with the same words within a minute and a half, one of each kind, are one session. That is
remembered, so that each goes on to grow the same. Of a session that is forgotten it is kept by what its other
view would be known: when it began, and a salted digest of the first words.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

from skillclaw.journal.store_file import started_at
from skillclaw.trajectory.model import Trajectory, meta, step_meta, text_of
from skillclaw.trajectory.moments import utc_text

__all__ = ["TABLES", "remember_forgotten", "stored_key"]

TABLES = (
    "CREATE TABLE IF NOT EXISTS twins (key TEXT PRIMARY KEY, stored TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS forgotten_views (
    key TEXT PRIMARY KEY, agent TEXT NOT NULL, started TEXT NOT NULL, source TEXT NOT NULL,
    made_up INTEGER NOT NULL, salt BLOB NOT NULL, words BLOB NOT NULL, opening BLOB NOT NULL)
    STRICT, WITHOUT ROWID""",
)
NEAR = timedelta(seconds=90)
"""An agent may take so long between hearing the user and its first request."""
MADE_UP = re.compile(r"[0-9a-f]{32}\Z")
"""What the wire has in place of an id; agents' own ids look otherwise, but for one that means no harm."""
OTHER = {"wire": "history", "history": "wire"}


_Decode = Callable[[str, object], Trajectory | None]
"""A stored session from its bytes; None where they are damaged."""


def stored_key(db: sqlite3.Connection, given: Trajectory, decode: _Decode) -> str:
    """The key under which a session is stored, or was until it was forgotten: its own, or that of its twin.
    Within a transaction."""
    known = meta(given)
    found = db.execute("SELECT stored FROM twins WHERE key = ?", (known.key,)).fetchone()
    if found is not None:
        return str(found[0])
    start = started_at(given)
    if known.source not in OTHER or not start or _is_stored(db, known.key):
        return known.key
    first = _first_words(given)
    twins = [
        (key, began) for key, body, began in _near(db, given, start) if _begins(decode(key, body), first)
    ]
    twins = twins or _forgotten_near(db, given, start, first) or _forgotten_before(db, given)
    if not first or not twins:
        return known.key
    moment = datetime.fromisoformat(start)
    nearest, _ = min(twins, key=lambda twin: (abs(datetime.fromisoformat(twin[1]) - moment), twin[0]))
    db.execute("INSERT INTO twins VALUES (?, ?)", (known.key, nearest))
    return nearest


def remember_forgotten(db: sqlite3.Connection, key: str, decode: _Decode) -> None:
    """Keep of a session that goes how its other view is known, if that has not come. Within a transaction."""
    row = db.execute("SELECT body, agent, started, native_id FROM sessions WHERE key = ?", (key,)).fetchone()
    sources = [str(one) for (one,) in db.execute("SELECT source FROM inputs WHERE key = ?", (key,))]
    made_up = row is not None and MADE_UP.match(row[3]) is not None
    wanted = row is not None and row[2] and (made_up or (len(sources) == 1 and sources[0] in OTHER))
    stored = decode(key, row[0]) if wanted else None
    first = _first_words(stored) if stored is not None else ""
    if stored is not None and first:
        salt = os.urandom(16)
        source = sources[0] if len(sources) == 1 else ""  # both views are known: no other will come
        words, opening = _digest(salt, first), _digest(salt, _opening(stored)) if made_up else b""
        db.execute(
            "INSERT OR REPLACE INTO forgotten_views VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (key, row[1], row[2], source, int(made_up), salt, words, opening),
        )


def _forgotten_near(
    db: sqlite3.Connection, given: Trajectory, start: str, first: str
) -> list[tuple[str, str]]:
    """(key, start) of the forgotten sessions of which `given` is the other view."""
    moment = datetime.fromisoformat(start)
    rows = db.execute(
        "SELECT key, started, made_up, salt, words FROM forgotten_views"
        " WHERE started BETWEEN ? AND ? AND agent = ? AND source = ?",
        (utc_text(moment - NEAR), utc_text(moment + NEAR), given.agent.name, OTHER[meta(given).source]),
    )
    own = MADE_UP.match(given.session_id or "") is not None
    return [
        (key, began)
        for key, began, made_up, salt, words in rows
        if (own or made_up) and _digest(salt, first) == words
    ]


def _forgotten_before(db: sqlite3.Connection, given: Trajectory) -> list[tuple[str, str]]:
    """(key, start) of the forgotten session that `given` goes on with: an agent without ids sends again all
    that was said. What it opens with was then not recorded when it was said, and so has no time."""
    if meta(given).source != "wire" or MADE_UP.match(given.session_id or "") is None:
        return []
    answer = next((step for step in given.steps if step.source == "agent"), None)
    if answer is None or answer.timestamp is not None:
        return []
    opening = _opening(given)
    rows = db.execute(
        "SELECT key, started, salt, opening FROM forgotten_views WHERE agent = ? AND made_up = 1",
        (given.agent.name,),
    )
    return [(key, began) for key, began, salt, known in rows if _digest(salt, opening) == known]


def _opening(trajectory: Trajectory) -> str:
    """The first words of the user and the first answer, with what it called."""
    answer = next((step for step in trajectory.steps if step.source == "agent"), None)
    calls = [call.function_name for call in (answer.tool_calls or [])] if answer is not None else []
    said = text_of(answer.message).strip() if answer is not None else ""
    return "\0".join([_first_words(trajectory), said, *calls])


def _digest(salt: bytes, words: str) -> bytes:
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), key=salt, digest_size=32).digest()


def _begins(trajectory: Trajectory | None, first: str) -> bool:
    return trajectory is not None and _first_words(trajectory) == first


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
