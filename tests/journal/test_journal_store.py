"""The session store: what put, get, feedback and forget do, and what survives faults."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from skillclaw.errors import BadInputError, BusyError, StorageError, UpgradeNeededError
from skillclaw.journal import store_file
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory import model
from skillclaw.trajectory.model import ATIF_VERSION, Agent, SessionMeta, Step, Trajectory, meta, with_meta


def session(
    number: int, *, steps: int = 2, agent: str = "codex", outcome: str = "success", text: str = ""
) -> Trajectory:
    """A session with a key made from `number`, started that many minutes into a day."""
    minute = f"2026-11-23T{number // 60 % 24:02d}:{number % 60:02d}"
    made = Trajectory(
        schema_version=ATIF_VERSION,
        agent=Agent(name=agent, version="1"),
        session_id=f"native-{number}",
        steps=[
            Step(
                step_id=index + 1,
                source="agent" if index % 2 else "user",
                message=f"step {index} of {number} {text}",
                timestamp=f"{minute}:{index % 60:02d}Z",
            )
            for index in range(steps)
        ],
    )
    known = SessionMeta(key=f"{number:016x}", user="u-1", project="p", source="history")
    return with_meta(made, msgspec.convert(msgspec.to_builtins(known) | {"outcome": outcome}, SessionMeta))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    made = SessionStore(tmp_path)
    yield made
    made.close()


def test_put_and_get(store: SessionStore) -> None:
    assert (store.cursor(), store.count(), store.outcomes()) == (0, 0, {})
    one = session(1)
    assert store.put(one) == "new"
    assert store.get(meta(one).key) == one
    assert store.put(one) == "same"
    assert store.cursor() == 1
    assert store.put_many([session(2, outcome="failure"), session(1), session(3)]) == ["new", "same", "new"]
    assert store.outcomes() == {"failure": 1, "success": 2}
    assert store.count() == 3
    assert store.cursor() == 2


def test_it_is_private_and_opens_again(tmp_path: Path) -> None:
    first = SessionStore(tmp_path / "home")
    first.put(session(1))
    if os.name == "posix":
        assert {p.stat().st_mode & 0o777 for p in (tmp_path / "home").glob("sessions.db*")} == {0o600}
    first.close()
    again = SessionStore(tmp_path / "home")
    assert again.get("0000").session_id == "native-1"
    again.close()


def test_a_grown_session_is_merged_and_a_shorter_one_changes_nothing(store: SessionStore) -> None:
    store.put(session(1, steps=2))
    assert store.put(session(1, steps=4)) == "grown"
    grown = store.get("0")
    assert len(grown.steps) == 4
    assert meta(grown).revision == 2
    assert store.put(session(1, steps=2)) == "older"
    assert store.put(session(1, steps=4)) == "same"
    assert store.get("0") == grown
    assert store.cursor() == 2


def test_a_prefix_must_name_one(store: SessionStore) -> None:
    store.put_many([session(0x10), session(0x11)])
    assert store.get("0" * 14 + "10").session_id == "native-16"
    for prefix, word in (
        ("0", "More than one"),
        ("f", "No session"),
        ("", "More than one"),
        ("%", "No session"),
    ):
        with pytest.raises(BadInputError, match=word):
            store.get(prefix)


def test_rows_newest_first(store: SessionStore) -> None:
    undated = msgspec.structs.replace(
        session(9), steps=[Step(step_id=1, source="user", message="x", timestamp="soon")]
    )
    store.put_many([session(1), session(3, agent="claude"), session(2, outcome="failure"), undated])
    assert [row.native_id for row in store.rows()] == ["native-3", "native-2", "native-1", "native-9"]
    assert [row.native_id for row in store.rows(agent="claude")] == ["native-3"]
    assert [row.native_id for row in store.rows(outcome="failure")] == ["native-2"]
    assert len(store.rows(limit=2)) == 2
    row = store.rows()[0]
    assert (row.id, row.agent, row.project, row.started) == (
        f"{3:016x}",
        "claude",
        "p",
        "2026-11-23T00:03:00Z",
    )
    assert (row.steps, row.outcome, row.shared, row.user, row.revision, row.source) == (
        2,
        "success",
        False,
        "u-1",
        1,
        "history",
    )


def test_trajectories_stream_in_order_while_others_write(store: SessionStore, tmp_path: Path) -> None:
    store.put_many([session(n) for n in range(300)])
    before = store.cursor()
    other = SessionStore(tmp_path)
    seen = []
    for one in store.trajectories():
        seen.append(meta(one).key)
        if len(seen) == 1:
            other.put_many([session(n, steps=3) for n in range(290, 310)])
            other.forget(f"{299:016x}")
    assert seen == [f"{n:016x}" for n in range(299)]
    assert [meta(t).key for t in store.trajectories(before)] == [
        f"{n:016x}" for n in range(290, 310) if n != 299
    ]
    assert list(store.trajectories(store.cursor())) == []
    other.close()


def test_forgotten_for_good(store: SessionStore, tmp_path: Path) -> None:
    random.seed(5)
    marker = "".join(random.choices("abcdefghijklmnop0123456789", k=900))
    one = session(7, text=marker)
    store.put_many([session(n) for n in range(5)])
    store.put(one)
    (body,) = (
        sqlite3.connect(tmp_path / "sessions.db")
        .execute("SELECT body FROM sessions WHERE key = ?", (meta(one).key,))
        .fetchone()
    )
    piece = body[100:160]
    assert any(piece in path.read_bytes() for path in tmp_path.iterdir())
    cursor = store.cursor()
    store.forget(meta(one).key)
    assert store.cursor() > cursor
    assert not any(piece in path.read_bytes() for path in tmp_path.iterdir())
    assert store.put(one) == "forgotten"
    assert store.put_many([one, session(1)]) == ["forgotten", "same"]
    with pytest.raises(BadInputError):
        store.get(meta(one).key)
    assert store.count() == 5


def test_feedback_decides_and_outlives_imports(store: SessionStore) -> None:
    store.put(session(1))
    updated = store.feedback("0", False, "it broke the build")
    known = meta(updated)
    assert (known.outcome, known.confidence, known.revision) == ("failure", 1.0, 2)
    assert [(s.kind, s.value, s.source) for s in known.signals] == [
        ("feedback", -1.0, "user: it broke the build")
    ]
    assert store.get("0") == updated
    assert store.rows(outcome="failure")[0].revision == 2
    assert store.put(session(1)) == "same"
    assert store.put(session(1, steps=5)) == "grown"
    assert meta(store.get("0")).outcome == "failure"
    assert [s.value for s in meta(store.get("0")).signals] == [-1.0]
    again = store.feedback("0", True, "")
    assert meta(again).outcome == "success"
    assert [(s.value, s.source) for s in meta(again).signals] == [(1.0, "user")]
    cursor = store.cursor()
    assert store.feedback("0", True, "") == again
    assert store.cursor() == cursor
    with pytest.raises(BadInputError):
        store.feedback("f", True, "")


def test_files_and_marks(store: SessionStore) -> None:
    assert not store.seen_file("/x", 10, 1.5)
    store.mark_file("/x", 10, 1.5)
    assert store.seen_file("/x", 10, 1.5)
    assert not store.seen_file("/x", 11, 1.5)
    assert not store.seen_file("/x", 10, 1.25)
    store.mark_file("/x", 11, 2.0)
    assert store.seen_file("/x", 11, 2.0)
    assert store.get_mark("journal") is None
    store.set_mark("journal", "3:4")
    store.set_mark("journal", "3:9")
    assert store.get_mark("journal") == "3:9"


def test_a_session_without_a_key_is_refused_and_nothing_is_kept(store: SessionStore) -> None:
    keyless = with_meta(session(2), SessionMeta())
    with pytest.raises(BadInputError):
        store.put_many([session(1), keyless])
    assert store.count() == 0
    assert store.put(session(1)) == "new"


# Faults

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_journal_store import session
from skillclaw.journal.store import SessionStore
store = SessionStore(Path(sys.argv[1]))
start = int(sys.argv[2])
"""


