"""`up` as users and accidents treat it: start, crash, start again, stop, settings put back."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json, skillclaw

pytestmark = pytest.mark.live


def wait_for(what: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    skillclaw("stop", home=tmp_path)


def fake_claude(home: Path) -> dict[str, str]:
    """A PATH on which Claude Code is installed, and its settings as the user wrote them."""
    folder = home / "bin"
    folder.mkdir()
    program = folder / "claude"
    program.write_text("#!/bin/sh\necho '2.1.197 (Claude Code)'\n", "utf-8")
    program.chmod(0o755)
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"model": "opus"}\n', "utf-8")
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_up_status_stop(home: Path) -> None:
    state = ok_json("up", "-d", "--port", "0", home=home)
    status = ok_json("status", home=home)
    assert status["running"]
    assert status["port"] == state["port"]
    assert status["journal"] is not None
    assert not status["agreed"], "nobody agreed to anything"
    ok("stop", home=home)
    assert not ok_json("status", home=home)["running"]
    assert ok_json("stop", home=home) == {"stopped": False, "connected": []}
    assert "down" in ok("logs", home=home)


def test_with_yes_agents_are_connected_while_it_runs(home: Path) -> None:
    environ = fake_claude(home)
    settings = home / ".claude" / "settings.json"
    state = ok_json("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
    assert json.loads(settings.read_text("utf-8"))["env"]["ANTHROPIC_BASE_URL"] == (
        f"http://127.0.0.1:{state['port']}/claude-code"
    )
    ok("stop", home=home, environ=environ)
    assert settings.read_text("utf-8") == '{"model": "opus"}\n'
    ok_json("up", "-d", "--port", "0", home=home, environ=environ)
    assert "ANTHROPIC_BASE_URL" in settings.read_text("utf-8"), "agreed once, connected at each start"
    ok("disconnect", "--all", home=home, environ=environ)
    ok("stop", home=home, environ=environ)
    ok_json("up", "-d", "--port", "0", home=home, environ=environ)
    assert settings.read_text("utf-8") == '{"model": "opus"}\n', "disconnected stays disconnected"


@pytest.mark.slow
def test_the_yes_may_come_later_to_what_runs(home: Path) -> None:
    environ = fake_claude(home)
    settings = home / ".claude" / "settings.json"
    state = ok_json("up", "-d", "--port", "0", home=home, environ=environ)
    assert settings.read_text("utf-8") == '{"model": "opus"}\n', "nobody agreed"
    later = ok_json("up", "-d", "--yes", home=home, environ=environ)
    assert later == {**state, "agreed": True}, "the same one goes on"
    assert json.loads(settings.read_text("utf-8"))["env"]["ANTHROPIC_BASE_URL"] == (
        f"http://127.0.0.1:{state['port']}/claude-code"
    )
    assert ok_json("status", home=home, environ=environ)["agreed"] is True
    again = skillclaw("up", "-d", "--yes", home=home, environ=environ)
    assert again.returncode == 1
    assert "SkillClaw runs already" in again.stderr


def test_a_killed_daemon_leaves_no_orphan_and_starts_again(home: Path) -> None:
    environ = fake_claude(home)
    settings = home / ".claude" / "settings.json"
    state = ok_json("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
    children = psutil.Process(state["pid"]).children(recursive=True)
    os.kill(state["pid"], signal.SIGKILL)
    assert wait_for(lambda: not any(c.is_running() and c.status() != "zombie" for c in children))
    assert not ok_json("status", home=home, environ=environ)["running"]
    doctor = skillclaw("doctor", home=home, environ=environ)
    assert doctor.returncode == 1
    assert "does not run" in doctor.stdout
    again = ok_json("up", "-d", "--port", str(state["port"]), home=home, environ=environ)
    assert again["port"] == state["port"]
    ok("stop", home=home, environ=environ)
    assert settings.read_text("utf-8") == '{"model": "opus"}\n'


def test_stop_after_a_crash_puts_the_settings_back(home: Path) -> None:
    """A machine that went down leaves agents pointed at a dead port; `stop` mends that as well as `up`."""
    environ = fake_claude(home)
    settings = home / ".claude" / "settings.json"
    state = ok_json("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
    os.kill(state["pid"], signal.SIGKILL)
    assert wait_for(lambda: not psutil.pid_exists(state["pid"]))
    assert "cannot reach a provider" in ok("status", home=home, environ=environ)
    said = ok("stop", home=home, environ=environ)
    assert "Put back the settings of claude-code" in said
    assert settings.read_text("utf-8") == '{"model": "opus"}\n'
    assert ok_json("stop", home=home, environ=environ) == {"stopped": False, "connected": []}


@pytest.mark.slow
def test_a_killed_proxy_comes_back_on_its_port(home: Path) -> None:
    state = ok_json("up", "-d", "--port", "0", home=home)
    (proxy,) = [
        c for c in psutil.Process(state["pid"]).children() if "skillclaw.proxy" in " ".join(c.cmdline())
    ]
    proxy.kill()
    assert wait_for(
        lambda: (
            ok_json("status", home=home)["journal"] is not None
            and not any(c.pid == proxy.pid for c in psutil.Process(state["pid"]).children())
        )
    )
    assert ok_json("status", home=home)["port"] == state["port"]


@pytest.mark.slow
def test_new_histories_are_followed_and_learned_from(home: Path) -> None:
    """With consent the daemon imports what is there, runs a cycle and installs, by itself."""
    steps = [
        Ran("npm test", 1, "Error: Cannot find module 'x'"),
        Ran("npm ci", 0, ""),
        Ran("npm test", 0, "ok"),
    ]
    write(home / "s.jsonl", [session("a", n, "run the tests of this package", steps) for n in range(4)])
    ok("import", str(home / "s.jsonl"), home=home)
    ok_json("up", "-d", "--yes", "--port", "0", home=home)
    assert wait_for(lambda: any((home / ".claude" / "skills").glob("*/SKILL.md")), 40), ok("logs", home=home)
    assert ok_json("status", home=home)["errors"] == {}


def test_connect_names_the_upstream_that_is_set(tmp_path: Path) -> None:
    environ = fake_claude(tmp_path)
    ok("config", "set", "agents.claude-code.upstream", "http://127.0.0.1:9", home=tmp_path)
    (wired,) = ok_json("connect", "claude-code", "--dry-run", home=tmp_path, environ=environ)
    assert wired["upstream"] == "http://127.0.0.1:9"


def test_connections_refuse_unknown_agents(home: Path) -> None:
    assert skillclaw("connect", "no-such-agent", home=home).returncode == 2
    assert skillclaw("run", "no-such-agent", home=home).returncode == 2
    assert skillclaw("run", "claude-code", home=home).returncode == 1, "the proxy does not run"
