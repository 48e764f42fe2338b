"""What a process that was killed as it wrote a settings file leaves beside it goes with the next edit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from skillclaw.agents.edits import FileEdit, apply


def test_leftovers_of_dead_processes_go_and_others_stay(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    path = tmp_path / "settings.json"
    path.write_text("{}", "utf-8")
    goes = tmp_path / f".settings.json.{dead.pid}-abc_1234.new"
    stay = [
        tmp_path / f".settings.json.{os.getpid()}-abc_1234.new",  # somebody is at it
        tmp_path / f".settings.json.bak.{dead.pid}-abc_1234.new",
        tmp_path / f"settings.json.{dead.pid}-abc_1234.new",
        tmp_path / ".settings.json.new",
    ]
    for one in (goes, *stay):
        one.write_text("half", "utf-8")
    apply([FileEdit(path=path, before=b"{}", after=b'{"a": 1}')])
    assert path.read_text("utf-8") == '{"a": 1}'
    assert not goes.exists()
    assert all(one.exists() for one in stay)
