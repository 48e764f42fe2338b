"""`skillclaw uninstall` while `up` runs, with an agent connected: nothing runs and nothing is left."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest
from cli import skillclaw

pytestmark = pytest.mark.e2e
SETTINGS = '{\n  "model":   "opus" }\n\n'


def test_what_runs_is_ended_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").write_text("#!/bin/sh\necho '2.1.197 (Claude Code)'\n", "utf-8")
    (tmp_path / "bin" / "claude").chmod(0o755)
    (tmp_path / ".claude").mkdir()
    settings = tmp_path / ".claude" / "settings.json"
    settings.write_text(SETTINGS, "utf-8")
    before = {path: path.lstat().st_mode for path in tmp_path.rglob("*")}
    environ = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "SKILLCLAW_PROXY__PORT": "0"}

    started = skillclaw("up", "-d", "--yes", "--json", home=tmp_path, environ=environ)
    assert started.returncode == 0, started.stderr
    running = json.loads(skillclaw("status", "--json", home=tmp_path, environ=environ).stdout)
    pid = running["pid"]
    assert psutil.pid_exists(pid)
    children = psutil.Process(pid).children(recursive=True)
    assert "127.0.0.1" in settings.read_text("utf-8")

    done = skillclaw("uninstall", "--yes", home=tmp_path, environ=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Put back the settings of claude-code." in done.stdout
    assert not psutil.pid_exists(pid)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    assert settings.read_text("utf-8") == SETTINGS
    assert {path: path.lstat().st_mode for path in tmp_path.rglob("*")} == before
