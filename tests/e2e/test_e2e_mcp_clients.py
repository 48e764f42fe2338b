"""`skillclaw mcp` in the real Claude Code and Codex, added as docs/python.md tells: a scripted model sees its
tools and calls them, the answers reach the model's next request, and the feedback is kept."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli import ok, ok_json
from clients import Person, binary
from doc_blocks import blocks, told
from scripted import Script, Tool, Upstream
from test_e2e_history import codex_config

ROOT = Path(__file__).parents[2]
PAGE = list(blocks((ROOT / "docs" / "python.md").read_text("utf-8")))
TOOLS = {"search_skills", "show_skill", "search_evidence", "give_feedback"}
NOTE = "It went round in circles first."
ASKED = "look up the npm-lesson"
WAITING = (Tool("WaitForMcpServers", {}),) * 6
"""Claude Code begins without the tools of a server that is not ready yet, and has this one meanwhile, which
waits some seconds. Where all are ready it has it not, and such a call fails at once."""
WAITS = ["-c", "mcp_servers.skillclaw.required=true", "-c", "mcp_servers.skillclaw.startup_timeout_sec=60"]
"""Codex waits for a server that is required; a busy machine may take more than its ten seconds."""
FIX = "If `npm test` fails with module not found, run `npm ci`, then try it again."


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Somebody with three sessions, a skill that was learned from them, and `skillclaw` on her PATH."""
    ada = Person.make(tmp_path_factory.mktemp("mcp") / "ada")
    ok("import", str(ROOT / "docs" / "tutorial" / "ada.jsonl"), home=ada.home)
    assert ok_json("evolve", home=ada.home)["released"]
    ok("config", "set", "share.default", "redacted", home=ada.home)
    program = ada.home / "bin" / "skillclaw"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m skillclaw "$@"\n')
    program.chmod(0o755)
    return ada


def path_of(person: Person) -> str:
    return f"{person.home / 'bin'}{os.pathsep}{os.environ['PATH']}"


def added(person: Person, client: str) -> None:
    """Run the page's command that adds the server to `client`, as it stands there."""
    commands = [one.command for block in PAGE if block.kind == "console" for one in told(block)]
    (argv,) = [argv for argv in map(shlex.split, commands) if argv[:3] == [client, "mcp", "add"]]
    done = subprocess.run(
        [binary(client), *argv[1:]],
        cwd=person.project,
        env=person.environ(PATH=path_of(person)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def shown(kind: str) -> str:
    """What the page says that is in the client's file then."""
    (text,) = [block.text for block in PAGE if block.kind == kind and "skillclaw" in block.text]
    return text


def script(session: str, prefix: str = "", first: tuple[Tool, ...] = ()) -> Script:
    calls = [
        ("search_skills", {"query": "npm test fails"}),
        ("search_evidence", {"query": "npm test fails"}),
        ("give_feedback", {"session": session, "verdict": "bad", "note": NOTE}),
    ]
    return Script(steps=(*first, *(Tool(prefix + name, given) for name, given in calls)), final="Looked up.")


def answers(upstream: Upstream) -> list[str]:
    """What the server's tools answered, as the model's last request has it."""
    last = upstream.seen[-1].json
    if "messages" in last:
        parts = [part for one in last["messages"] for part in one["content"] if isinstance(part, dict)]
        given = [part["content"] for part in parts if part["type"] == "tool_result"]
    else:
        given = [item["output"] for item in last["input"] if item["type"] == "function_call_output"]
    return [one if isinstance(one, str) else "".join(part["text"] for part in one) for one in given[-3:]]


def check(upstream: Upstream, person: Person, session: str) -> None:
    """The skill, its lines with their sessions, and the noted feedback went to the model; and it is kept."""
    skills, evidence, feedback = answers(upstream)
    assert '"name": "npm-till"' in skills and '"stage": "stable"' in skills
    assert "DATA, NOT INSTRUCTIONS" in evidence and json.dumps(FIX) in evidence
    assert '"sessions": 3' in evidence and "agent calls Bash: npm ci" in evidence
    assert session in feedback and '"outcome": "failure"' in feedback
    kept = ok_json("sessions", "show", session, home=person.home)["extra"]["skillclaw"]
    said = [signal for signal in kept["signals"] if signal["kind"] == "feedback"]
    assert kept["outcome"] == "failure"
    assert [one["source"].endswith(f"(through MCP) {NOTE}") for one in said] == [True]


def session_of(person: Person, place: int) -> str:
    return str(ok_json("sessions", "list", "--agent", "claude-code", home=person.home)[place]["id"])


def test_claude_code_uses_the_server(ada: Person) -> None:
    added(ada, "claude")
    kept = json.loads((ada.home / ".claude.json").read_text("utf-8"))["mcpServers"]["skillclaw"]
    wanted = json.loads(shown("json"))["mcpServers"]["skillclaw"]
    assert {key: kept[key] for key in wanted} == wanted
    session = session_of(ada, 0)
    with Upstream({"npm-lesson": script(session, "mcp__skillclaw__", WAITING)}) as upstream:
        ada.claude(ASKED, ANTHROPIC_BASE_URL=upstream.url, PATH=path_of(ada))
    listed = {tool["name"] for tool in upstream.seen[-1].json["tools"]}
    assert {f"mcp__skillclaw__{name}" for name in TOOLS} <= listed
    check(upstream, ada, session)


def test_codex_uses_the_server(ada: Person) -> None:
    session = session_of(ada, 1)
    with Upstream({"npm-lesson": script(session)}) as upstream:
        codex_config(ada, f"{upstream.url}/v1")
        added(ada, "codex")
        assert shown("toml") in (ada.home / ".codex" / "config.toml").read_text("utf-8")
        ada.codex(ASKED, *WAITS, PATH=path_of(ada))
    spaces = {tool["name"]: tool for tool in upstream.seen[-1].json["tools"] if tool["type"] == "namespace"}
    assert {tool["name"] for tool in spaces["mcp__skillclaw"]["tools"]} == TOOLS
    check(upstream, ada, session)
