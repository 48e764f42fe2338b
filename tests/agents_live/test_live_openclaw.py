"""OpenClaw, as its users have it: alone in each protocol, and through its gateway with a sub-agent."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cli import ok, ok_json
from clients import Person
from live import Client, Live, environ_of, prove, said, start
from scripted import Script, Seen, Shell, Tool, Upstream

CLIENT = Client(name="openclaw", version="2026.9.6", package="openclaw", node="24")
PATHS = {"openai-completions": "/v1", "openai-responses": "/v1", "anthropic-messages": ""}
OFFLINE = {"OPENCLAW_OFFLINE": "1", "OPENCLAW_SKIP_CHANNELS": "1", "NO_COLOR": "1"}
SETTINGS = """// what the office runs
{{
  agents: {{ defaults: {{
    model: {{ primary: 'office/scripted' }}, workspace: '{project}', skipBootstrap: true,
  }} }},
  gateway: {{ mode: 'local', port: {port}, bind: 'loopback', auth: {{ mode: 'none' }} }},
  models: {{ providers: {{ office: {{
    baseUrl: '{url}', apiKey: 'own-key-0123', api: '{protocol}', // ours
    models: [ {{ id: 'scripted', name: 'Scripted', contextWindow: 128000, maxTokens: 8192 }}, ],
  }} }} }},
}}
"""


def live(protocol: str) -> Live:
    def settings(person: Person, url: str) -> list[Path]:
        path = person.home / ".openclaw/openclaw.json"
        path.parent.mkdir(parents=True)
        told = {"project": person.project, "port": free_port(), "url": url + PATHS[protocol]}
        path.write_text(SETTINGS.format(**told, protocol=protocol), "utf-8")
        return [path]

    def run(person: Person, prompt: str, again: bool) -> None:
        start(person, made, ["openclaw", "agent", "--local", *turn(prompt)])

    made = Live(agent="openclaw", client=CLIENT, settings=settings, run=run, native=native, environ=OFFLINE)
    return made


def turn(prompt: str) -> list[str]:
    return ["--agent", "main", "--session-key", "agent:main:main", f"--message={prompt}", "--json"]


def native(seen: list[Seen]) -> str:
    """The id in the prompt's line, wherever the protocol has that."""
    texts = [one.body.decode() for one in seen if (one.json or {}).get("tools")]
    named = {text.partition("sessionId=")[2].partition(" ")[0] for text in texts}
    assert len(named) == 1, named
    return named.pop()


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.parametrize("protocol", PATHS)
def test_openclaw(protocol: str, tmp_path: Path) -> None:
    prove(live(protocol), tmp_path)


@contextmanager
def gateway(person: Person, made: Live) -> Iterator[None]:
    """Its gateway as a process of its own; it would take minutes to stop by itself."""
    log = person.home / "gateway.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(made.client.bin() / "openclaw"), "gateway", "run"],
            cwd=person.project,
            env=environ_of(person, made),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 120
        while b"http server listening" not in log.read_bytes():
            assert process.poll() is None and time.monotonic() < end, log.read_text("utf-8")[-3000:]
            time.sleep(0.5)
        yield
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)


def test_a_running_gateway_takes_the_change_and_a_sub_agent_is_in_its_session(tmp_path: Path) -> None:
    made = live("openai-completions")
    person = Person.make(tmp_path / "ada")
    environ = environ_of(person, made)
    spawn = {"id": "sessions_spawn", "args": {"task": "kindly do the counting-work", "label": "counter"}}
    scripts = {
        "now settled": Script(steps=(), final="The helper is done."),
        "helper-work": Script(steps=(Tool("tool_call", spawn), Tool("sessions_yield", {})), final="Waiting."),
        "counting-work": Script(steps=(Shell("echo three"),), final="Counted: three."),
    }
    with Upstream(scripts) as upstream:
        made.settings(person, upstream.url)
        with gateway(person, made):
            ok("up", "-d", "--port", "0", home=person.home, environ=environ)
            try:
                ok("connect", "openclaw", home=person.home, environ=environ)
                time.sleep(3)  # it looks at its settings when they have been quiet for a moment
                start(person, made, ["openclaw", "agent", *turn("please get the helper-work done")])
                end = time.monotonic() + 60
                while not any(b"done." in one.answer for one in upstream.seen):
                    assert time.monotonic() < end, [one.path for one in upstream.seen]
                    time.sleep(0.5)
            finally:
                ok("stop", home=person.home, environ=environ)
            ok("disconnect", "openclaw", home=person.home, environ=environ)
    rows = [row for row in ok_json("sessions", "list", home=person.home) if row["agent"] == "openclaw"]
    for _ in ("by the wire", "and by its history"):
        (shown,) = [ok_json("sessions", "show", row["id"], home=person.home) for row in rows]
        (child,) = shown["subagent_trajectories"]
        assert said(shown, "user", "helper-work") == 1 and said(shown, "agent", "The helper is done.") == 1
        assert said(child, "user", "kindly do the counting-work") == 1
        assert said(child, "agent", "Counted: three.") == 1
        calls = [call["function_name"] for step in shown["steps"] for call in step.get("tool_calls") or []]
        assert calls == ["sessions_spawn", "sessions_yield"]
        assert json.dumps(shown).count("echo three") == 1
        ok("import", "--agent", "openclaw", home=person.home, environ=environ)
        rows = [row for row in ok_json("sessions", "list", home=person.home) if row["agent"] == "openclaw"]
