"""Agents by their histories alone, and many agents connected at once."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from cli import fails, ok, ok_json, skillclaw
from test_server_daemon import fake_claude, wait_for

from skillclaw.agents import adapters
from skillclaw.errors import SkillClawError
from skillclaw.server.door import read_door
from skillclaw.server.machine import Machine
from skillclaw.server.setup import connections
from skillclaw.server.setup.consent import agree, agreed, followed, resume, unfollow
from skillclaw.server.setup.wishes import Wishes, want, wishes
from skillclaw.server.up import runfile

SESSION = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    skillclaw("stop", home=tmp_path)


def fake_codex(home: Path) -> None:
    program = home / "bin" / "codex"
    program.write_text("#!/bin/sh\necho 'codex-cli 0.169.0'\n", "utf-8")
    program.chmod(0o755)


def say(home: Path, *texts: str) -> None:
    """A history of Claude Code in which somebody said these things."""
    path = home / ".claude" / "projects" / "-work" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, text in enumerate(texts):
        common = {"sessionId": SESSION, "cwd": "/work", "timestamp": f"2026-11-01T10:0{number}:00.000Z"}
        user = {"role": "user", "content": text}
        lines.append(
            {"type": "user", "uuid": f"u{number}", "parentUuid": f"a{number - 1}", **common, "message": user}
        )
        answer = {
            "id": f"m{number}",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": "Yes."}],
        }
        lines.append(
            {
                "type": "assistant",
                "uuid": f"a{number}",
                "parentUuid": f"u{number}",
                **common,
                "message": answer,
            }
        )
    lines[0]["parentUuid"] = None
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


@pytest.mark.e2e
def test_histories_alone_are_followed_without_a_proxy(home: Path) -> None:
    environ = fake_claude(home)
    say(home, "first words")
    before = (home / ".claude" / "settings.json").read_bytes()
    told = ok("connect", "--history-only", "claude-code", home=home, environ=environ)
    assert "Claude Code" in told and "nothing leaves this machine" in told
    assert stat.S_IMODE((home / ".skillclaw" / "wanted.json").stat().st_mode) == 0o600
    state = ok_json("up", "-d", "--port", "0", home=home, environ=environ)
    assert state["port"] == 0
    running = psutil.Process(state["pid"])
    assert not [c for c in running.children() if "skillclaw.proxy" in " ".join(c.cmdline())]
    if os.name != "posix" or os.geteuid() == 0:  # nobody else may look into it
        listening = [c.laddr.port for c in running.net_connections() if c.status == psutil.CONN_LISTEN]
        door = read_door(home / ".skillclaw")
        assert listening == ([door.port] if door is not None else []), "the dashboard's door alone"
    assert wait_for(lambda: len(ok_json("sessions", "list", home=home, environ=environ)) == 1)
    assert "followed" in ok("status", home=home, environ=environ)
    assert "histories are followed" in ok("doctor", home=home, environ=environ)
    assert (home / ".claude" / "settings.json").read_bytes() == before
    # Whoever changes his mind needs no restart.
    ok("connect", "claude-code", home=home, environ=environ)
    port = ok_json("status", home=home, environ=environ)["port"]
    assert port
    assert f"http://127.0.0.1:{port}/claude-code" in (home / ".claude" / "settings.json").read_text("utf-8")
    refused = fails("connect", "--history-only", "claude-code", home=home, environ=environ, code=2)
    assert "disconnect claude-code" in refused


@pytest.mark.e2e
def test_only_the_named_agents_histories_are_imported(home: Path) -> None:
    environ = fake_claude(home)
    say(home, "private words")
    ok("connect", "--history-only", "codex", home=home, environ=environ)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    ok("stop", home=home, environ=environ)
    assert ok_json("sessions", "list", home=home, environ=environ) == []


@pytest.mark.e2e
def test_all_agents_are_connected_after_one_yes(home: Path) -> None:
    environ = fake_claude(home)
    fake_codex(home)
    (home / ".codex").mkdir()
    config = home / ".codex" / "config.toml"
    config.write_text('model = "m"\n', "utf-8")
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    asked = fails("connect", "--all", home=home, environ=environ, code=2)
    assert "--yes" in asked
    assert (home / ".claude" / "settings.json").read_text("utf-8") == '{"model": "opus"}\n'
    config.write_text('model = "m"\n', "utf-8")
    made = ok_json("connect", "--all", "--yes", home=home, environ=environ)
    assert {wired["agent"] for wired in made} >= {"claude-code", "codex"}
    assert "openai_base_url" in config.read_text("utf-8")


def test_the_table_of_connect_all_names_what_cannot_be(home: Path) -> None:
    environ = fake_claude(home)
    fake_codex(home)
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text("model = \n", "utf-8")
    made = skillclaw("connect", "--all", "--yes", home=home, environ=environ)
    assert made.returncode == 0, made.stderr
    assert "claude-code: connected" in made.stdout
    assert "not valid TOML" in made.stdout
    assert (home / ".codex" / "config.toml").read_text("utf-8") == "model = \n"


@pytest.mark.slow
def test_the_list_of_earlier_versions_is_understood(home: Path) -> None:
    environ = fake_claude(home)
    (home / ".skillclaw").mkdir(mode=0o700)
    (home / ".skillclaw" / "wanted.json").write_text('["claude-code"]', "utf-8")
    (home / ".skillclaw" / "consent.json").write_text('{"agreed": true}', "utf-8")
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    assert "ANTHROPIC_BASE_URL" in (home / ".claude" / "settings.json").read_text("utf-8")
    (home / ".skillclaw" / "wanted.json").write_text("{", "utf-8")
    assert "wanted.json" in fails("connect", "claude-code", home=home, environ=environ)


def test_skills_go_where_the_wanted_agents_look(home: Path) -> None:
    """An agent that reads neither shared folder gets its own."""
    environ = {**fake_claude(home), "CLAUDE_CONFIG_DIR": str(home / "elsewhere")}
    told = ok("connect", "--history-only", "claude-code", "--dry-run", home=home, environ=environ)
    assert str(home / "elsewhere" / "skills") in told
    assert not (home / ".skillclaw" / "wanted.json").exists()


@pytest.mark.e2e
def test_a_disconnected_agents_histories_are_let_alone(home: Path) -> None:
    environ = fake_claude(home)
    say(home, "private words")
    ok("connect", "--history-only", "claude-code", home=home, environ=environ)
    assert "disconnected" in ok("disconnect", "--all", home=home, environ=environ)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    ok("stop", home=home, environ=environ)
    assert ok_json("sessions", "list", home=home, environ=environ) == []


def test_one_of_all_agents_may_be_left_out_and_taken_in_again(tmp_path: Path) -> None:
    agree(tmp_path)
    assert followed(tmp_path) is None
    unfollow(tmp_path, ["codex"])
    assert set(followed(tmp_path) or ()) == set(adapters()) - {"codex"}
    resume(tmp_path, ["codex"])
    assert followed(tmp_path) is None
    unfollow(tmp_path)
    resume(tmp_path, ["codex"])
    assert followed(tmp_path) == [] and agreed(tmp_path)
    agree(tmp_path, ["codex"])
    assert followed(tmp_path) == ["codex"]
    agree(tmp_path)
    unfollow(tmp_path, ["codex"])
    agree(tmp_path, ["codex"])
    assert followed(tmp_path) is None


@pytest.mark.parametrize(
    ("told", "yes", "only"),
    [
        ('{"agreed": true}', True, None),
        ('{"agreed": true, "time": "t", "only": null}', True, None),
        ('{"agreed": true, "only": ["codex", 5]}', True, ["codex"]),
        ('{"agreed": true, "only": "codex"}', True, []),
        ('{"agreed": "no"}', False, None),
        ("[1]", False, None),
        ("{", False, None),
        ("", False, None),
    ],
)
def test_what_is_read_as_consent(tmp_path: Path, told: str, yes: bool, only: list[str] | None) -> None:
    (tmp_path / "consent.json").write_text(told, "utf-8")
    assert agreed(tmp_path) is yes
    assert not yes or followed(tmp_path) == only


@pytest.mark.e2e
def test_disconnect_all_counts_while_nothing_runs(home: Path) -> None:
    environ = fake_claude(home)
    settings = home / ".claude" / "settings.json"
    ok("up", "-d", "--yes", "--port", "0", home=home, environ=environ)
    ok("stop", home=home, environ=environ)
    assert "claude-code: disconnected" in ok("disconnect", "--all", home=home, environ=environ)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    assert settings.read_text("utf-8") == '{"model": "opus"}\n'


@pytest.mark.slow
def test_history_only_starts_no_proxy_and_is_refused_beside_one(home: Path) -> None:
    environ = fake_claude(home)
    state = ok_json("up", "-d", "--history-only", "--port", "0", home=home, environ=environ)
    assert (state["port"], state["agreed"]) == (0, False)
    refused = fails("run", "claude-code", home=home, environ=environ)
    assert "without a proxy" in refused
    # An agent that cannot be connected leaves no wish behind.
    fails("connect", "generic", home=home, environ=environ, code=2)
    assert json.loads((home / ".skillclaw" / "wanted.json").read_text("utf-8"))["proxy"] == []
    ok("connect", "claude-code", home=home, environ=environ)
    ok("stop", home=home, environ=environ)
    refused = fails("up", "-d", "--history-only", home=home, environ=environ, code=2)
    assert "You chose the proxy for claude-code" in refused and "disconnect claude-code" in refused
    assert (home / ".claude" / "settings.json").read_text("utf-8") == '{"model": "opus"}\n'


def test_wishes_survive_a_proxy_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only follows an agent goes on to, when it could not be connected after all."""
    monkeypatch.setattr(connections, "OPENING", 0.2)
    want(tmp_path, ["claude-code", "codex"], history_only=True)
    want(tmp_path, ["pi"])
    running = runfile.Running(pid=1, created=0.0, port=0, started="", version="", agreed=True, ready=True)
    monkeypatch.setattr(runfile, "read_running", lambda home: running)
    with pytest.raises(SkillClawError, match="did not start"):
        connections.open_port(Machine(tmp_path), ["codex", "pi", "aider"])
    assert wishes(tmp_path) == Wishes(proxy=["pi"], history=["claude-code", "codex"])


