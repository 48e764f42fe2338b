"""What waits to leave this machine, what left it, and what is to be taken back: tables beside the sessions.

They lie in `sessions.db`, so that a receipt, the end of its wait and the mark of the session are one
transaction. An entry holds sealed bytes only. Receipts are append-only; the database itself refuses to
change them.

An entry is `queued`, then `sending` from before the first byte leaves until its receipt is written, so that
what a crash left behind is known. What is to be taken back is `undo` until the hub has let go of it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.journal.session_tables import SessionTables
from skillclaw.trajectory.model import Record

__all__ = ["Entry", "Outbox", "Receipt"]

TABLES = (
    """CREATE TABLE IF NOT EXISTS outbox (
    grp TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, hub TEXT NOT NULL, object TEXT NOT NULL,
    state TEXT NOT NULL, queued TEXT NOT NULL, rule TEXT NOT NULL, masked TEXT NOT NULL,
    evolver TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, error TEXT NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (grp, key, revision)) STRICT, WITHOUT ROWID""",
    # a table of its own: earlier versions name no columns as they write, and do not mind one more table
    """CREATE TABLE IF NOT EXISTS outbox_digests (
    grp TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (grp, key, revision)) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER IF NOT EXISTS outbox_digests_go AFTER DELETE ON outbox BEGIN DELETE FROM outbox_digests
    WHERE grp = OLD.grp AND key = OLD.key AND revision = OLD.revision; END""",
    """CREATE TABLE IF NOT EXISTS receipts (
    time TEXT NOT NULL, hub TEXT NOT NULL, grp TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
    object TEXT NOT NULL, bytes INTEGER NOT NULL, masked TEXT NOT NULL, rule TEXT NOT NULL,
    sha256 TEXT NOT NULL, UNIQUE (grp, key, revision, object)) STRICT""",
    """CREATE TABLE IF NOT EXISTS withdrawals (
    time TEXT NOT NULL, grp TEXT NOT NULL, object TEXT NOT NULL, PRIMARY KEY (grp, object)) STRICT""",
    """CREATE TABLE IF NOT EXISTS share_marks (key TEXT PRIMARY KEY, mark TEXT NOT NULL, time TEXT NOT NULL)
    STRICT, WITHOUT ROWID""",
    *(
        f"CREATE TRIGGER IF NOT EXISTS {table}_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
        for table in ("receipts", "withdrawals")
        for verb in ("UPDATE", "DELETE")
    ),
)
_ENTRY = "hub, grp, key, revision, object, state, queued, rule, masked, evolver, sha256, bytes, error"


class Receipt(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One upload (`sessions receipts --json`).

    time       when it had left, ISO 8601
    hub, group the hub's name here, and its group's id; session, revision: what was sent
    object     its name in the hub; bytes: its size there; sha256: of what was sealed, as it lies there
    masked     how many secrets and personal data of each kind were replaced in it; rule: what allowed it
    withdrawn  when the hub let go of it again; null while it lies there
    """

    time: str
    hub: str
    group: str
    session: str
    revision: int
    object: str
    bytes: int
    masked: dict[str, int]
    rule: str
    sha256: str
    withdrawn: str | None = None


class Entry(Record, frozen=True, kw_only=True):
    """A session that waits to leave, sealed already; fields as in `Receipt`. `evolver`: sealed to it.
    `digest`: SHA-256 of what was sealed, in hex; empty where an earlier version did."""

    hub: str
    group: str
    session: str
    revision: int
    object: str
    state: str = "queued"
    queued: str
    rule: str
    masked: dict[str, int]
    evolver: str
    sha256: str
    bytes: int
    error: str = ""
    digest: str = ""


