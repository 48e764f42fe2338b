"""The first `up` on a machine where agents have worked for weeks: what it shows, asks, imports and says."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from atif_sessions import Ran
from cli import ok, ok_json, skillclaw
from past_agents import claude, machine, programs, skill

from skillclaw.server.setup.consent import agree, agreed, days_back, followed, resume, unfollow

pytestmark = pytest.mark.live


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    skillclaw("stop", home=tmp_path)


def listing(home: Path) -> dict[str, bytes]:
    """Every file and folder of the user's but SkillClaw's own, with what is in it."""
    found = {}
    for path in sorted(home.rglob("*")):
        if ".skillclaw" not in path.parts:
            found[str(path.relative_to(home))] = path.read_bytes() if path.is_file() else b"folder"
    return found


@pytest.mark.slow
def test_the_first_up_shows_what_is_here_and_what_it_says(home: Path) -> None:
    environ = machine(home)
    before = listing(home)
    said = ok("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
    rows = {line.split("  ")[0]: line for line in said.splitlines()}
    assert rows["Claude Code"].split() == [
        *("Claude", "Code", "2.1.197", "~/.claude/settings.json", "9", "of", "10", "sessions", "2")
    ]
    assert rows["Codex"].split() == [
        *("Codex", "0.169.0", "~/.codex/config.toml", "4", "of", "4", "sessions", "0")
    ]
    assert "Imported 13 sessions (9 of claude-code, 4 of codex)." in said
    assert "What 13 sessions already say (9 of Claude Code, 4 of Codex; no key, no model):" in said
    assert "5 sessions: When `npm test` fails, `npm ci && npm test` works" in said
    assert '4 sessions: "No, seek needs --shop north here, always."' in said
    assert "4 sessions: `git fetch origin`, then `make build`, then `make deploy`" in said
    assert "pdf-forms: about" in said and "not opened in 9 sessions" in said
    assert "release-notes" not in said, "it was opened once"
    assert "npm-shop: released (stable); installed into" in said
    assert "http://127.0.0.1" in (home / ".claude" / "settings.json").read_text("utf-8")
    ok("stop", home=home, environ=environ)
    assert len(ok_json("sessions", "list", home=home)) == 13, "what is older waits for `import`"
    again = ok("up", "-d", "--port", "0", home=home, environ=environ)
    assert "already say" not in again, "it is told once"
    due = told_next_cycle(home, environ)
    assert timedelta(minutes=59) < due - datetime.now(UTC) < timedelta(minutes=61)
    ok("stop", home=home, environ=environ)
    assert ok_json("status", home=home, environ=environ)["next_cycle"] == "", "nothing runs"
    ok("skills", "uninstall", "--all", home=home, environ=environ)
    assert listing(home) == before


def told_next_cycle(home: Path, environ: dict[str, str]) -> datetime:
    """When a running `up` learns next, as `status` and `learned` tell alike, once it looked first."""
    for _ in range(300):
        due = str(ok_json("status", home=home, environ=environ)["next_cycle"])
        if due:
            break
        time.sleep(0.1)
    assert f"Learning: next {due}; at once: skillclaw evolve" in ok("status", home=home, environ=environ)
    assert ok_json("learned", home=home, environ=environ)["next_cycle"] == due
    return datetime.fromisoformat(due)


@pytest.mark.slow
def test_what_runs_tells_when_it_learns_first(home: Path) -> None:
    environ = machine(home)
    past = home / ".claude" / "projects"
    past.rename(home / "away")
    shutil.rmtree(home / ".codex" / "sessions")
    ok("up", "-d", "--port", "0", "--yes", home=home, environ=environ)
    due = told_next_cycle(home, environ)
    shutil.rmtree(past, ignore_errors=True)
    (home / "away").rename(past)
    ok("import", home=home, environ=environ)
    said = ok("learned", home=home, environ=environ)
    ok("stop", home=home, environ=environ)
    assert (
        f"none was learned from yet: that is due at {due:%Y-%m-%dT%H:%M:%SZ}, at once: skillclaw evolve"
        in said
    )


@pytest.mark.slow
def test_it_can_be_seen_again_and_read_by_scripts(home: Path) -> None:
    environ = machine(home)
    assert ok_json("learned", home=home, environ=environ)["cycle"] == ""
    assert not (home / ".skillclaw").exists(), "looking makes nothing"
    ok("import", home=home, environ=environ)
    assert "none was learned from yet: skillclaw evolve" in ok("learned", home=home, environ=environ)
    ok("evolve", home=home, environ=environ)
    look = ok_json("learned", home=home, environ=environ)
    assert look["agents"] == {"Claude Code": 10, "Codex": 4}
    assert look["asked"] == 0
    (fix,) = look["fixes"]
    assert (fix["sessions"], fix["agents"]) == (5, ["claude-code"])
    (said,) = look["corrections"]
    assert said["sessions"] == 4
    assert look["sequences"][0] == {
        "commands": ["git fetch origin", "make build", "make deploy"],
        "sessions": 4,
        "agents": ["codex"],
    }
    (idle,) = look["skills"]["idle"]
    assert (idle["name"], idle["sessions"], idle["offered"]) == ("pdf-forms", 10, 5)
    assert 0 < idle["listed"] < idle["whole"]
    assert (look["skills"]["installed"], look["skills"]["opened"]) == (2, 1)
    made = {"npm-shop": "stable", "seek-shop": "stable"}
    assert {one["skill"]: one["stage"] for one in look["proposals"]} == made
    ok("evolve", home=home, environ=environ)
    look = ok_json("learned", home=home, environ=environ)
    assert {one["skill"]: one["stage"] for one in look["proposals"]} == made, "though nothing is new"
    ok("skills", "rollback", "npm-shop", home=home, environ=environ)
    assert "  npm-shop: withdrawn\n" in ok("learned", home=home, environ=environ)


@pytest.mark.slow
def test_where_nobody_can_be_asked_nothing_is_done_and_it_says_how(home: Path) -> None:
    environ = machine(home)
    before = listing(home)
    said = ok("up", "-d", "--port", "0", home=home, environ=environ)
    assert "say --yes" in said and "13 sessions of the last 30 days" in said and "older ones, 1" in said
    assert "already say" not in said
    assert ok_json("sessions", "list", home=home) == []
    assert listing(home) == before


def test_a_skill_speaks_of_the_program_that_failed_and_not_of_the_way_into_its_folder(home: Path) -> None:
    environ = programs(home, claude="2.1.197 (Claude Code)")
    tests = "cd /srv/shop && . .venv/bin/activate && pytest -q tests/"
    steps = [
        Ran(tests, 1, "ModuleNotFoundError: No module named 'billing'"),
        Ran("pip install -e .", 0, "Successfully installed billing"),
        Ran(tests, 0, "12 passed"),
    ]
    asked = ("make CI green again", "why does it fail here?", "refactor the date helper")
    for n in range(6):
        claude(home, n, asked[n % 3], steps)
    ok("import", home=home, environ=environ)
    ok("evolve", home=home, environ=environ)
    shown = ok("skills", "show", "pytest-shop", home=home, environ=environ)
    description = next(line for line in shown.splitlines() if line.startswith("description:"))
    assert "pytest fails with module not found" in description
    assert "cd " not in description
    assert f"`{tests}` fails with module not found" in shown, "the lines have the command as it was run"


@pytest.mark.slow
def test_it_says_so_where_there_is_nothing_to_say(home: Path) -> None:
    environ = programs(home, claude="2.1.197 (Claude Code)")
    for n, command in enumerate(("ls", "date", "uname -a")):
        claude(home, n, f"question number {n} about {command}", [Ran(command, 0, "fine")])
    skill(home, "pdf-forms", "Fill in forms.")
    said = ok("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
    assert "Nothing came back in three sessions or more:" in said
    assert "Proposed: nothing." in said
    assert "pdf-forms" not in said, "three sessions are too few to call a skill unused"
    assert ok_json("learned", home=home, environ=environ)["skills"]["unknown"] == 1


@pytest.mark.slow
def test_without_sessions_nothing_is_claimed_and_the_next_up_looks_again(home: Path) -> None:
    environ = programs(home, claude="2.1.197 (Claude Code)")
    said = ok("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
    assert "No session is stored yet, so nothing is learned." in said
    ok("stop", home=home, environ=environ)
    for n in range(3):
        claude(home, n, "run the tests", [Ran("npm test", 1, "Error: boom happened")], days_ago=0.1)
    said = ok("up", "-d", "--port", "0", home=home, environ=environ)
    assert "3 sessions: `npm test`: " in said
    assert "Failed again and again; nothing was seen that makes it work" in said


@pytest.mark.slow
def test_without_agents_the_demo_is_named(home: Path) -> None:
    said = ok("up", "-d", "--port", "0", home=home, environ=programs(home))
    assert "Found no agent that SkillClaw knows" in said
    assert "skillclaw up --demo" in said
    assert "Claude Code" in said and "Other agents" not in said, "what is no agent's name is not listed"
    assert "skillclaw run generic -- PROGRAM" in said and "run claude-code" not in said, "it is not here"


@pytest.mark.parametrize("command", [("status",), ("status", "--ready"), ("learned",)])
def test_who_only_looks_makes_nothing(home: Path, command: tuple[str, ...]) -> None:
    environ = programs(home)
    before = listing(home)
    skillclaw(*command, home=home, environ=environ)
    assert listing(home) == before and not (home / ".skillclaw").exists()


def test_what_was_agreed_to_before_is_not_narrowed(tmp_path: Path) -> None:
    agree(tmp_path, ["claude-code"])
    assert days_back(tmp_path) is None, "one agent by name: all of its histories"
    agree(tmp_path)
    assert days_back(tmp_path) is None
    other = tmp_path / "other"
    other.mkdir()
    agree(other)
    days = days_back(other)
    assert days is not None and 29.99 < days < 30.01
    unfollow(other, ["codex"])
    resume(other, ["codex"])
    agree(other, ["goose"])
    unfollow(other)
    assert agreed(other) and followed(other) == []
    assert days_back(other) == pytest.approx(days, abs=0.01)
    told = json.loads((other / "consent.json").read_text("utf-8"))
    for damaged in ("yesterday", 7, "2026-01-01"):
        (other / "consent.json").write_text(json.dumps({**told, "since": damaged}), "utf-8")
        assert days_back(other) == 0.0
