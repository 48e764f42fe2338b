"""A key goes to the upstream that the shell of its agent names, whatever other shells and agents name."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli import fails, ok, ok_json, skillclaw
from scripted import Script, Upstream
from test_server_daemon import fake_claude, wait_for

from skillclaw.journal.reader import read

pytestmark = pytest.mark.live

USUAL = "https://api.anthropic.com"
GATEWAY = "https://gw.example/team"
OTHER = "https://other.example"
CLAUDE = """#!{python}
import json, os, sys, urllib.request
args = sys.argv[1:]
if "--version" in args:
    sys.exit(print("2.1.197 (Claude Code)"))
told = json.loads(args[args.index("--settings") + 1])["env"] if "--settings" in args else os.environ
url = told["ANTHROPIC_BASE_URL"]
body = {{"model": "m", "max_tokens": 9, "messages": [{{"role": "user", "content": "hi"}}]}}
headers = {{"x-api-key": os.environ["KEY"], "content-type": "application/json"}}
asked = urllib.request.Request(url + "/v1/messages", json.dumps(body).encode(), headers)
with urllib.request.urlopen(asked) as answer:
    print(url, answer.status)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    skillclaw("stop", home=tmp_path)


@pytest.fixture
def provider() -> Iterator[Upstream]:
    with Upstream({"hi": Script(())}) as upstream:
        yield upstream


@pytest.fixture
def gateway() -> Iterator[Upstream]:
    with Upstream({"hi": Script(())}) as upstream:
        yield upstream


def claude(home: Path) -> dict[str, str]:
    """A shell in which a Claude Code is installed that sends one request."""
    environ = fake_claude(home)
    (home / "bin/claude").write_text(CLAUDE.format(python=sys.executable), "utf-8")
    return environ


def goose(home: Path) -> None:
    path = home / ".config/goose/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("GOOSE_PROVIDER: openai\n", "utf-8")


def keys(upstream: Upstream) -> list[str]:
    return [seen.header("x-api-key") for seen in upstream.seen]


def went(provider: Upstream, gateway: Upstream) -> tuple[list[str], list[str]]:
    """The keys that each got. They note a request when its answer is with the agent."""
    count = -1
    while count != (count := len(provider.seen) + len(gateway.seen)):
        time.sleep(0.3)
    return keys(provider), keys(gateway)


def forwards(home: Path, agent: str = "claude-code") -> str:
    held = json.loads((home / ".skillclaw/run/proxy.json").read_text("utf-8"))
    return str(held["upstreams"].get(agent, ""))


def ask(port: int, key: str, agent: str = "claude-code") -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    url = f"http://127.0.0.1:{port}/{agent}/v1/messages"
    headers = {"x-api-key": key, "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("joined", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_run_goes_where_its_own_shell_says(
    home: Path, provider: Upstream, gateway: Upstream, joined: bool
) -> None:
    environ = claude(home)
    usual = {**environ, "ANTHROPIC_BASE_URL": provider.url, "KEY": "usual-key"}
    if joined:
        ok("connect", "claude-code", home=home, environ=usual)
    ok("up", "-d", *(["--yes"] if joined else []), "--port", "0", home=home, environ=usual)
    there = {**environ, "ANTHROPIC_BASE_URL": gateway.url, "KEY": "gateway-key"}
    assert "200" in ok("run", "claude-code", home=home, environ=there)
    assert went(provider, gateway) == ([], ["gateway-key"])
    assert "200" in ok("run", "claude-code", home=home, environ=usual)
    assert "200" in ok("run", "claude-code", home=home, environ=there)
    assert went(provider, gateway) == (["usual-key"], ["gateway-key"] * 2)
    assert {seen.path for seen in gateway.seen} == {"/v1/messages"}
    ok("uninstall", "--yes", home=home, environ=usual)
    assert not (home / ".skillclaw").exists()


def test_what_run_sends_is_recorded_as_the_agent_s(home: Path, gateway: Upstream) -> None:
    environ = claude(home)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    there = {**environ, "ANTHROPIC_BASE_URL": gateway.url, "KEY": "gateway-key"}
    ok("run", "claude-code", home=home, environ=there)
    ok("stop", home=home)
    (one,) = [found for found, _ in read(home / ".skillclaw/journal")]
    assert (one.agent, one.path) == ("claude-code", "/v1/messages")


