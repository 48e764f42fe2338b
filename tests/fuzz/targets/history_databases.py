"""Agents' databases with hostile cells, and with torn bytes.

The bytes are choices: the agent, then cells of a real database that get values of any type (what the columns
of a STRICT table refuse is left as it is), rows that go or come twice, and at last pieces of the file itself.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import zstandard
from fuzz_histories import DATABASES, checked, read_all, serialized, tree
from fuzz_made import Drawn

ALLOWED: tuple[type[Exception], ...] = ()
NAMES = sorted(DATABASES)


def once(data: bytes) -> None:
    """One database."""
    drawn = Drawn(data)
    agent = drawn.pick(NAMES)
    made = serialized(agent)
    if not drawn.yes(5):
        made = _harmed(drawn, made)
    if drawn.yes(4):
        made = drawn.torn(made)
    env = tree()
    path = env.home / DATABASES[agent] if agent != "crush" else env.cwd / DATABASES[agent]
    path.parent.mkdir(parents=True)
    path.write_bytes(made)
    for found in read_all(agent, env, path):
        checked(found)


def _harmed(drawn: Drawn, made: bytes) -> bytes:
    db = sqlite3.connect(":memory:")
    try:
        db.deserialize(made)
        db.text_factory = bytes
        db.execute("PRAGMA foreign_keys = 0")
        names = [row[0].decode() for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = [name for name in names if not name.startswith("sqlite_")]
        for _ in range(1 + drawn.below(8)):
            _harm(drawn, db, drawn.pick(tables))
        db.commit()
        return db.serialize()
    finally:
        db.close()


def _harm(drawn: Drawn, db: sqlite3.Connection, table: str) -> None:
    quoted = '"' + table.replace('"', '""') + '"'
    columns = [row[1].decode() for row in db.execute(f"PRAGMA table_info({quoted})")]
    rows = [row[0] for row in db.execute(f"SELECT rowid FROM {quoted}")]
    if not rows:
        return
    row, column = drawn.pick(rows), drawn.pick(columns)
    try:
        if drawn.yes(8):
            db.execute(f"DELETE FROM {quoted} WHERE rowid = ?", (row,))
        elif drawn.yes(12):
            db.execute(f'ALTER TABLE {quoted} DROP COLUMN "{column}"')
        else:
            old = db.execute(f'SELECT "{column}" FROM {quoted} WHERE rowid = ?', (row,)).fetchone()[0]
            db.execute(f'UPDATE {quoted} SET "{column}" = ? WHERE rowid = ?', (_cell(drawn, old), row))
    except (sqlite3.Error, OverflowError, UnicodeEncodeError):
        return


def _cell(drawn: Drawn, old: Any) -> Any:
    """A value in place of `old`: JSON inside it is harmed where it stands."""
    kind = drawn.below(7)
    if kind < 3 and isinstance(old, bytes):
        plain = zstandard.ZstdDecompressor().decompress(old) if old[:4] == b"\x28\xb5\x2f\xfd" else old
        try:
            told = json.dumps(drawn.harmed(json.loads(plain)), ensure_ascii=drawn.yes())
        except ValueError:
            return drawn.torn(old).decode("utf-8", "replace")
        return zstandard.compress(told.encode("utf-8", "replace")) if plain is not old else told
    value = drawn.value()
    if isinstance(value, dict | list):
        return json.dumps(value)
    return drawn.bytes() if kind == 6 else value
