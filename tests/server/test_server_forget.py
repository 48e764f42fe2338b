"""What was forgotten is nowhere to be seen again, not in what a skill rests on either."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json


@pytest.mark.e2e
def test_a_forgotten_session_is_no_evidence(tmp_path: Path) -> None:
    steps = [Ran("npm test", 1, "Error: Cannot find module 'x'"), Ran("npm ci"), Ran("npm test", 0, "ok")]
    made = [session(f"u{n}", n, "run the tests of this package", steps) for n in range(5)]
    ok("import", str(write(tmp_path / "s.jsonl", made)), home=tmp_path)
    (released,) = ok_json("evolve", home=tmp_path)["released"]
    name = released["skill"]
    before = ok_json("skills", "evidence", name, home=tmp_path)
    gone = before[0]["sessions"][0]
    ok("sessions", "forget", gone, "--yes", home=tmp_path)
    ok("evolve", home=tmp_path)
    after = ok_json("skills", "evidence", name, home=tmp_path)
    assert after
    assert not any(gone in item["sessions"] for item in after)
    assert {s["sessions"] for s in ok_json("skills", "list", home=tmp_path)} == {4}
