"""Bad input of each kind ends in a clear error of three lines at most, and nothing is lost."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import fails, ok, ok_json, skillclaw


@pytest.fixture
def home(tmp_path: Path) -> Path:
    good = session("ada", 1, "list the files", [Ran("ls", 0, "a b")])
    write(tmp_path / "good.jsonl", [good])
    assert ok_json("import", str(tmp_path / "good.jsonl"), home=tmp_path)["imported"] == 1
    return tmp_path


def kept(home: Path) -> None:
    """The session from before is still there."""
    assert len(ok_json("sessions", "list", home=home)) == 1


def test_corrupt_history(home: Path) -> None:
    folder = home / ".claude" / "projects" / "-p"
    folder.mkdir(parents=True)
    (folder / "11111111-1111-4111-8111-111111111111.jsonl").write_bytes(b"\x00\xff\xfe garbage\n" * 20)
    report = json.loads(skillclaw("import", "--json", home=home).stdout)
    assert report["imported"] == 0
    assert report["failed"] or report["reasons"], "a file that could not be read is named with a reason"
    kept(home)


def test_malformed_json_and_wrong_types(home: Path) -> None:
    good = session("bob", 1, "x", [])
    wrong = session("bob", 2, "x", [])
    wrong["steps"] = "not a list"
    lines = [json.dumps(good), '{"schema_version": "ATIF-v1.8", ', json.dumps(wrong), "[]"]
    (home / "mixed.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    done = skillclaw("import", str(home / "mixed.jsonl"), "--json", home=home)
    report = json.loads(done.stdout)
    assert report["imported"] == 1, "one bad line does not cost the others"
    assert len(report["failed"]) == 3
    assert all(f["reason"] for f in report["failed"])
    assert {f["path"].rsplit(":", 1)[1] for f in report["failed"]} == {"2", "3", "4"}


def test_missing_paths_and_wrong_names(home: Path) -> None:
    report = json.loads(skillclaw("import", str(home / "nowhere.jsonl"), "--json", home=home).stdout)
    assert report["failed"][0]["reason"]
    fails("import", "--agent", "no-such-agent", home=home, code=2)
    fails("skills", "show", "no-such-skill", home=home)
    fails("sessions", "show", "ffff", home=home)
    fails("proposals", "approve", "ffff", home=home)
    fails("feedback", "ffff", "maybe", home=home, code=2)
    fails("config", "set", "gate.policy", "lax", home=home, code=2)
    fails("config", "get", "no.such", home=home, code=2)
    fails("evolve", "--engine", "no-such", home=home, code=2)
    fails("frobnicate", home=home, code=2)
    kept(home)


def test_broken_config_and_database(home: Path) -> None:
    config = home / ".skillclaw" / "config.toml"
    config.write_text("gate = [", "utf-8")
    assert "config.toml" in fails("status", home=home)
    config.write_text('[gate]\npolicy = "lax"\n', "utf-8")
    assert "policy" in fails("evolve", home=home)
    config.unlink()
    kept(home)
    database = home / ".skillclaw" / "sessions.db"
    whole = database.read_bytes()
    database.write_bytes(b"this is no database" * 300)
    fails("sessions", "list", home=home)
    database.write_bytes(whole)
    kept(home)


def test_a_home_that_cannot_be_made(home: Path) -> None:
    (home / "file").write_text("in the way", "utf-8")
    environ = {"SKILLCLAW_HOME": str(home / "file" / "inside")}
    fails("evolve", home=home, environ=environ)
    fails("up", home=home, environ=environ)
    if os.getuid() != 0:
        shut = home / "shut"
        shut.mkdir(mode=0o500)
        fails("evolve", home=home, environ={"SKILLCLAW_HOME": str(shut / "inside")})


@pytest.mark.slow
def test_disk_full(home: Path) -> None:
    """Files may not grow past a limit, as on a full disk: the import fails clearly, what was there stays."""
    many = [session("eve", n, "do " + "something " * 400, [Ran("ls", 0, "x" * 20_000)]) for n in range(60)]
    for one in many:
        one["steps"][0]["message"] += os.urandom(20_000).hex()
    write(home / "many.jsonl", many)
    size = (home / ".skillclaw" / "sessions.db").stat().st_size

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, size + 200_000))

    done = subprocess.run(
        [sys.executable, "-m", "skillclaw", "import", str(home / "many.jsonl")],
        env={**os.environ, "HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw")},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
    before = len(ok_json("sessions", "list", home=home))
    assert before >= 1
    assert ok_json("import", str(home / "many.jsonl"), home=home)["imported"] == 61 - before
    assert len(ok_json("sessions", "list", home=home)) == 61


def test_second_up_and_taken_port(home: Path) -> None:
    state = ok_json("up", "-d", "--port", "0", home=home)
    try:
        said = fails("up", home=home)
        assert str(state["port"]) in said
        other = home / "other"
        other.mkdir()
        taken = fails("up", "-d", "--port", str(state["port"]), home=other)
        assert str(state["port"]) in taken
        assert ok_json("status", home=home)["running"]
    finally:
        ok("stop", home=home)
    assert not ok_json("status", home=home)["running"]
    kept(home)
