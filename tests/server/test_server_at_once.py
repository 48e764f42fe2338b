"""Two commands in one home, started in one instant: whoever comes first, nothing is lost, doubled or torn.

Two interpreters import all that a command needs, and are let go at one moment; a seed says how much later the
second one goes. `RACE_SEEDS=N` tries more of them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json, skillclaw
from group import imported

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pipes that two processes wait at")

SEEDS = range(int(os.environ.get("RACE_SEEDS", "4")))
ONE_DAILY = [pytest.param(seed, marks=pytest.mark.slow if seed else pytest.mark.e2e) for seed in SEEDS]
"""The first one is part of `make e2e`."""
LATEST = 0.4
"""Seconds by which the second may go later."""
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)
CLAUDE, CODEX = '{\n  "model":   "opus" }\n\n', 'model = "gpt-5" # mine\n'
CHILD = """
import sys, time
import skillclaw.cli.app, skillclaw.server.work
import skillclaw.server.sessions.intake, skillclaw.server.setup.connections
from skillclaw.cli import main
print("ready", file=sys.stderr, flush=True)
sys.stdin.readline()
time.sleep(float(sys.argv.pop(1)))
main()
"""


def env(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SKILLCLAW_", "ANTHROPIC_", "OPENAI_"))}
    kept |= {"HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw"), "COLUMNS": "200"}
    return kept | {"PATH": f"{home}/bin:{os.environ['PATH']}"}


def at_once(home: Path, seed: int, *both: list[str]) -> list[subprocess.CompletedProcess[str]]:
    """The commands, let go together; each ended well or with an error that a person understands."""
    late = [0.0, random.Random(seed).random() * LATEST if seed else 0.0]
    if seed % 2:
        late.reverse()
    begun = []
    for args, delay in zip(both, late, strict=True):
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", CHILD, str(delay), *args],
                env=env(home),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for one in begun:
        assert one.stderr is not None and one.stderr.readline() == "ready\n"
    for one in begun:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    ended = [one.communicate(timeout=120) for one in begun]
    done = []
    for one, (out, said), args in zip(begun, ended, both, strict=True):
        assert "Traceback" not in said + out, (args, said, out)
        if one.returncode:
            assert one.returncode == 1, (args, said, out)
            assert said.startswith("error: ") or args[0] == "uninstall", (args, said)
            assert len(said.strip().splitlines()) <= 3, (args, said)
        done.append(subprocess.CompletedProcess(args, one.returncode, out, said))
    return done


def furnished(home: Path) -> Path:
    """A user with two agents' settings in a form of their own, a skill, and sessions to import."""
    (home / ".claude" / "skills" / "own").mkdir(parents=True)
    (home / ".claude" / "skills" / "own" / "SKILL.md").write_text("my own\n", "utf-8")
    (home / ".claude" / "settings.json").write_text(CLAUDE, "utf-8")
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(CODEX, "utf-8")
    (home / "bin").mkdir()
    for name, said in (("claude", "2.1.197 (Claude Code)"), ("codex", "codex-cli 0.50.0")):
        (home / "bin" / name).write_text(f"#!/bin/sh\necho '{said}'\n", "utf-8")
        (home / "bin" / name).chmod(0o755)
    many = [session("ada", n, "run the tests of this project", FIX) for n in range(5)]
    for number, one in enumerate(many):
        one["session_id"] = f"n-{number}"
    write(home / "s.jsonl", many)
    return home


def files(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and ".skillclaw" not in path.parts
    }


