"""SkillClaw's own sessions are left out by the folder that they say, not by how theirs is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents_material import SESSION, Claude, make_env, write_lines

from skillclaw.agents import adapters


@pytest.mark.parametrize(
    ("cwd", "listed"),
    [("data", False), ("data/below", False), ("data-pipeline", True), ("data/../data-pipeline", True)],
)
def test_claude_code(tmp_path: Path, cwd: str, listed: bool) -> None:
    env = make_env(tmp_path, SKILLCLAW_HOME=str(tmp_path / "data"))
    claude = Claude(cwd=str(tmp_path / cwd).replace("data/../", ""))
    claude.add("user", message={"role": "user", "content": "hello"})
    folder = "".join(c if c.isalnum() else "-" for c in str(tmp_path / cwd))
    path = env.home / ".claude/projects" / folder / f"{SESSION}.jsonl"
    write_lines(path, [{"type": "summary", "summary": "x", "leafUuid": "l"}, *claude.events])
    agent = adapters()["claude-code"]
    found = agent.histories(env)
    assert [file.path for file in found] == ([path] if listed else [])


@pytest.mark.parametrize(("cwd", "listed"), [("data", False), ("data/below", False), ("data-pipeline", True)])
def test_pi(tmp_path: Path, cwd: str, listed: bool) -> None:
    env = make_env(tmp_path, SKILLCLAW_HOME=str(tmp_path / "data"))
    named = "--" + str(tmp_path / cwd).strip("/").replace("/", "-") + "--"
    path = env.home / ".pi/agent/sessions" / named / f"2026-01-01T00-00-00_{SESSION}.jsonl"
    header = {
        "type": "session",
        "id": SESSION,
        "timestamp": "2026-01-01T00:00:00Z",
        "cwd": str(tmp_path / cwd),
    }
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(header) + "\n", "utf-8")
    found = adapters()["pi"].histories(env)
    assert [file.path for file in found] == ([path] if listed else [])