@pytest.mark.slow
def test_a_run_keeps_its_upstream_when_another_shell_connects_the_agent(
    home: Path, provider: Upstream, gateway: Upstream
) -> None:
    environ = claude(home)
    state = ok_json("up", "-d", "--port", "0", home=home, environ=environ)
    there = {**environ, "ANTHROPIC_BASE_URL": gateway.url, "KEY": "gateway-key"}
    url = ok("run", "claude-code", home=home, environ=there).split()[0]
    ok("connect", "claude-code", home=home, environ={**environ, "ANTHROPIC_BASE_URL": provider.url})
    for again in (False, True):
        if again:
            ok("stop", home=home)
            port = str(state["port"])
            ok("up", "-d", "--port", port, home=home, environ={**environ, "ANTHROPIC_BASE_URL": provider.url})
        ask(state["port"], "gateway-key", url.rpartition("/")[2])
    assert went(provider, gateway) == ([], ["gateway-key"] * 3)


@pytest.mark.slow
def test_what_begins_within_a_run_goes_where_that_goes(
    home: Path, provider: Upstream, gateway: Upstream
) -> None:
    environ = claude(home)
    usual = {**environ, "ANTHROPIC_BASE_URL": provider.url}
    port = ok_json("up", "-d", "--port", "0", home=home, environ=usual)["port"]
    there = {**environ, "ANTHROPIC_BASE_URL": gateway.url, "KEY": "gateway-key"}
    within = {**there, "ANTHROPIC_BASE_URL": ok("run", "claude-code", home=home, environ=there).split()[0]}
    assert "200" in ok("run", "claude-code", home=home, environ=within)
    assert went(provider, gateway) == ([], ["gateway-key"] * 2)
    assert f"forwards to {gateway.url}." in ok("connect", "claude-code", home=home, environ=within)
    assert forwards(home) == gateway.url
    connected = {**there, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}/claude-code"}
    assert "200" in ok("run", "claude-code", home=home, environ=connected)
    assert went(provider, gateway) == ([], ["gateway-key"] * 3)


def test_up_within_a_run_forwards_where_that_goes(home: Path) -> None:
    environ = claude(home)
    lost = f"http://127.0.0.1:1/claude-code.{'0' * 32}"
    ok("up", "-d", "--port", "0", home=home, environ={**environ, "ANTHROPIC_BASE_URL": lost})
    assert forwards(home) == ""
    asked = ok("run", "generic", "--", "env", home=home, environ={**environ, "OPENAI_BASE_URL": GATEWAY})
    (url,) = (line.partition("=")[2] for line in asked.splitlines() if line.startswith("ANTHROPIC_BASE_URL="))
    ok("stop", home=home)
    ok("up", "-d", "--port", "0", home=home, environ={**environ, "ANTHROPIC_BASE_URL": url})
    assert forwards(home) == GATEWAY


