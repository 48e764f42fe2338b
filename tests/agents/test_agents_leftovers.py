"""What is left beside settings: by a process that was killed as it wrote, by a connection that has ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from agents_material import make_env

from skillclaw.agents import adapters, wiring
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


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini-cli", "opencode", "qwen-code"])
def test_a_connection_that_ends_leaves_no_folder_that_it_made(tmp_path: Path, name: str) -> None:
    env, home, agent = make_env(tmp_path), tmp_path / "skillclaw", adapters()[name]
    before = sorted(env.home.rglob("*"))
    for port in (8787, 8788):  # the second time, the folders of the first are there
        wiring.connect(home, env, agent, f"http://127.0.0.1:{port}/{name}")
    wiring.disconnect(home, env, agent)
    assert sorted(env.home.rglob("*")) == before


def test_a_folder_that_was_there_or_holds_something_stays(tmp_path: Path) -> None:
    env, home, codex = make_env(tmp_path), tmp_path / "skillclaw", adapters()["codex"]
    folder = env.home / ".codex"
    for with_file in (True, False):
        if not with_file:
            (folder / "auth.json").unlink()  # an empty folder, which is the user's
        wiring.connect(home, env, codex, "http://127.0.0.1:8787/codex")
        if with_file:
            (folder / "auth.json").write_text("{}", "utf-8")
        wiring.disconnect(home, env, codex)
        assert sorted(folder.iterdir()) == ([folder / "auth.json"] if with_file else [])
