"""The model of power cuts finds what it is for: who forgets to flush loses, who does not keeps."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from powercut import Recording, State, needs_strace, put

pytestmark = needs_strace

OLD, NEW = b"old " * 3000, b"NEW!" * 3500
START = """
import os
NEW = b'NEW!' * 3500
def w(name, data, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    f = os.open(name, flags, 0o600)
    os.write(f, data)
    return f
def sync(name):
    f = os.open(name, os.O_RDONLY)
    os.fsync(f)
    os.close(f)
"""


def left(
    place: Path, code: str, name: str = "file", most: int = 200
) -> tuple[set[bytes | None], set[bytes | None]]:
    """What `name` may hold after a cut at any moment, and when all was done. None: it is not there."""
    recording = Recording.of(place, [sys.executable, "-S", "-I", "-c", START + code])
    assert recording.done is not None and recording.done.returncode == 0, recording.done
    found: tuple[set[bytes | None], set[bytes | None]] = set(), set()
    for state in recording.states(1, most):
        put(state, place)
        path = place / name
        data = path.read_bytes() if path.exists() else None
        found[0].add(data)
        if state.over:
            found[1].add(data)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "disk"
    place.mkdir()
    (place / "file").write_bytes(OLD)
    (place / "other").write_bytes(OLD)
    return place


def test_a_rename_before_the_data_is_flushed_is_found(place: Path) -> None:
    during, after = left(place, "os.close(w('new', NEW)); os.rename('new', 'file')")
    assert b"" in during and b"" in after, "the name without its data"
    assert bytes(len(NEW)) in during, "the new length with zeros"
    assert any(data and NEW.startswith(data) and len(data) % 512 == 0 for data in during), "torn"


def test_a_file_that_is_written_over_is_found(place: Path) -> None:
    during, after = left(place, "f = w('file', NEW); os.fsync(f)")
    assert b"" in during and during - {b"", OLD, NEW}
    assert after == {NEW}


def test_a_folder_that_is_not_flushed_is_found(place: Path) -> None:
    during, after = left(place, "f = w('new', NEW); os.fsync(f); os.rename('new', 'file')")
    assert during <= {OLD, NEW}, "it is old or new ..."
    assert after == {OLD, NEW}, "... and nobody knows which"
    _, after = left(place, "f = w('first', NEW); os.fsync(f)", "first")
    assert after == {None, NEW}


def test_a_new_folder_needs_the_one_above_it(place: Path) -> None:
    made = "os.mkdir('in{0}'); f = w('in{0}/file', NEW); os.fsync(f); sync('in{0}')"
    assert left(place, made.format(1), "in1/file")[1] == {None, NEW}
    assert left(place, made.format(2) + "; sync('.')", "in2/file")[1] == {NEW}


def test_who_flushes_file_and_folder_is_believed(place: Path) -> None:
    during, after = left(place, "f = w('new', NEW); os.fsync(f); os.rename('new', 'file'); sync('.')")
    assert during == {OLD, NEW}
    assert after == {NEW}


def test_a_flush_covers_what_came_before_it_only(place: Path) -> None:
    _, after = left(place, "f = w('file', NEW); os.fsync(f); os.write(f, b'more')")
    assert {NEW, NEW + b"more"} <= after
    assert all(data is not None and data.startswith(NEW) for data in after)


def test_a_move_between_folders_is_in_both_or_none(place: Path) -> None:
    code = "os.mkdir('in'); os.rename('file', 'in/file'); os.mkdir('other2'); os.rename('in', 'other2/in')"
    recording = Recording.of(place, [sys.executable, "-S", "-I", "-c", START + code])
    seen = set()
    for state in recording.states(1, 200):
        put(state, place)
        (path,) = [path for path in place.rglob("file")]  # once, wherever it is
        assert path.read_bytes() == OLD
        seen.add(path.relative_to(place).as_posix())
    assert seen == {"file", "in/file", "other2/in/file"}


def test_a_child_that_writes_and_a_thread_that_flushes_are_seen(place: Path) -> None:
    code = """
import subprocess, sys, threading
subprocess.run([sys.executable, "-S", "-I", "-c", "open('child', 'w').write('c' * 5000)"])
f = w('file', NEW)
one = threading.Thread(target=lambda: os.fsync(os.dup(f)))
one.start(); one.join()
"""
    recording = Recording.of(place, [sys.executable, "-S", "-I", "-c", START + code])
    children = set()
    for state in recording.states(1, 100):
        put(state, place)
        if state.over:
            assert (place / "file").read_bytes() == NEW
            children.add((place / "child").read_bytes() if (place / "child").exists() else None)
    assert {None, b"", b"c" * 5000} <= children


def counted(place: Path, state: State) -> int | None:
    put(state, place)
    with closing(sqlite3.connect(place / "db")) as db:
        assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
        return int(db.execute("SELECT count(*) FROM t").fetchone()[0])


@pytest.mark.parametrize(
    ("mode", "lasting"), [("FULL", True), ("NORMAL", False)], ids=["each commit flushed", "log flushed later"]
)
def test_sqlite_keeps_what_it_promises(tmp_path: Path, mode: str, lasting: bool) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    with closing(sqlite3.connect(place / "db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (x)")
        db.commit()
    code = f"""
import os, sqlite3
db = sqlite3.connect("db", isolation_level=None)
db.execute("PRAGMA synchronous = {mode}")
for n in range(6):
    db.execute("INSERT INTO t VALUES (?)", (str(n) * 3000,))
os.kill(os.getpid(), 9)
"""
    recording = Recording.of(place, [sys.executable, "-I", "-c", code])
    found = {(state.over, counted(place, state)) for state in recording.states(3, 60)}
    assert ({n for over, n in found if over} == {6}) is lasting
    assert {n for _, n in found} <= set(range(7))
    kept = [counted(place, state) or 0 for state in recording.kills(3, 60)]
    assert kept == sorted(kept) and kept[-1] == 6


def test_sqlite_that_never_flushes_is_found(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    code = """
import sqlite3
db = sqlite3.connect("db", isolation_level=None)
db.execute("PRAGMA synchronous = OFF")
db.execute("CREATE TABLE t (x)")
for n in range(6):
    db.execute("INSERT INTO t VALUES (?)", (str(n) * 9000,))
"""
    recording = Recording.of(place, [sys.executable, "-I", "-c", code])
    broken = 0
    for state in recording.states(3, 60):
        try:
            counted(place, state)
        except (sqlite3.DatabaseError, AssertionError):
            broken += 1
    assert broken