@pytest.mark.parametrize("command", ["run", pytest.param("connect", marks=pytest.mark.slow)])
def test_within_a_run_that_is_not_known_nobody_guesses(home: Path, gateway: Upstream, command: str) -> None:
    environ = claude(home) | {"KEY": "gateway-key"}
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    within = {**environ, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:1/claude-code.{'0' * 32}"}
    said = fails(command, "claude-code", home=home, environ=within)
    assert "Nobody knows where Claude Code's requests go." in said
    assert "ANTHROPIC_BASE_URL" in said and "config set agents.claude-code.upstream" in said
    ok("config", "set", "agents.claude-code.upstream", gateway.url, home=home, environ=within)
    ok("stop", home=home)
    ok("up", "-d", "--port", "0", home=home, environ=within)
    ok(command, "claude-code", home=home, environ=within)
    assert forwards(home) == gateway.url


def test_run_goes_where_the_settings_say(home: Path, provider: Upstream, gateway: Upstream) -> None:
    environ = claude(home)
    ok("config", "set", "agents.claude-code.upstream", provider.url, home=home, environ=environ)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    there = {**environ, "ANTHROPIC_BASE_URL": gateway.url, "KEY": "a-key"}
    ok("run", "claude-code", home=home, environ=there)
    assert went(provider, gateway) == (["a-key"], [])
    ok("config", "set", "agents.claude-code.upstream", gateway.url, home=home, environ=environ)
    ok("run", "claude-code", home=home, environ=there)
    assert went(provider, gateway) == (["a-key"], ["a-key"]), "from the next request on"


def test_a_prefix_that_nobody_made_leads_nowhere(home: Path, provider: Upstream) -> None:
    environ = claude(home) | {"ANTHROPIC_BASE_URL": provider.url}
    port = ok_json("up", "-d", "--port", "0", home=home, environ=environ)["port"]
    (home / ".skillclaw/run" / f"claude-code.{'0' * 32}").write_text(provider.url, "utf-8")
    for mark in ("0" * 32, "1" * 32, "..", "%2e%2e", "0" * 4000):
        with pytest.raises(urllib.error.HTTPError, match=r"404|400"):
            ask(port, "a-key", f"claude-code.{mark}")
    assert keys(provider) == []


@pytest.mark.slow
def test_up_in_another_shell_goes_by_what_was_connected(home: Path) -> None:
    environ = fake_claude(home)
    there = {**environ, "ANTHROPIC_BASE_URL": GATEWAY}
    ok("connect", "claude-code", home=home, environ=environ)
    for _ in range(2):
        ok("up", "-d", "--yes", "--port", "0", home=home, environ=there)
        assert forwards(home) == USUAL
        ok("stop", home=home)
    ok("connect", "claude-code", home=home, environ={**environ, "ANTHROPIC_BASE_URL": OTHER})
    ok("up", "-d", "--yes", "--port", "0", home=home, environ=there)
    assert forwards(home) == OTHER


def test_connect_counts_at_once_where_the_proxy_s_shell_names_another(home: Path) -> None:
    environ = fake_claude(home)
    ok("up", "-d", "--port", "0", home=home, environ={**environ, "ANTHROPIC_BASE_URL": GATEWAY})
    assert forwards(home) == GATEWAY
    ok("connect", "claude-code", home=home, environ=environ)
    assert forwards(home) == USUAL


@pytest.mark.parametrize(
    "act",
    ["connect", *(pytest.param(act, marks=pytest.mark.slow) for act in ("disconnect", "sync", "configure"))],
)
def test_what_is_done_in_one_shell_leaves_the_other_agents_alone(home: Path, act: str) -> None:
    environ = fake_claude(home)
    goose(home)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    ok("connect", "claude-code", home=home, environ=environ)
    if act == "disconnect":
        ok("connect", "goose", home=home, environ=environ)
    there = {**environ, "ANTHROPIC_BASE_URL": GATEWAY, "OPENAI_BASE_URL": GATEWAY}
    if act == "configure":
        ok("config", "set", "upstreams.local.url", OTHER, home=home, environ=environ)
        ok("config", "set", "agents.codex.upstream", "local", home=home, environ=environ)
    commands = {"configure": ["connect", "codex"], "sync": ["sync"]}
    ok(*commands.get(act, [act, "goose"]), home=home, environ=there)
    assert forwards(home) == USUAL
    assert forwards(home, "pi") != GATEWAY
    assert GATEWAY not in (home / ".skillclaw/run/proxy.json").read_text("utf-8")


def test_up_corrects_what_another_wrote_for_its_proxy(home: Path) -> None:
    environ = fake_claude(home)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    ok("connect", "claude-code", home=home, environ=environ)
    path = home / ".skillclaw/run/proxy.json"
    held = json.loads(path.read_text("utf-8"))
    held["upstreams"]["claude-code"] = GATEWAY
    path.write_text(json.dumps(held), "utf-8")
    assert wait_for(lambda: forwards(home) == USUAL)


@pytest.mark.slow
def test_what_still_runs_after_disconnect_goes_on_where_it_went(
    home: Path, provider: Upstream, gateway: Upstream
) -> None:
    environ = fake_claude(home)
    goose(home)
    usual = {**environ, "ANTHROPIC_BASE_URL": provider.url}
    port = ok_json("up", "-d", "--port", "0", home=home, environ=usual)["port"]
    ok("connect", "claude-code", home=home, environ={**environ, "ANTHROPIC_BASE_URL": gateway.url})
    ok("connect", "goose", home=home, environ=usual)
    ok("disconnect", "claude-code", home=home, environ=usual)
    ok("config", "set", "agents.pi.upstream", OTHER, home=home, environ=usual)
    assert wait_for(lambda: forwards(home, "pi") == OTHER), "the daemon looked again"
    assert forwards(home, "goose") == "https://api.openai.com"
    ask(port, "gateway-key")
    assert went(provider, gateway) == ([], ["gateway-key"])
    ok("connect", "claude-code", home=home, environ=usual)
    assert forwards(home) == provider.url


def test_run_says_that_settings_of_the_agent_win(home: Path) -> None:
    environ = {**fake_claude(home), "GEMINI_API_KEY": "a-key"}
    path = home / ".gemini/settings.json"
    path.parent.mkdir()
    path.write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}', "utf-8")
    (home / "bin/gemini").write_text('#!/bin/sh\necho "began"\n', "utf-8")
    (home / "bin/gemini").chmod(0o755)
    ok("up", "-d", "--port", "0", home=home, environ=environ)
    ok("connect", "gemini-cli", home=home, environ=environ)
    assert "began" in ok("run", "gemini-cli", home=home, environ=environ)
    there = {**environ, "GOOGLE_GEMINI_BASE_URL": GATEWAY}
    assert "Use: skillclaw connect gemini-cli" in fails("run", "gemini-cli", home=home, environ=there)