class Outbox(SessionTables):
    """The tables of one home. Raises what `SessionStore` raises, which must have made the file before."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        with self._errors():
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            for statement in TABLES:
                self._db.execute(statement)

    def add(self, entry: Entry, body: bytes) -> bool:
        """Queue a sealed session; False where it waits, was sent, or was forgotten meanwhile."""
        with self._write():
            place = (entry.group, entry.session, entry.revision)
            known = self._db.execute(
                "SELECT 1 FROM outbox WHERE grp = ?1 AND key = ?2 AND revision = ?3 UNION ALL"
                " SELECT 1 FROM receipts WHERE grp = ?1 AND key = ?2 AND revision = ?3",
                place,
            ).fetchone()
            stored = self._db.execute("SELECT 1 FROM sessions WHERE key = ?", (entry.session,)).fetchone()
            if known is not None or stored is None:
                return False
            self._insert(entry, body)
            self._db.execute(
                "INSERT OR REPLACE INTO outbox_digests VALUES (?, ?, ?, ?)", (*place, entry.digest)
            )
            return True

    def _insert(self, entry: Entry, body: bytes) -> None:
        self._db.execute(
            f"INSERT INTO outbox ({_ENTRY}, body) VALUES ({', '.join('?' * 14)})",  # noqa: S608  names of our own
            (
                *(entry.hub, entry.group, entry.session, entry.revision, entry.object, entry.state),
                *(entry.queued, entry.rule, _json(entry.masked), entry.evolver, entry.sha256),
                *(entry.bytes, entry.error, body),
            ),
        )

    # Out

    def entries(self, group: str | None = None, key: str | None = None) -> list[Entry]:
        """What waits, oldest first; of one group, of one session."""
        with self._lock, self._errors():
            rows = self._db.execute(
                f"SELECT {_ENTRY}, coalesce(digest, '') FROM outbox"  # noqa: S608  names of our own
                " LEFT JOIN outbox_digests USING (grp, key, revision)"
                " WHERE (?1 IS NULL OR grp = ?1) AND (?2 IS NULL OR key = ?2) ORDER BY queued, key, revision",
                (group, key),
            ).fetchall()
        return [
            Entry(
                hub=row[0],
                group=row[1],
                session=row[2],
                revision=row[3],
                object=row[4],
                state=row[5],
                queued=row[6],
                rule=row[7],
                masked=msgspec.json.decode(row[8], type=dict[str, int]),
                evolver=row[9],
                sha256=row[10],
                bytes=row[11],
                error=row[12],
                digest=row[13],
            )
            for row in rows
        ]

    def begin(self, entry: Entry) -> bytes | None:
        """The sealed bytes, from now on `sending`; None where the entry is gone or to be undone."""
        with self._write():
            place = (entry.group, entry.session, entry.revision)
            where = "grp = ? AND key = ? AND revision = ? AND state != 'undo'"
            self._db.execute(f"UPDATE outbox SET state = 'sending' WHERE {where}", place)  # noqa: S608  names of our own
            found = self._db.execute(f"SELECT body FROM outbox WHERE {where}", place).fetchone()  # noqa: S608  names of our own
            return None if found is None else bytes(found[0])

    def sent(self, entry: Entry, now: str) -> bool:
        """Write the receipt. False where the session was withdrawn meanwhile: it is to be undone then."""
        with self._write():
            place = (entry.group, entry.session, entry.revision)
            found = self._db.execute(
                "SELECT state FROM outbox WHERE grp = ? AND key = ? AND revision = ?", place
            ).fetchone()
            self._receipt(entry, now)
            self._db.execute("UPDATE sessions SET shared = 1 WHERE key = ?", (entry.session,))
            if found is not None and found[0] != "undo":
                self._db.execute("DELETE FROM outbox WHERE grp = ? AND key = ? AND revision = ?", place)
                return True
            if found is None:
                self._insert(msgspec.structs.replace(entry, state="undo"), b"")
            return False

    def _receipt(self, entry: Entry, now: str) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(now, entry.hub, entry.group, entry.session, entry.revision, entry.object, entry.bytes),
                *(_json(entry.masked), entry.rule, entry.sha256),
            ),
        )

    def failed(self, entry: Entry, why: str) -> None:
        """Keep the entry in its state, with the reason for people."""
        with self._write():
            self._db.execute(
                "UPDATE outbox SET error = ? WHERE grp = ? AND key = ? AND revision = ?",
                (why[:300], entry.group, entry.session, entry.revision),
            )

    # Back

    def withdraw(self, entry: Entry) -> None:
        """Take an entry out. What may have left already stays as something to undo, without its bytes."""
        with self._write():
            place = (entry.group, entry.session, entry.revision)
            where = "grp = ? AND key = ? AND revision = ?"
            self._db.execute(f"DELETE FROM outbox WHERE {where} AND state = 'queued'", place)  # noqa: S608  names of our own
            self._db.execute(f"UPDATE outbox SET state = 'undo', body = x'' WHERE {where}", place)  # noqa: S608  names of our own
        self._settle()

    def recall(self, keys: list[str]) -> None:
        """These sessions were forgotten: nothing of them leaves, and what lies in hubs is to be undone."""
        with self._write():
            for key in keys:
                self._db.execute("DELETE FROM outbox WHERE key = ? AND state = 'queued'", (key,))
                self._db.execute("UPDATE outbox SET state = 'undo', body = x'' WHERE key = ?", (key,))
                self._db.execute("DELETE FROM share_marks WHERE key = ?", (key,))
                self._db.execute(
                    "INSERT OR IGNORE INTO outbox SELECT grp, key, revision, hub, object, 'undo', time, rule,"
                    " masked, '', sha256, bytes, '', x'' FROM receipts r WHERE key = ?1 AND NOT EXISTS"
                    " (SELECT 1 FROM withdrawals w WHERE w.grp = r.grp AND w.object = r.object)",
                    (key,),
                )
        self._settle()

    def undone(self, entry: Entry, now: str, *, lay: bool) -> None:
        """The hub has let go of it. `lay`: it was there, so it had left: then there is a receipt too."""
        with self._write():
            if lay:
                self._receipt(entry, now)
            self._db.execute(
                "INSERT OR IGNORE INTO withdrawals SELECT ?, grp, object FROM receipts"
                " WHERE grp = ? AND object = ?",
                (now, entry.group, entry.object),
            )
            self._db.execute(
                "DELETE FROM outbox WHERE grp = ? AND key = ? AND revision = ?",
                (entry.group, entry.session, entry.revision),
            )

    def _settle(self) -> None:
        with self._lock, self._errors():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    # What was sent, and what the user said

    def receipts(self, prefix: str = "") -> list[Receipt]:
        """The receipts of sessions whose key begins so, oldest first."""
        with self._lock, self._errors():
            rows = self._db.execute(
                "SELECT r.time, hub, r.grp, key, revision, r.object, bytes, masked, rule, sha256, w.time"
                " FROM receipts r LEFT JOIN withdrawals w ON w.grp = r.grp AND w.object = r.object"
                " WHERE key >= ?1 AND key < ?1 || char(0x10FFFF) ORDER BY r.rowid",
                (prefix,),
            ).fetchall()
        return [
            Receipt(
                time=row[0],
                hub=row[1],
                group=row[2],
                session=row[3],
                revision=row[4],
                object=row[5],
                bytes=row[6],
                masked=msgspec.json.decode(row[7], type=dict[str, int]),
                rule=row[8],
                sha256=row[9],
                withdrawn=row[10],
            )
            for row in rows
        ]

    def marks(self) -> dict[str, tuple[str, str]]:
        """What the user said of single sessions, `never` or `allow`, and when."""
        with self._lock, self._errors():
            found = self._db.execute("SELECT key, mark, time FROM share_marks")
            return {key: (mark, time) for key, mark, time in found}

    def mark(self, key: str, mark: str, now: str) -> None:
        """Remember `never` or `allow` of a session; empty takes it back."""
        if mark not in ("", "never", "allow"):
            raise BadInputError(f"{mark!r} is no mark.")
        with self._write():
            self._db.execute("DELETE FROM share_marks WHERE key = ?", (key,))
            if mark:
                self._db.execute("INSERT INTO share_marks VALUES (?, ?, ?)", (key, mark, now))


def _json(value: dict[str, int]) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
