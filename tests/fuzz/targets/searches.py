"""What somebody types into the search of sessions, and the words that are searched: FTS5 takes all of it.

The two halves of the input are the stored words and the query, or all narrowing fields. Nothing typed is an
operator; a word of the stored text is found.
"""

from __future__ import annotations

import sqlite3
from functools import cache

from fuzz_made import Drawn

from skillclaw.journal.catalogue_facts import query_of, spaced
from skillclaw.journal.catalogue_query import Filter, conditions, inside

ALLOWED: tuple[type[Exception], ...] = ()
DICT = (
    b'"',
    b" AND ",
    b" OR ",
    b" NOT ",
    b"NEAR(",
    b"*",
    b"^",
    b"said:",
    b"-",
    b"(",
    b")",
    b"\xe6\xbc\xa2",
    b"--",
    b"';",
)


@cache
def _database() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words_1 USING fts5 (said, tokenize = 'porter unicode61')")
    db.execute("CREATE TABLE uses (id INTEGER, name TEXT, used INTEGER)")
    db.execute(
        "CREATE TABLE sessions"
        " (id INTEGER, key TEXT, agent TEXT, project TEXT, outcome TEXT, source TEXT, started TEXT)"
    )
    return db


def once(data: bytes) -> None:
    """One search."""
    drawn = Drawn(data)
    stored = drawn.bytes(80).decode("utf-8", "replace")
    typed = drawn.bytes(80).decode("utf-8", drawn.pick(("replace", "surrogateescape")))
    db = _database()
    db.execute("DELETE FROM words_1")
    db.execute("INSERT INTO words_1 (rowid, said) VALUES (1, ?)", (spaced(stored),))
    given = Filter(
        agent=drawn.text()[:40],
        words=typed,
        skill=drawn.text()[:40],
        since=drawn.text()[:40],
        until="2026-01-01" if drawn.yes() else drawn.text()[:40],
        offered=drawn.yes(),
    )
    after = (drawn.text(), drawn.text()) if drawn.yes() else None
    where, values = conditions(given, after)
    ids, more = inside(given, ["words_1"])
    db.execute(f"SELECT id FROM sessions WHERE {where}", _plain(values)).fetchall()
    if ids:
        db.execute(f"SELECT count(*) FROM ({ids})", _plain(more)).fetchall()
    query = query_of(stored)
    if query and stored.isascii() and "\x00" not in stored:
        (found,) = db.execute("SELECT count(*) FROM words_1 WHERE words_1 MATCH ?", (query,)).fetchone()
        assert found == 1, (stored, query)


def _plain(values: list[object]) -> list[object]:
    """As a page's query string gives them: halves of characters never come through its decoding."""
    return [
        value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in values
    ]