def child(home: Path, start: int, body: str) -> subprocess.Popen[str]:
    code = WRITER + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home), str(start), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_kill_in_the_middle_of_put_many_leaves_all_or_nothing(tmp_path: Path) -> None:
    body = """
        for round in range(10_000):
            store.put_many([session(start + round * 50 + n, steps=3, text="x" * 400) for n in range(50)])
            print(round, flush=True)
    """
    for attempt, delay in enumerate((0.0, 0.004, 0.011, 0.02)):
        home = tmp_path / str(attempt)
        running = child(home, 0, body)
        assert running.stdout is not None
        for line in running.stdout:
            if int(line) == 2:
                break
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        told = 3 + sum(1 for line in running.stdout if line.endswith("\n"))
        running.wait()
        store = SessionStore(home)
        count = store.count()
        assert count % 50 == 0
        assert count >= told * 50
        assert len(list(store.trajectories())) == count
        store.close()


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    body = """
        for n in range(60):
            store.put(session(start + n)); store.put(session(5000 + n, steps=2 + n % 3))
        print("done")
    """
    running = [child(tmp_path, start, body) for start in (0, 1000)]
    for one in running:
        out, err = one.communicate(timeout=60)
        assert out == "done\n", err
    store = SessionStore(tmp_path)
    assert store.count() == 180
    assert len({row.id for row in store.rows()}) == 180
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="RLIMIT_FSIZE")
def test_a_limit_of_file_sizes_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    body = """
        import random, resource
        from skillclaw.errors import StorageError
        store.put(session(1))
        noise = "".join(chr(random.randrange(33, 126)) for _ in range(4000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        try:
            for round in range(50):
                base = 100 + round * 20
                store.put_many([session(base + n, text=noise[n:] + noise[round:]) for n in range(20)])
                last = round
        except StorageError as error:
            print(error.todo, store.count() % 20 == 1)
    """
    out, err = child(tmp_path, 0, body).communicate(timeout=60)
    assert out == "Raise the limit of file sizes (ulimit -f), then run the command again. True\n", err
    store = SessionStore(tmp_path)
    assert store.count() % 20 == 1
    assert len(list(store.trajectories())) == store.count()
    assert store.put(session(2)) == "new"
    store.close()


