"""Another version in the place of the one that runs: noticed, waited for, told."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from upgrades import tree

from skillclaw.errors import SkillClawError
from skillclaw.server.machine import Machine
from skillclaw.server.setup.survey import Status
from skillclaw.server.up import replaced
from skillclaw.server.up.daemon import Daemon
from skillclaw.server.up.replaced import Replaced
from skillclaw.server.up.runfile import Running, read_running


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "skillclaw"
    (folder / "room").mkdir(parents=True)
    for name in ("__init__.py", "a.py", "room/b.py"):
        (folder / name).write_text("x = 1\n", "utf-8")
    return folder


def test_nothing_is_told_while_nothing_changed(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced, "LOOK", 0.0)
    one = Replaced(package)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"made by an import")
    assert one.look() is False
    assert not one.changed and not one.may_start_again(0)


def test_a_package_that_goes_is_seen_at_the_next_look(package: Path) -> None:
    one = Replaced(package)
    shutil.rmtree(package)  # what installers do first
    with pytest.raises(SkillClawError, match="Another version"):
        one.look()
    assert one.changed


def test_one_file_that_changes_is_seen(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced, "LOOK", 0.0)
    one = Replaced(package)
    (package / "room" / "b.py").write_text("x = 22\n", "utf-8")
    with pytest.raises(SkillClawError):
        one.look()


def test_it_waits_until_the_new_version_is_whole_and_runs(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(replaced, "_runs", lambda: bool(asked.append(True)) or len(asked) > 1)
    monkeypatch.setattr(replaced, "TRY", 0.2)
    one = Replaced(package, settled=0.3)
    (package / "__init__.py").unlink()
    with pytest.raises(SkillClawError):
        one.look()
    for number in range(4):
        (package / f"new{number}.py").write_text("", "utf-8")
        assert not one.may_start_again(0), "files still come"
        time.sleep(0.1)
    assert not asked
    until = time.monotonic() + 5
    while not one.may_start_again(0):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len(asked) == 2, "asked again after a pause, since it did not run at first"


def test_it_waits_for_a_moment_without_traffic(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaced, "_runs", lambda: True)
    busy = {"journal": {}, "under_way": 1}
    monkeypatch.setattr(replaced.runfile, "health", lambda port: busy)
    one = Replaced(package, settled=0.0)
    (package / "__init__.py").unlink()
    with pytest.raises(SkillClawError):
        one.look()
    assert not one.may_start_again(8787)
    busy["under_way"] = 0
    assert one.may_start_again(8787)


def test_status_tells_both_versions() -> None:
    facts = Status(
        running=True,
        pid=1,
        port=2,
        version="0.2.0",
        runs="0.1.0",
        agents=[],
        journal=None,
        sessions=0,
        outcomes={},
        skills=0,
        proposals={},
        errors={},
        last={},
        agreed=True,
    )
    assert "Version 0.1.0 is running, 0.2.0 is installed" in facts.text()


@pytest.mark.slow
def test_whoever_takes_over_runs_the_proxy_before_it_looks_around(tmp_path: Path) -> None:
    """Programs and histories are asked at a first start; agents that wait for the proxy wait for neither."""
    home = tmp_path / "ada"
    (home / ".claude" / "projects").mkdir(parents=True)
    said = {}
    for name, more in (("first", {}), ("taken over", {replaced._AGAIN: "1"})):
        made = {**os.environ, "HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw"), **more}
        with subprocess.Popen(
            [sys.executable, "-m", "skillclaw", "up", "--port", "0"],
            env=made,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            until = time.monotonic() + 60
            while (running := read_running(home / ".skillclaw")) is None or not running.ready:
                assert time.monotonic() < until and child.poll() is None
                time.sleep(0.05)
            child.send_signal(signal.SIGTERM)
            said[name], _ = child.communicate(timeout=30)
    assert "Found" in said["first"] and "Here already" in said["first"]
    assert "Found" not in said["taken over"] and "Here already" not in said["taken over"]


@pytest.mark.slow
def test_an_installation_that_paused_half_way_does_not_count_as_one_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands import late: one that tells its number may lack the modules of another."""
    place = tree(tmp_path / "installed", "0.9.0")
    monkeypatch.setenv("PYTHONPATH", str(place))
    assert replaced._runs()
    for name in ("hub/packs.py", "server/up/daemon.py", "cli/main.py"):
        path = place / "skillclaw" / name
        path.rename(path.with_suffix(".later"))
        assert not replaced._runs(), name
        path.with_suffix(".later").rename(path)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert not replaced._runs()


@pytest.mark.parametrize("gone", [ModuleNotFoundError("gate"), FileNotFoundError("gate/__init__.py")])
def test_a_part_whose_module_goes_as_it_is_read_waits_for_the_new_version(
    tmp_path: Path, package: Path, gone: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon(Machine(tmp_path / "s"))
    daemon.machine.prepare()
    daemon._running = Running(pid=1, created=0.0, port=0, started="", version="", agreed=False)
    daemon._replaced = Replaced(package)

    def part() -> bool:
        raise gone

    with caplog.at_level(logging.INFO, "skillclaw"):
        daemon._try("follow", part)
        assert set(daemon._running.errors) == {"follow"}, "nothing was replaced: it is a failure"
        (package / "__init__.py").unlink()
        daemon._try("sync", part)
    assert set(daemon._running.errors) == {"follow", "upgrade"}
    assert "sync waits: another version is being installed" in caplog.text
    assert "sync failed" not in caplog.text
