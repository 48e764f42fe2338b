"""A file of the home that is damaged, or of a newer version: what needs it waits, and traffic goes on."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from cli import ok, ok_json, skillclaw
from scripted import Script, Upstream

pytestmark = pytest.mark.live

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def asked(port: int, agent: str) -> int:
    """The status of an exchange through the proxy."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{agent}/v1/chat/completions",
        json.dumps(HELLO).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer k"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("data", ['{"v": 99}', pytest.param("{{{", marks=pytest.mark.slow)])
@pytest.mark.parametrize("file", ["tokens.json", "connections.json", "library.json", "wanted.json"])
def test_up_serves_agents_whatever_file_it_cannot_read(tmp_path: Path, file: str, data: str) -> None:
    with Upstream({"hello": Script((), "hi")}) as model:
        for key, value in {
            "agents.generic.upstream": model.url,
            "upstreams.own.url": model.url,
            "agents.codex.upstream": "own",
            "agents.generic.inject": "true",
        }.items():
            ok("config", "set", key, value, home=tmp_path)
        (tmp_path / ".skillclaw" / file).write_text(data, "utf-8")
        port = ok_json("up", "-d", "--port", "0", home=tmp_path)["port"]
        try:
            assert asked(port, "generic") == 200
            # An agent with an upstream of its own is let in by its token alone; without tokens nobody is.
            assert asked(port, "codex") in (401, 403)
            assert (tmp_path / ".skillclaw" / file).read_text("utf-8") == data
        finally:
            # It ends all the same; that agents could not be put back by what cannot be read is told.
            stopped = skillclaw("stop", home=tmp_path)
            assert stopped.returncode == (file == "connections.json"), stopped.stderr
            assert not ok_json("status", home=tmp_path)["running"]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_while_the_proxy_cannot_start_again_no_agent_points_at_its_port(tmp_path: Path) -> None:
    settings = tmp_path / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text("{}", "utf-8")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/claude").write_text("#!/bin/sh\necho '2.1.197 (Claude Code)'\n", "utf-8")
    (tmp_path / "bin/claude").chmod(0o755)
    environ = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    state = ok_json("up", "-d", "--yes", "--port", "0", home=tmp_path, environ=environ)
    port = f"127.0.0.1:{state['port']}"
    config = tmp_path / ".skillclaw/config.toml"
    before = config.read_text("utf-8") if config.exists() else ""
    try:
        assert port in settings.read_text("utf-8")
        config.write_text("proxy = [[[", "utf-8")
        (proxy,) = psutil.Process(state["pid"]).children()
        os.kill(proxy.pid, signal.SIGKILL)
        until(lambda: port not in settings.read_text("utf-8"))
        config.write_text(before, "utf-8")
        until(lambda: port in settings.read_text("utf-8"))
        assert asked(state["port"], "claude-code") != 0
    finally:
        ok("stop", home=tmp_path)
    assert settings.read_text("utf-8") == "{}"