def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    store.put_many([session(n, text=str(random.random()) * 20) for n in range(500)])
    store.close()
    path = tmp_path / "sessions.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StorageError) as caught:
        broken = SessionStore(tmp_path)
        list(broken.trajectories())
        broken.rows()
    assert "damaged" in caught.value.what
    assert "skillclaw import" in caught.value.todo


def test_a_file_that_is_no_database_is_told_and_left(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(StorageError, match="damaged"):
        SessionStore(tmp_path)
    assert path.read_bytes().startswith(b"not a database")


def test_damaged_bytes_of_one_session(store: SessionStore, tmp_path: Path) -> None:
    store.put(session(1))
    with sqlite3.connect(tmp_path / "sessions.db") as db:
        db.execute("UPDATE sessions SET body = x'00'")
    with pytest.raises(StorageError, match="damaged"):
        store.get("0")


def test_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    SessionStore(tmp_path).close()
    with sqlite3.connect(tmp_path / "sessions.db") as db:
        db.execute("PRAGMA user_version = 99")
    before = (tmp_path / "sessions.db").read_bytes()
    with pytest.raises(UpgradeNeededError):
        SessionStore(tmp_path)
    assert (tmp_path / "sessions.db").read_bytes() == before


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StorageError) as caught:
        SessionStore(tmp_path / "file")
    assert caught.value.todo
    (tmp_path / "home" / "sessions.db").mkdir(parents=True)
    with pytest.raises(StorageError):
        SessionStore(tmp_path / "home")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_folder_that_is_read_only() -> None:
    body = """
        import os, sys
        from pathlib import Path
        from skillclaw.errors import StorageError
        from skillclaw.journal.store import SessionStore
        if os.geteuid() == 0:
            os.setuid(65534)  # root may write everywhere
        try:
            SessionStore(Path(sys.argv[1]))
        except StorageError as error:
            print(error.todo)
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(body), folder], capture_output=True, text=True, check=False
        )
        Path(folder).chmod(0o700)
    assert done.stdout == "Mend permissions, or choose another folder with --home.\n", done.stderr


def test_a_writer_that_holds_on_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skillclaw.journal.session_tables.BUSY_SECONDS", 0.05)
    store = SessionStore(tmp_path)
    other = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError):
        store.put(session(1))
    other.execute("ROLLBACK")
    assert store.put(session(1)) == "new"
    assert store_file.SCHEMA_VERSION == 1
    store.close()
    other.close()


@pytest.mark.parametrize("count", [1200, pytest.param(6000, marks=pytest.mark.slow)])
def test_thousands_of_sessions(tmp_path: Path, count: int) -> None:
    made = [session(n, steps=8, text="some words of a step, " * 10) for n in range(count)]
    store = SessionStore(tmp_path)
    for start in range(0, len(made), 200):
        assert set(store.put_many(made[start : start + 200])) == {"new"}
    for start in range(0, len(made), 200):
        assert set(store.put_many(made[start : start + 200])) == {"same"}
    assert sum(1 for _ in store.trajectories()) == count
    assert model.encode(store.get(f"{17:016x}")) == model.encode(made[17])
    store.close()
