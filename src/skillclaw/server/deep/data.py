"""Whether what is stored can be read: sessions, raw exchanges, the library."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from skillclaw.errors import SkillClawError, UpgradeNeededError
from skillclaw.journal import reader, segment
from skillclaw.journal.store import SessionStore
from skillclaw.journal.store_file import SCHEMA_VERSION
from skillclaw.library import Library
from skillclaw.server.deep.records import Check, fail, ok, unread, warn
from skillclaw.server.machine import Machine

__all__ = ["journal", "library", "sessions"]

TABLES = ("sessions", "inputs", "feedback", "forgotten", "files", "marks", "counter")
"""What every sessions.db has; a file without them is one that lost what was in it."""
SAMPLE = 200
"""Sessions that are decoded, spread over all."""
MOST_EXCHANGES = 20_000


def sessions(home: Path) -> list[Check]:
    """Every sessions.db of the home: SQLite's own check, and a sample that is decoded."""
    places = [("sessions.db", home / "sessions.db"), ("authors' sessions", home / "evolver" / "sessions.db")]
    groups = home / "groups"
    if groups.is_dir():
        found = sorted(path / "sessions.db" for path in groups.iterdir())
        places += [(f"group {number}'s sessions", path) for number, path in enumerate(found, 1)]
    return [_database(subject, path) for subject, path in places if path.exists()]


def _database(subject: str, path: Path) -> Check:
    mend = "skillclaw restore a backup; or rename sessions.db (with -wal, -shm), then: skillclaw import"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            told = [str(row[0]) for row in db.execute("PRAGMA quick_check(10)")]
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            for table in TABLES if version <= SCHEMA_VERSION else ():
                db.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608  names of our own
    except sqlite3.Error as error:
        return unread("data", subject, error, mend, said=error.sqlite_errorname)
    if told != ["ok"]:
        return fail("data", subject, f"is damaged: quick_check finds {len(told)} faults", mend)
    bad = 0
    try:
        with closing(SessionStore(path.parent, look=True)) as store:
            count = store.count()
            keys = sorted(store.changes())
            step = max(1, len(keys) // SAMPLE)
            sample = keys[::step][:SAMPLE]
            for key in sample:
                try:
                    store.get(key)
                except SkillClawError:
                    bad += 1
    except UpgradeNeededError:
        return fail("data", subject, f"has format {version}, which is newer", "Upgrade SkillClaw.")
    except SkillClawError as error:
        return unread("data", subject, error, mend)
    if bad:
        mend = "Forget those that cannot be shown (skillclaw sessions list, forget), then: skillclaw import"
        return fail("data", subject, f"{bad} of {len(sample)} sessions looked at cannot be decoded", mend)
    return ok("data", subject, f"{count} sessions, {len(sample)} decoded, quick_check finds no fault")


def journal(home: Path) -> list[Check]:
    """Every segment of the journal."""
    folder = home / "journal"
    if not folder.exists():
        return []
    skipped: Counter[str] = Counter()
    read = 0
    try:
        known = reader.stats(folder)
        for _ in reader.read(folder, on_skip=lambda path, at, why: skipped.update([path.name])):
            read += 1
            if read >= MOST_EXCHANGES:
                break
    except OSError as error:
        mend = "See who owns the folder journal/, then: chmod -R u+rwX journal"
        return [unread("data", "journal", error, mend)]
    text = f"{known.segments} segments, {known.bytes >> 20} MiB, {read} exchanges read"
    if newer := [name for name in skipped if segment.is_newer(folder / name)]:
        mend = "Upgrade SkillClaw, before they expire (journal.expire_days): they hold whole exchanges."
        return [fail("data", "journal", f"{text}; {len(newer)} segments are of a newer format", mend)]
    if skipped:
        return [
            warn(
                "data",
                "journal",
                f"{text}; {sum(skipped.values())} places in {len(skipped)} segments are damaged",
                "Nothing: what can be read was or will be, and segments go by themselves after some days.",
            )
        ]
    return [ok("data", "journal", text)]


def library(machine: Machine) -> list[Check]:
    """How the installed copies stand against what was released, in counts."""
    if not (machine.home / "library.json").exists():
        return []
    try:
        states = Counter(row.state for row in Library(machine.home, machine.targets).status())
    except SkillClawError as error:
        mend = "skillclaw restore a backup; or delete library.json: copies then count as your own"
        return [unread("data", "library", error, mend)]
    text = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing is installed"
    if states["failed"] or states["blocked"]:
        return [warn("data", "library", text, "skillclaw skills edit-status says what stands in the way")]
    return [ok("data", "library", text)]
