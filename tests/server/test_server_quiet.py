"""`restore --over` and `uninstall` take a home away as a whole, but not while a command writes there."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from backups import files_of, small_home
from cli import ok, ok_json, skillclaw
from filelock import FileLock

from skillclaw.errors import BusyError
from skillclaw.server import quiet as quiet_module
from skillclaw.server.backup import back_up, restore
from skillclaw.server.machine import Machine
from skillclaw.server.quiet import at_work, quiet
from skillclaw.server.setup.leaving import leave


def begun(home: Path, *args: str) -> subprocess.Popen[str]:
    env = {**os.environ, "HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw")}
    argv = [sys.executable, "-m", "skillclaw", *args]
    process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 30
    while not list((home / ".skillclaw" / "run").glob(f"{args[0]}.*.lock")) and time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


def refused(home: Path, file: Path, what: str) -> None:
    for args in (["restore", str(file), "--over"], ["uninstall", "--yes"]):
        done = skillclaw(*args, home=home)
        assert done.returncode == 1, done.stdout
        assert f"`skillclaw {what}` is at work" in done.stderr.replace("\n", " "), done.stderr
        assert len(done.stderr.strip().splitlines()) <= 3, done.stderr
    assert (home / ".skillclaw" / "sessions.db").exists()
    assert not list(home.glob(".skillclaw.before-*"))


@pytest.mark.e2e
def test_not_while_an_import_or_a_sync_is_at_work(tmp_path: Path) -> None:
    one = session("ada", 1, "run the tests", [Ran("npm test", 0, "ok")])
    ok("import", str(write(tmp_path / "one.jsonl", [one])), home=tmp_path)
    file = tmp_path / "file"
    ok("backup", str(file), home=tmp_path)
    two = write(tmp_path / "two.jsonl", [session("ada", 2, "run the tests", [Ran("npm test", 0, "ok")])])
    with closing(sqlite3.connect(tmp_path / ".skillclaw" / "sessions.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")  # so the import waits
        importing = begun(tmp_path, "import", str(two))
        refused(tmp_path, file, "import")
        db.execute("COMMIT")
    assert importing.wait(60) == 0, importing.communicate()
    assert len(ok_json("sessions", "list", home=tmp_path)) == 2
    with FileLock(tmp_path / ".skillclaw" / "library.lock"):
        syncing = begun(tmp_path, "sync")
        refused(tmp_path, file, "sync")
    assert syncing.wait(60) == 0, syncing.communicate()
    assert not list((tmp_path / ".skillclaw" / "run").glob("*.*-*.lock"))
    ok("restore", str(file), "--over", home=tmp_path)
    assert len(ok_json("sessions", "list", home=tmp_path)) == 1


@pytest.mark.parametrize("what", quiet_module.ALONE)
def test_not_while_anything_is_at_work_that_runs_alone(tmp_path: Path, what: str) -> None:
    own = small_home(tmp_path)
    back_up(own, tmp_path / "file")
    before = files_of(own)
    with Machine(own).alone(what), pytest.raises(BusyError, match=f"skillclaw {what}"):
        restore(own, tmp_path / "file", over=True)
    assert {k: v for k, v in files_of(own).items() if not k.endswith(".lock")} == {
        k: v for k, v in before.items() if not k.endswith(".lock")
    }
    restore(own, tmp_path / "file", over=True)


def test_nothing_begins_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(small_home(tmp_path))
    monkeypatch.setattr(quiet_module, "WAIT", 0.0)
    with (
        quiet(machine),
        pytest.raises(BusyError, match="A restore or an uninstall is at work"),
        at_work(machine, "import"),
    ):
        pytest.fail("it began")
    with at_work(machine, "import"), at_work(machine, "sync"), at_work(machine, "import"):
        assert len(list((machine.home / "run").glob("*.*-*.lock"))) == 3
    assert not list((machine.home / "run").glob("*.*-*.lock"))


def test_a_lock_of_one_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    machine = Machine(small_home(tmp_path))
    left = machine.home / "run" / "import.1-0.lock"
    left.touch()
    with quiet(machine):
        assert not left.exists()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_no_up_begins_until_an_uninstall_is_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would connect agents by what it still finds, and what puts them back would go then."""
    machine = Machine(small_home(tmp_path))
    removed: list[str] = []

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if self.parent == machine.home:
            with pytest.raises(BusyError), Machine(machine.home).alone("up"):
                pytest.fail(f"up began before {self.name} was gone")
            removed.append(self.name)
        real(self, missing_ok=missing_ok)

    real = Path.unlink
    monkeypatch.setattr(Path, "unlink", unlink)
    assert leave(machine).removed
    assert "wanted.json" in removed
    assert not machine.home.exists()


@pytest.mark.slow  # it waits for the gate
def test_no_agent_is_connected_while_the_home_is_taken_away(tmp_path: Path) -> None:
    """Its settings would point at a proxy that nobody remembers, once all else is gone."""
    settings = tmp_path / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text("{}\n", "utf-8")
    machine = Machine(tmp_path / ".skillclaw")
    with quiet(machine):
        done = skillclaw("connect", "claude-code", home=tmp_path)
    assert done.returncode == 1 and "is at work" in done.stderr, done.stderr
    assert settings.read_text("utf-8") == "{}\n"
    assert ok_json("connect", "claude-code", home=tmp_path)[0]["changed"]