def sound(home: Path) -> None:
    """Nothing is torn, half written or invalid; what the user has is as it was."""
    report = json.loads(skillclaw("doctor", "--deep", "--json", home=home).stdout)
    wrong = [one for one in report["checks"] if one["level"] == "fail" and one["subject"] != "port"]
    assert wrong == []
    assert not list(home.rglob(".*.new"))
    assert (home / ".claude" / "skills" / "own" / "SKILL.md").read_text("utf-8") == "my own\n"


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a released skill that is not installed yet in one folder, and a group."""
    home = furnished(tmp_path_factory.mktemp("learned"))
    ok("import", str(home / "s.jsonl"), home=home)
    ok("hub", "init", str(home / "group"), "--name", "team", "--evolver", home=home)
    return home


def copied(learned: Path, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(learned, place)
    # the group's folder has moved with the home
    for path in (place / ".skillclaw").glob("*.toml"):
        path.write_text(path.read_text("utf-8").replace(str(learned), str(place)), "utf-8")
    for path in (place / ".skillclaw").glob("hubs.json"):
        path.write_text(path.read_text("utf-8").replace(str(learned), str(place)), "utf-8")
    return place


def imports(home: Path, seed: int) -> None:
    """The same sessions, and others, twice at once: each is there once."""
    more = write(home / "more.jsonl", [session("ben", n, f"task {n}", FIX) for n in range(30)])
    for other in (home / "s.jsonl", more):
        done = at_once(
            home, seed, ["import", "--json", str(home / "s.jsonl")], ["import", "--json", str(other)]
        )
        told = [json.loads(one.stdout) for one in done]
        assert [one["failed"] for one in told] == [[], []]
        rows = ok_json("sessions", "list", home=home)
        assert len({row["id"] for row in rows}) == len(rows) == (5 if other != more else 35)
        if other != more:
            assert sum(one["imported"] for one in told) >= 5
    assert ok_json("import", str(home / "s.jsonl"), str(more), home=home)["imported"] == 0
    sound(home)


def test_two_imports(tmp_path: Path) -> None:
    imports(furnished(tmp_path), 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_two_imports_again(tmp_path: Path, seed: int) -> None:
    imports(furnished(tmp_path), seed)


def released(home: Path) -> list[str]:
    """The skills of the personal hub, each with one history; its log, and the group's, hold."""
    ok("hub", "verify", home=home)
    ok("hub", "verify", "--hub", "team", home=home)
    names = [row["name"] for row in ok_json("skills", "list", home=home)]
    assert max(Counter(names).values(), default=1) == 1
    for name in names:
        for folder in (home / ".claude" / "skills", home / ".agents" / "skills"):
            if (folder / name).exists():
                text = (folder / name / "SKILL.md").read_text("utf-8")
                assert text.rstrip() == ok("skills", "show", name, home=home).rstrip()
    return names


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("other", [["evolve", "--json"], ["serve", "--once"], ["sync"]])
def test_two_cycles(learned: Path, tmp_path: Path, seed: int, other: list[str]) -> None:
    home = copied(learned, tmp_path / "h")
    one, two = at_once(home, seed, ["evolve", "--json"], other)
    assert 0 in (one.returncode, two.returncode)
    for done in (one, two):
        assert done.returncode == 0 or "at work" in done.stderr, done.stderr
    assert ok_json("evolve", home=home)["released"] == [] or one.returncode
    assert len(released(home)) == 1
    sound(home)


@pytest.mark.parametrize("seed", ONE_DAILY)
def test_two_syncs(learned: Path, tmp_path: Path, seed: int) -> None:
    home = copied(learned, tmp_path / "h")
    ok("evolve", home=home)
    (name,) = released(home)
    ok("skills", "uninstall", name, home=home)
    shutil.rmtree(home / ".agents", ignore_errors=True)
    (home / ".skillclaw" / "library.json").unlink(missing_ok=True)
    done = at_once(home, seed, ["sync", "--json"], ["sync", "--json"])
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert released(home) == [name]
    assert (home / ".claude" / "skills" / name / "SKILL.md").exists()
    states = {row["state"] for row in ok_json("skills", "edit-status", home=home)}
    assert states <= {"installed"}, states
    sound(home)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("other", ["claude-code", "codex"])