@pytest.mark.parametrize("given", ["", "relative"])
def test_a_home_that_is_no_folder_is_not_the_root(home: Path, given: str) -> None:
    program = "from skillclaw.agents import Env; print(Env.current().home)"
    environ = {**os.environ, "HOME": given}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_an_agent_whose_requests_could_go_nowhere_is_not_connected(home: Path) -> None:
    path = home / ".config" / "crush" / "crush.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"models": {"large": {"provider": "unheard-of"}}}', "utf-8")
    before = path.read_bytes()
    told = fails("connect", "crush", home=home)
    assert "where Crush's requests go" in told and "agents.crush.upstream" in told
    assert path.read_bytes() == before
    ok("config", "set", "agents.crush.upstream", "https://llm.example/v1", home=home)
    assert "https://llm.example/v1" in ok("connect", "crush", home=home)
    assert path.read_bytes() != before
    ok("disconnect", "crush", home=home)
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_dry_run_writes_nothing_at_all(home: Path) -> None:
    """Nor does it make a token for an agent with a configured upstream, or show a key that stands there."""
    environ = {**fake_claude(home), "OFFICE_KEY": "k"}
    fake_codex(home)
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text("model = 'm'\n", "utf-8")
    settings = home / ".claude" / "settings.json"
    settings.write_text('{"env": {"ANTHROPIC_AUTH_TOKEN": "my own words"}}\n', "utf-8")
    ok("config", "set", "upstreams.office.url", "https://gw.example/v1", home=home, environ=environ)
    ok("config", "set", "agents.claude-code.upstream", "office", home=home, environ=environ)

    def state() -> dict[str, tuple[bytes, float]]:
        files = [path for path in home.rglob("*") if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mtime) for path in files}

    before = state()
    for given in (["claude-code"], ["codex"], ["--all"], ["--all", "--history-only"]):
        told = ok("connect", *given, "--dry-run", home=home, environ=environ)
        assert "my own words" not in told
    assert "ANTHROPIC_BASE_URL" in ok("connect", "claude-code", "--dry-run", home=home, environ=environ)
    ok("disconnect", "--all", "--dry-run", home=home, environ=environ)
    assert state() == before


@pytest.mark.e2e
def test_a_web_proxy_of_the_network_sees_no_request_of_an_agent(home: Path) -> None:
    """`run` tells the agent to reach this machine directly."""
    environ = fake_claude(home) | {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "intranet.example"}
    (home / "bin" / "claude").write_text('#!/bin/sh\necho "$NO_PROXY and $no_proxy"\n', "utf-8")
    ok("up", "-d", "--port", "0", home=home)
    told = ok("run", "claude-code", home=home, environ=environ)
    assert told.strip() == "intranet.example,127.0.0.1,localhost and 127.0.0.1,localhost"
