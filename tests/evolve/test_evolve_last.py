"""The last cycle is kept for people to look at, and goes with the sessions that it tells of."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json

from skillclaw.evolve.last import cluster_requests, cluster_sessions, last_cycle, last_id
from skillclaw.evolve.state_file import FILE

pytestmark = pytest.mark.live

FIX = [
    Ran("npm test", 1, "Error: cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 1 package"),
    Ran("npm test", 0, "ok"),
]


def home_with(tmp_path: Path) -> Path:
    home = tmp_path / "user"
    home.mkdir()
    made = [session(user, n, f"run the tests of part {n}", FIX) for user in ("ada", "bob") for n in range(4)]
    ok("import", str(write(home / "s.jsonl", made)), home=home)
    return home


def test_a_cycle_is_kept_with_its_clusters_and_forgetting_takes_it_away(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    state = home / ".skillclaw"
    assert (last_id(state), last_cycle(state)) == (None, None)
    told = ok_json("evolve", "--dry-run", home=home)
    assert last_cycle(state) is None, "a dry run keeps nothing"
    told = ok_json("evolve", home=home)
    kept = last_cycle(state)
    assert kept is not None
    assert last_id(state) == kept.view.cycle == told["cycle"]
    assert [p.id for p in kept.view.patterns] == [p["id"] for p in told["patterns"]]
    assert kept.view.patterns
    assert kept.view.sessions == 8
    largest = max(kept.view.clusters, key=lambda point: point.sessions)
    requests, different = cluster_requests(state, largest.id, 2)
    assert different >= len(requests) > 0
    assert requests[0].text.startswith("run the tests of part")
    rows = cluster_sessions(state, largest.id, 100)
    assert len({row.key for row in rows}) == len(rows) == largest.sessions
    assert cluster_sessions(state, largest.id, 2, 1) == rows[1:3]
    assert cluster_sessions(state, "no such", 5) == []
    full = ok_json("evolve", "--full", home=home)
    assert last_id(state) == full["cycle"]
    ok("sessions", "forget", rows[0].key, "--yes", home=home)
    assert last_cycle(state) is None


def test_what_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    state = home / ".skillclaw"
    ok("evolve", home=home)
    with sqlite3.connect(state / FILE) as db:
        db.execute("UPDATE meta SET value = ? WHERE name = 'last'", (b"\x00torn",))
    assert last_cycle(state) is None
    assert last_id(state) is not None
    for suffix in ("-wal", "-shm"):
        (state / f"{FILE}{suffix}").unlink(missing_ok=True)
    (state / FILE).write_bytes(b"no database" * 100)
    assert (last_id(state), last_cycle(state), cluster_requests(state, "x", 1)) == (None, None, ([], 0))