def test_two_connects(tmp_path: Path, seed: int, other: str) -> None:
    home = furnished(tmp_path)
    before = files(home)
    done = at_once(home, seed, ["connect", "claude-code"], ["connect", other])
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert "127.0.0.1" in (home / ".claude" / "settings.json").read_text("utf-8")
    known = json.loads((home / ".skillclaw" / "connections.json").read_bytes())["agents"]
    assert sorted(known) == sorted({"claude-code", other})
    done = at_once(home, seed, ["disconnect", "claude-code"], ["disconnect", other])
    assert {name: data for name, data in files(home).items() if name in before} == before
    assert json.loads((home / ".skillclaw" / "connections.json").read_bytes())["agents"] == {}


@pytest.mark.parametrize("seed", ONE_DAILY)
def test_connect_and_disconnect(tmp_path: Path, seed: int) -> None:
    home = furnished(tmp_path)
    before = files(home)
    ok("connect", "claude-code", home=home)
    at_once(home, seed, ["connect", "claude-code"], ["disconnect", "claude-code"])
    known = json.loads((home / ".skillclaw" / "connections.json").read_bytes())["agents"]
    assert ("127.0.0.1" in (home / ".claude" / "settings.json").read_text("utf-8")) is bool(known)
    skillclaw("disconnect", "--all", home=home)
    assert files(home) == before


def stopped(home: Path) -> Any:
    skillclaw("stop", home=home, environ={"PATH": env(home)["PATH"]})
    return ok_json("status", home=home) if (home / ".skillclaw").exists() else {"running": False}


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("used", [False, True])
def test_two_ups_leave_agents_as_they_were(tmp_path: Path, seed: int, used: bool) -> None:
    home = furnished(tmp_path)
    before = files(home)
    if used:
        imported(home, 1)
        before = files(home)
    up = ["up", "-d", "--yes", "--port", "0"]
    try:
        done = at_once(home, seed, up, up)
        assert 0 in [one.returncode for one in done], [one.stderr for one in done]
        state = ok_json("status", home=home)
        assert state["running"]
        settings = home / ".claude" / "settings.json"
        end = time.monotonic() + 20
        while str(state["port"]) not in settings.read_text("utf-8") and time.monotonic() < end:
            time.sleep(0.1)
        assert str(state["port"]) in settings.read_text("utf-8")
    finally:
        after = stopped(home)
    assert not after["running"]
    assert {name: data for name, data in files(home).items() if name in before} == before
    sound(home)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "other",
    [["up", "-d", "--yes", "--port", "0"], ["import", "s.jsonl"], ["sync"], ["evolve"], ["connect", "codex"]],
)
def test_uninstall_and(learned: Path, tmp_path: Path, seed: int, other: list[str]) -> None:
    """Whoever comes first: agents' settings are the user's, or those of an `up` that runs."""
    home = copied(learned, tmp_path / "h")
    if other[0] == "import":
        other = ["import", str(home / "s.jsonl")]
    before = files(home)
    ok("evolve", home=home)
    ok("connect", "claude-code", home=home, environ={"PATH": env(home)["PATH"]})
    try:
        gone, begun = at_once(home, seed, ["uninstall", "--yes"], other)
        settings = (home / ".claude" / "settings.json").read_text("utf-8")
        known = home / ".skillclaw" / "connections.json"
        wired = json.loads(known.read_bytes())["agents"] if known.exists() else {}
        assert ("127.0.0.1" in settings) is ("claude-code" in wired), (gone, begun)
        if "127.0.0.1" in settings and gone.returncode == 0:
            assert other[0] == "up" and ok_json("status", home=home)["running"]
        if gone.returncode:
            assert "at work" in gone.stdout + gone.stderr, gone
    finally:
        stopped(home)
    if (home / ".skillclaw").exists():
        left = sorted(path.name for path in (home / ".skillclaw").iterdir())
        done = skillclaw("uninstall", "--yes", home=home, environ={"PATH": env(home)["PATH"]})
        assert done.returncode == 0, f"{left}\n{done.stdout}\n{done.stderr}"
    assert not (home / ".skillclaw").exists()
    assert files(home) == before
