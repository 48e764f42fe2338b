"""`skillclaw evolve`: only what is new is mined, `--full` gives the same, a page, bad sessions told."""

from __future__ import annotations

import html
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import fails, ok, ok_json

from skillclaw.errors import BusyError
from skillclaw.evolve.cycle import run_cycle
from skillclaw.server.machine import Machine
from skillclaw.server.work import cycle_inputs

pytestmark = pytest.mark.live

STEPS = [
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
]


@pytest.fixture
def learned(tmp_path: Path) -> Path:
    """A home with nine sessions of three users, not mined yet."""
    made = [session(user, n, "run the test-suite of this project", STEPS) for user in "abc" for n in range(3)]
    ok("import", str(write(tmp_path / "s.jsonl", made)), home=tmp_path)
    return tmp_path


def patterns(report: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report["patterns"]
    return found


@pytest.mark.slow
def test_a_second_cycle_mines_nothing_and_a_full_one_everything_with_the_same_result(learned: Path) -> None:
    first = ok_json("evolve", home=learned)
    assert first["units"] == first["remade"] > 0
    second = ok_json("evolve", home=learned)
    assert (second["remade"], second["released"]) == (0, [])
    full = ok_json("evolve", "--full", home=learned)
    assert full["remade"] == first["units"]
    assert patterns(first) == patterns(second) == patterns(full) != []


@pytest.mark.e2e
def test_new_sessions_count_in_the_next_cycle(learned: Path) -> None:
    before = patterns(ok_json("evolve", home=learned))[0]
    more = [session("d", n, "run the test-suite of this project", STEPS) for n in range(2)]
    ok("import", str(write(learned / "more.jsonl", more)), home=learned)
    after = next(p for p in patterns(ok_json("evolve", home=learned)) if p["id"] == before["id"])
    assert (before["sessions"], before["users"]) == (9, 3)
    assert (after["sessions"], after["users"]) == (11, 4)


@pytest.mark.e2e
def test_the_page_of_a_cycle_says_what_was_found_and_what_changed(learned: Path) -> None:
    page = learned / "page.html"
    found = patterns(ok_json("evolve", "--report", str(page), home=learned))
    text = page.read_text("utf-8")
    assert all(html.escape(p["title"]) in text for p in found)
    assert "<script src" not in text
    assert page.stat().st_mode & 0o777 == 0o600
    more = [session("d", n, "run the test-suite of this project", STEPS) for n in range(5)]
    ok("import", str(write(learned / "more.jsonl", more)), home=learned)
    assert f"Report: {page}" in ok("evolve", "--report", str(page), home=learned)
    assert "grown" in page.read_text("utf-8").lower()


def test_a_page_is_the_owners_alone_whatever_lies_in_its_way(learned: Path) -> None:
    page, other = learned / "page.html", learned / "other.txt"
    other.write_text("mine", "utf-8")
    (learned / ".page.html.part").symlink_to(other)
    ok("evolve", "--report", str(page), home=learned)
    assert other.read_text("utf-8") == "mine"
    assert not page.is_symlink()
    assert page.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_cycle_without_news_says_that_nothing_changed(learned: Path) -> None:
    ok("evolve", home=learned)
    page = learned / "page.html"
    for _ in range(2):
        found = patterns(ok_json("evolve", "--report", str(page), home=learned))
        text = page.read_text("utf-8")
        assert "→ none" not in text
        assert "nothing yet" not in text
        assert f"{len(found)} pattern{'s' if len(found) != 1 else ''} as before" in text


def test_a_page_that_cannot_be_written_is_told_before_anything_is_done(learned: Path) -> None:
    told = fails("evolve", "--report", str(learned / "no" / "page.html"), home=learned, code=2)
    assert "no folder" in told
    assert ok_json("skills", "list", home=learned) == []


@pytest.mark.e2e
def test_a_damaged_session_is_set_aside_and_told_and_the_others_are_mined(learned: Path) -> None:
    with closing(sqlite3.connect(learned / ".skillclaw" / "sessions.db")) as db, db:
        (key,) = db.execute("SELECT min(key) FROM sessions").fetchone()
        db.execute("UPDATE sessions SET body = x'00ff' WHERE key = ?", (key,))
    report = ok_json("evolve", home=learned)
    assert [aside["what"] for aside in report["set_aside"]] == [key]
    assert report["set_aside"][0]["reason"]
    assert report["sessions"] == 8
    assert patterns(report)[0]["sessions"] == 8
    assert f"Set aside {key}" in ok("evolve", home=learned)


@pytest.mark.e2e
def test_a_state_that_is_damaged_in_the_middle_is_made_anew(learned: Path) -> None:
    first = ok_json("evolve", home=learned)
    file = learned / ".skillclaw" / "evolve.db"
    with closing(sqlite3.connect(file)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sessions_key'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    again = ok_json("evolve", home=learned)
    assert patterns(again) == patterns(first)
    assert again["remade"] == first["units"]
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE meta SET value = x'c1' WHERE name = 'space'")
    assert patterns(ok_json("evolve", home=learned)) == patterns(first)


@pytest.mark.e2e
def test_sessions_that_were_imported_anew_count_as_they_are_now(learned: Path) -> None:
    first = ok_json("evolve", home=learned)
    store = learned / ".skillclaw" / "sessions.db"
    store.unlink()
    made = [
        session(user, n, "run the test-suite of this project", STEPS[:2], outcome="failure")
        for user in "abc"
        for n in range(3)
    ]
    ok("import", str(write(learned / "s.jsonl", made)), home=learned)
    again = ok_json("evolve", home=learned)
    assert again["remade"] > 0
    assert patterns(again) == patterns(ok_json("evolve", "--full", home=learned)) != patterns(first)


@pytest.mark.e2e
def test_feedback_that_is_gone_with_its_store_counts_no_more(learned: Path) -> None:
    key = ok_json("sessions", "list", home=learned)[0]["id"]
    with closing(sqlite3.connect(learned / ".skillclaw" / "sessions.db")) as db, db:
        (body, revision) = db.execute("SELECT body, revision FROM sessions WHERE key = ?", (key,)).fetchone()
    ok("feedback", key, "bad", home=learned)
    ok("evolve", home=learned)
    with closing(sqlite3.connect(learned / ".skillclaw" / "sessions.db")) as db, db:
        db.execute(
            "UPDATE sessions SET body = ?, revision = ?, changed = 99 WHERE key = ?", (body, revision, key)
        )
    ok("evolve", home=learned)
    with closing(sqlite3.connect(learned / ".skillclaw" / "evolve.db")) as db:
        (found,) = db.execute("SELECT revision FROM sessions WHERE key = ?", (key,)).fetchone()
    assert found == revision


@pytest.mark.e2e
def test_forgetting_a_session_deletes_what_was_kept_of_it(learned: Path) -> None:
    ok("evolve", home=learned)
    assert (learned / ".skillclaw" / "evolve.db").exists()
    key = ok_json("sessions", "list", home=learned)[0]["id"]
    ok("sessions", "forget", key, "--yes", home=learned)
    assert not list((learned / ".skillclaw").glob("evolve.db*"))
    assert ok_json("evolve", home=learned)["sessions"] == 8


def test_a_session_forgotten_while_a_cycle_runs_gets_into_nothing(
    learned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(learned))
    machine = Machine(learned / ".skillclaw")
    key = machine.sessions.rows()[0].id

    def forget_in_between(done: int, total: int | None, what: str) -> None:
        del done, total
        if what.startswith("judging"):
            ok("sessions", "forget", key, "--yes", home=learned)

    with pytest.raises(BusyError):
        run_cycle(**cycle_inputs(machine), progress=forget_in_between)
    assert machine.hub.state().proposals == {}
    assert not list(machine.home.glob("evolve.db*"))
    assert ok_json("evolve", home=learned)["released"]


@pytest.mark.e2e
def test_a_session_that_left_the_store_leaves_no_byte_behind(learned: Path) -> None:
    script = [Ran("zanzibar push", 1, "error: no quokka"), Ran("zanzibar init", 0, "ok")]
    made = [session("z", 1, "send the zanzibarine file", script)]
    ok("import", str(write(learned / "more.jsonl", made)), home=learned)
    ok("evolve", home=learned)
    file = learned / ".skillclaw" / "evolve.db"
    assert b"zanzibar" in file.read_bytes()
    with closing(sqlite3.connect(learned / ".skillclaw" / "sessions.db")) as db, db:
        db.execute("DELETE FROM sessions WHERE user = 'z'")
    assert ok_json("evolve", home=learned)["sessions"] == 9
    assert not [path for path in file.parent.glob("evolve.db*") if b"zanzibar" in path.read_bytes()]


def test_forgetting_is_written_to_the_log_even_where_the_state_cannot_be_deleted(learned: Path) -> None:
    key = ok_json("sessions", "list", home=learned)[0]["id"]
    (learned / ".skillclaw" / "evolve.db" / "in the way").mkdir(parents=True)
    assert "Delete it yourself" in fails("sessions", "forget", key, "--yes", home=learned)
    assert Machine(learned / ".skillclaw").hub.state().tombstones == [key]


@pytest.mark.e2e
def test_a_dry_run_changes_nothing_that_the_next_cycle_sees(learned: Path) -> None:
    shown = ok_json("evolve", "--dry-run", home=learned)
    assert ok_json("skills", "list", home=learned) == []
    done = ok_json("evolve", home=learned)
    assert [r["skill"] for r in shown["released"]] == [r["skill"] for r in done["released"]] != []


@pytest.mark.e2e
@pytest.mark.slow
def test_embeddings_that_cannot_be_had_are_told_and_done_without(learned: Path) -> None:
    ok("config", "set", "evolve.embeddings", "http://127.0.0.1:9/v1", home=learned)
    ok("config", "set", "evolve.embeddings_model", "some-model", home=learned)
    report = ok_json("evolve", home=learned)
    assert any("without embeddings" in note for note in report["notes"])
    assert patterns(report)


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_a_cycle_that_is_killed_at_any_point_is_made_good_by_the_next(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    made = [
        session(f"u{n % 7}", n, f"run the test-suite of project {n % 5} once more", STEPS) for n in range(400)
    ]
    for home in (whole, killed):
        home.mkdir()
        ok("import", str(write(home / "s.jsonl", made)), home=home)
    wanted = ok_json("evolve", "--dry-run", home=whole)
    command = [sys.executable, "-m", "skillclaw", "evolve", "--dry-run", "--home", str(killed / ".skillclaw")]
    chance = random.Random(7)
    ended = 0
    for _ in range(12):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.2, 2.5))
        ended += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ended
    found = ok_json("evolve", "--dry-run", home=killed)
    assert patterns(found) == patterns(wanted)
    assert found["sessions"] == wanted["sessions"]
