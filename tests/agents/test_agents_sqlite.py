"""Of an agent's database nothing can be read but the columns that are named, and nothing is changed."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from skillclaw.agents.history import sqlite
from skillclaw.agents.history.sqlite import columns_of, is_database, reading, tables_of
from skillclaw.errors import BadInputError, SkillClawError, StorageError

ALLOWED = {"messages": ("id", "text"), "peek": ("text",), "own": ("text",), "found": ("text",)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "state.db"
    db = sqlite3.connect(made)
    db.executescript(
        """
        CREATE TABLE messages (id INTEGER PRIMARY KEY, text, hidden);
        CREATE TABLE keys (k INTEGER PRIMARY KEY, v);
        INSERT INTO messages VALUES (1, 'hi', 'SECRET');
        INSERT INTO keys VALUES (7, 'SECRET');
        CREATE VIEW peek AS SELECT v AS text FROM keys;
        CREATE VIEW own AS SELECT hidden AS text FROM messages;
        CREATE VIRTUAL TABLE found USING fts5(text);
        INSERT INTO found VALUES ('SECRET');
        CREATE TRIGGER t AFTER UPDATE ON messages BEGIN DELETE FROM keys; END;
        """
    )
    db.commit()
    db.close()
    return made


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM messages",
        "SELECT hidden FROM messages",
        "SELECT hidden AS text FROM messages",
        "SELECT id FROM messages WHERE hidden = 'SECRET'",
        "SELECT text FROM messages ORDER BY hidden",
        "SELECT text FROM messages GROUP BY hidden",
        "SELECT v FROM keys",
        "SELECT v AS text FROM keys",
        "SELECT count(*) FROM keys",
        "SELECT 1 FROM keys",
        "SELECT max(rowid) FROM keys",
        "SELECT typeof(v) FROM keys",
        "SELECT text FROM peek",
        "SELECT text FROM own",
        "SELECT (SELECT v FROM keys) FROM messages",
        "SELECT text FROM messages, keys",
        "SELECT m.text FROM messages m NATURAL JOIN keys",
        "SELECT text FROM messages WHERE EXISTS (SELECT 1 FROM keys)",
        "SELECT text FROM messages UNION SELECT v FROM keys",
        "WITH messages AS (SELECT v AS text FROM keys) SELECT text FROM messages",
        "SELECT group_concat(v) OVER () FROM keys",
        "SELECT text FROM found",
        "SELECT * FROM found_content",
        "SELECT sql FROM sqlite_master",
        "SELECT * FROM pragma_table_info('keys')",
        "EXPLAIN SELECT v FROM keys",
        "ATTACH 'state.db' AS other",
        "VACUUM INTO 'copy.db'",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA database_list",
        "PRAGMA wal_checkpoint",
        "BEGIN",
        "UPDATE messages SET text = 'x'",
        "DELETE FROM messages",
        "DROP TABLE messages",
        "CREATE TEMP TABLE t2 (a)",
        "SELECT load_extension('x')",
    ],
)
def test_everything_else_is_refused(path: Path, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    before = path.read_bytes()
    with pytest.raises((BadInputError, StorageError)) as caught, reading(path, ALLOWED) as db:
        assert "SECRET" not in str([tuple(row) for row in db.execute(query)])
    assert "SECRET" not in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["state.db"]


@pytest.mark.parametrize("query", ["SELECT text FROM messages", "SELECT m.text FROM main.messages AS m"])
def test_what_is_named_can_be_read(path: Path, query: str) -> None:
    with reading(path, ALLOWED) as db:
        assert [row["text"] for row in db.execute(query)] == ["hi"]
        assert [tuple(row) for row in db.execute("SELECT rowid, count(*) FROM messages")] == [(1, 1)]
    assert tables_of(path) >= {"messages", "keys"}
    assert columns_of(path, "messages") == {"id", "text", "hidden"}
    assert columns_of(path, 'x"); DROP TABLE keys; --') == set()


def test_what_is_still_in_the_log_is_read_and_the_writer_is_not_held_up(path: Path) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("INSERT INTO messages (text) VALUES ('new')")
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO messages (text) VALUES ('not yet')")
    with reading(path, ALLOWED) as found:
        assert [row[0] for row in found.execute("SELECT text FROM messages")] == ["hi", "new"]
        db.execute("COMMIT")
    db.close()


def test_a_locked_database_is_waited_for_and_then_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAIT", 0.3)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN EXCLUSIVE")
    start = time.monotonic()
    with pytest.raises(StorageError, match="Cannot read"), reading(path, ALLOWED) as found:
        found.execute("SELECT text FROM messages").fetchall()
    assert time.monotonic() - start < 5
    monkeypatch.setattr(sqlite, "WAIT", 20.0)
    threading.Timer(0.3, lambda: db.execute("COMMIT")).start()
    with reading(path, ALLOWED) as found:
        assert found.execute("SELECT text FROM messages").fetchall()
    db.close()


@pytest.mark.skipif(os.name == "nt", reason="links and pipes")
def test_what_is_no_database(path: Path, tmp_path: Path) -> None:
    loop, pipe, large = tmp_path / "loop", tmp_path / "pipe", tmp_path / "large.db"
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.write(sqlite.MAGIC)
        file.truncate(2 << 30)
    cut, torn = tmp_path / "cut.db", tmp_path / "torn.db"
    data = path.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    torn.write_bytes(data[:1000] + b"\xff" * 3000 + data[4000:])
    empty = tmp_path / "empty.db"
    empty.write_bytes(b"")
    start = time.monotonic()
    for bad in (loop, pipe, large, cut, torn, empty, tmp_path, tmp_path / "gone"):
        with pytest.raises(SkillClawError), reading(bad, ALLOWED) as db:
            db.execute("SELECT text FROM messages").fetchall()
        assert isinstance(tables_of(bad), set)
    assert not is_database(empty) and not is_database(tmp_path) and not is_database(loop)
    assert not is_database(pipe), "and nobody waits for somebody to write into it"
    assert time.monotonic() - start < 10
