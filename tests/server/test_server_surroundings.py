"""`up` in an environment that lacks what the user's shell has, and what commands tell of base URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli import ok, ok_json, skillclaw
from test_server_daemon import fake_claude, wait_for

pytestmark = pytest.mark.live

GATEWAY = "https://gw.example/team"
HIDDEN = "https://me:hunter2@gw.example/team?subscription-key=5ub5cr1pt10n"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    skillclaw("stop", home=tmp_path)


def forwards(home: Path) -> str:
    held = json.loads((home / ".skillclaw/run/proxy.json").read_text("utf-8"))
    return str(held["upstreams"]["claude-code"])


def test_up_elsewhere_forwards_where_the_user_s_shell_said(home: Path) -> None:
    environ = fake_claude(home)
    ok("connect", "claude-code", home=home, environ={**environ, "ANTHROPIC_BASE_URL": GATEWAY})
    for _ in range(2):
        ok("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
        assert forwards(home) == GATEWAY
        ok("stop", home=home)
    ok("disconnect", "claude-code", home=home, environ=environ)
    told = ok_json("connect", "claude-code", "--dry-run", home=home, environ=environ)
    assert told[0]["upstream"] == "https://api.anthropic.com"


def test_a_proxy_that_runs_elsewhere_is_told_at_once(home: Path) -> None:
    environ = fake_claude(home)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    ok("connect", "claude-code", home=home, environ={**environ, "ANTHROPIC_BASE_URL": GATEWAY})
    assert forwards(home) == GATEWAY


@pytest.mark.slow
def test_up_elsewhere_stays_with_the_files_that_were_connected(home: Path) -> None:
    environ = fake_claude(home)
    folder = home / "work-claude"
    folder.mkdir()
    (folder / "settings.json").write_text('{"env": {"ANTHROPIC_BASE_URL": "https://work.example"}}', "utf-8")
    usual = (home / ".claude/settings.json").read_bytes()
    ok("connect", "claude-code", home=home, environ={**environ, "CLAUDE_CONFIG_DIR": str(folder)})
    for _ in range(2):
        ok("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
        settings = json.loads((folder / "settings.json").read_text("utf-8"))
        assert settings["env"]["ANTHROPIC_BASE_URL"].endswith("/claude-code")
        assert (home / ".claude/settings.json").read_bytes() == usual
        assert wait_for(lambda: forwards(home) == "https://work.example")
        ok("stop", home=home)
        assert "work.example" in (folder / "settings.json").read_text("utf-8")


@pytest.mark.parametrize("place", ["environment", "settings"])
def test_base_urls_are_told_without_credentials(home: Path, place: str) -> None:
    environ = fake_claude(home)
    if place == "environment":
        environ["ANTHROPIC_BASE_URL"] = HIDDEN
    else:
        held = json.dumps({"env": {"ANTHROPIC_BASE_URL": HIDDEN}})
        (home / ".claude/settings.json").write_text(held, "utf-8")

    def told(*command: str) -> str:
        done = skillclaw(*command, home=home, environ=environ)
        return done.stdout + done.stderr

    said = told("connect", "claude-code", "--dry-run", "--json") + told("connect", "claude-code")
    said += told("connect", "claude-code", "--json") + told("doctor", "claude-code")
    said += told("doctor", "claude-code", "--json") + told("connect", "--all", "--dry-run")
    (home / ".claude/settings.json").write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": HIDDEN}}), "utf-8")
    said += told("doctor", "claude-code") + told("disconnect", "claude-code", "--json")
    assert "forwards to https://gw.example/team?..." in said
    assert "hunter2" not in said and "5ub5cr1pt10n" not in said
