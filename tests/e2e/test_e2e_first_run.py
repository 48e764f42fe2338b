"""The first `up` with a person who is asked, says no, presses Ctrl-C; and one that is killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from atif_sessions import Ran
from cli import ok, ok_json, skillclaw
from past_agents import claude, machine, programs
from terminal import Terminal

UP = ("up", "-d", "--port", "0")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    skillclaw("stop", home=tmp_path)


def settings(home: Path) -> str:
    return (home / ".claude" / "settings.json").read_text("utf-8")


def test_it_asks_once_and_takes_no_for_an_answer(home: Path) -> None:
    environ = machine(home)
    before = settings(home)
    first = Terminal(*UP, home=home, environ=environ)
    first.until("Go on? [Y/n]")
    first.answers("n\n")
    assert first.ends() == 0
    assert first.said.count("?") == first.said.count("Go on?") == 1
    assert "connect Claude Code by its own settings file" in first.said
    assert settings(home) == before
    assert ok_json("sessions", "list", home=home) == []
    assert "Nothing was done, and nothing runs." in first.said
    assert "one agent alone: skillclaw connect claude-code" in first.said
    assert "Running:" not in first.said
    assert not ok_json("status", home=home, environ=environ)["running"]
    second = Terminal(*UP, home=home, environ=environ)
    second.until("Go on? [Y/n]")
    second.answers("\n")
    assert second.ends() == 0
    assert "When `npm test` fails, `npm ci && npm test` works" in second.said
    assert "http://127.0.0.1" in settings(home)


@pytest.mark.parametrize(
    "moment",
    [*(pytest.param(moment, marks=pytest.mark.slow) for moment in ("Go on? [Y/n]", "Importing")), "Learning"],
)
def test_after_ctrl_c_the_next_up_goes_on(home: Path, moment: str) -> None:
    environ = machine(home)
    before = settings(home)
    for n in range(100, 500):
        claude(home, n, f"look into part {n}", [Ran(f"cat part{n}", 0, "x" * 3000)], days_ago=1)
    cut_off = Terminal(*UP, home=home, environ=environ)
    cut_off.until("Go on? [Y/n]")
    if moment in cut_off.said:
        cut_off.answers("\x03")
    else:
        cut_off.answers("y\n")
        cut_off.until(moment)
        cut_off.types("\x03")
    assert cut_off.ends() == 130
    assert "Traceback" not in cut_off.said
    assert "Next:" not in cut_off.said
    assert settings(home) == before, "agents are connected last"
    said = ok(*UP, "--yes", home=home, environ=environ)
    assert "What 413 sessions already say" in said
    assert len(ok_json("sessions", "list", home=home)) == 413
    assert "http://127.0.0.1" in settings(home)


def test_killed_anywhere_the_next_up_goes_on(home: Path) -> None:
    environ = machine(home)
    before = settings(home)
    for tenths in (4, 9, 14, 20):
        killed = Terminal(*UP, "--yes", home=home, environ=environ)
        time.sleep(tenths / 10)
        killed.process.send_signal(signal.SIGKILL)
        assert killed.ends() in (-signal.SIGKILL, 0)
    ok("stop", home=home, environ=environ)
    assert settings(home) == before
    ok(*UP, "--yes", home=home, environ=environ)
    assert len(ok_json("sessions", "list", home=home)) == 13
    assert "http://127.0.0.1" in settings(home)
    look = ok_json("learned", home=home, environ=environ)
    assert (look["sessions"], len(look["fixes"]), len(look["corrections"])) == (13, 1, 1)
    assert {one["skill"]: one["stage"] for one in look["proposals"]} == {
        "npm-shop": "stable",
        "seek-shop": "stable",
    }, "whichever cycle it was that released them"


def test_without_agents_the_demo_is_offered_and_touches_nothing(home: Path) -> None:
    environ = programs(home)
    asked = Terminal(*UP, home=home, environ=environ)
    asked.until("Show the demo now?")
    asked.answers("y\n")
    assert asked.ends() == 0
    assert "your agents were not touched" in asked.said
    assert not ok_json("status", home=home, environ=environ)["running"]
    assert {path.name for path in home.iterdir()} == {"bin", ".skillclaw"}


def test_who_wants_no_demo_is_asked_no_more(home: Path) -> None:
    environ = programs(home)
    asked = Terminal(*UP, home=home, environ=environ)
    asked.until("Show the demo now?")
    asked.answers("n\n")
    assert asked.ends() == 0
    assert asked.said.count("?") == 1
    assert "Nothing was done, and nothing runs." in asked.said
    assert "claude-code" not in asked.said, "it is not here"
    assert not ok_json("status", home=home, environ=environ)["running"]


def test_the_proxy_alone_is_what_somebody_who_said_no_is_told_to_start(home: Path) -> None:
    environ = machine(home)
    before = settings(home)
    first = Terminal(*UP, home=home, environ=environ)
    first.until("Go on? [Y/n]")
    first.answers("n\n")
    assert first.ends() == 0
    assert "skillclaw up -d --json, then skillclaw run claude-code" in first.said
    alone = Terminal(*UP, "--json", home=home, environ=environ)
    assert alone.ends() == 0
    assert ok_json("status", home=home, environ=environ)["running"]
    ran = ok("run", "claude-code", home=home, environ=environ)
    assert ran.strip() == "2.1.197 (Claude Code)"
    assert settings(home) == before
    assert ok_json("sessions", "list", home=home) == []
