"""Claude Code, as its users have it."""

from __future__ import annotations

import json
from pathlib import Path

from clients import Person
from live import Client, Live, prove, start
from scripted import Seen

CLIENT = Client(name="claude-code", version="2.1.197", package="@anthropic-ai/claude-code")


def settings(person: Person, url: str) -> list[Path]:
    path = person.home / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"model": "sonnet", "env": {"ANTHROPIC_BASE_URL": url}}, indent=2), "utf-8")
    return [path]


def run(person: Person, prompt: str, again: bool) -> None:
    more = ["-c"] if again else []
    start(person, LIVE, ["claude", "-p", prompt, "--dangerously-skip-permissions", *more])


def native(seen: list[Seen]) -> str:
    return seen[-1].header("x-claude-code-session-id")


LIVE = Live(
    agent="claude-code", client=CLIENT, settings=settings, run=run, native=native, skill="invoked_step"
)


def test_claude_code(tmp_path: Path) -> None:
    prove(LIVE, tmp_path)
