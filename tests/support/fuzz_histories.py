"""Histories of every agent as the fuzz targets take them: those of the samples, and a place to harm them."""

from __future__ import annotations

import atexit
import json
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import atif

from skillclaw.agents import Adapter, Env, HistoryFile, adapters, read_atif, sniff
from skillclaw.agents.history.lines import json_value
from skillclaw.errors import SkillClawError
from skillclaw.journal.store_file import started_at
from skillclaw.trajectory.model import Trajectory, decode, encode, meta, result_meta, step_meta
from skillclaw.trajectory.render import transcript

__all__ = ["DATABASES", "LINES", "TREES", "checked", "events", "read_all", "scratch", "serialized", "tree"]

AGENTS = Path(__file__).parents[1] / "agents"
SAMPLES = AGENTS / "samples"
if str(AGENTS) not in sys.path:
    sys.path.append(str(AGENTS))

LINES = {
    "claude-code": (".claude/projects/-srv-shop/s.jsonl", ""),
    "codex": (".codex/sessions/2026/03/01/rollout-2026-03-01T10-00-00-x.jsonl", ""),
    "copilot": (".copilot/session-state/s/events.jsonl", "copilot/events.jsonl"),
    "gemini-cli": (
        ".gemini/tmp/proj/chats/session-2026-11-26T08-52-37227c0d.jsonl",
        "gemini-cli/tmp/proj/chats/session-2026-11-26T08-52-37227c0d.jsonl",
    ),
    "nanobot": (
        ".nanobot/sessions/0/x.jsonl",
        "nanobot/sessions/ca11afa160e65affc61e2958d111ab80/Y2xpOmRpcmVjdA.jsonl",
    ),
    "openclaw": (".openclaw/agents/main/sessions/s.jsonl", "pi/*_01a216f6-74e7-*.jsonl"),
    "pi": (".pi/agent/sessions/--srv--/s.jsonl", "pi/*_01a216f6-6f70-*.jsonl"),
    "picoclaw": (".picoclaw/workspace/sessions/x.jsonl", ""),
    "qwen-code": (
        ".qwen/projects/-home-dev-proj/chats/cec39b3c-91df-4ea0-a3f2-eb6bfdc2d978.jsonl",
        "qwen-code/projects/-home-dev-proj/chats/*.jsonl",
    ),
}
"""Agents whose session is a file of JSON lines: where it lies, and the sample that it begins as."""

TREES = {
    "cline": (
        "cline/sessions/1795683394559_qpn8f",
        ".cline/data/sessions/1795683394559_qpn8f",
        "1795683394559_qpn8f.messages.json",
    ),
    "openhands": (
        "openhands/conversations/e64786d7ac004c178a04412d5ee71c7c",
        ".openhands/conversations/e64786d7ac004c178a04412d5ee71c7c",
        "base_state.json",
    ),
    "opencode": ("", ".local/share/opencode/storage", ""),
    "qwenpaw": ("qwenpaw", ".qwenpaw/workspaces/default/sessions/console", "ada_s1.json"),
}
"""Agents whose session is several JSON files: the sample, where it lies, and the file that is opened."""

DATABASES = {
    "crush": ".crush/crush.db",
    "goose": ".local/share/goose/sessions/sessions.db",
    "hermes": ".hermes/state.db",
    "openclaw": ".openclaw/agents/main/agent/openclaw-agent.sqlite",
    "opencode": ".local/share/opencode/opencode.db",
    "qwenpaw": ".qwenpaw/workspaces/default/history.db",
}
"""Agents whose sessions are in a database, and where it lies."""
SCRIPTS = {
    "hermes": "hermes/state.sql",
    "openclaw": "openclaw/agent.sql",
    "opencode": "opencode/sessions.sql",
    "qwenpaw": "qwenpaw/history.sql",
}


@cache
def scratch() -> Path:
    """A folder of this process, gone with it."""
    made = Path(tempfile.mkdtemp(prefix="skillclaw-fuzz-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def tree() -> Env:
    """A user without any file."""
    root = scratch() / "user"
    shutil.rmtree(root, ignore_errors=True)
    (root / "home").mkdir(parents=True)
    (root / "work").mkdir()
    return Env(home=root / "home", environ={"PATH": ""}, cwd=root / "work")


@cache
def events(agent: str) -> list[Any]:
    """The lines of a session of an agent of `LINES`."""
    if agent in ("claude-code", "codex"):
        from test_agents_fuzz import claude_events, codex_events

        return claude_events() if agent == "claude-code" else codex_events()
    if agent == "picoclaw":
        call = {"id": "c", "function": {"name": "exec", "arguments": '{"command": "cat s/SKILL.md"}'}}
        return [
            {"role": "user", "content": "go", "content_parts": [{"type": "text", "text": "go"}]},
            {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_content": "hm"},
            {"role": "tool", "tool_call_id": "c", "content": "x\nExit code: exit status 1"},
        ]
    (path,) = SAMPLES.glob(LINES[agent][1])
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@cache
def files(agent: str) -> dict[str, Any]:
    """The files of a session of an agent of `TREES`, by their path from where it lies."""
    if agent == "opencode":
        held: dict[str, Any] = json.loads((SAMPLES / "opencode/storage.json").read_text("utf-8"))
        return held
    root = SAMPLES / TREES[agent][0]
    found = sorted(path for path in root.rglob("*.json"))
    return {path.relative_to(root).as_posix(): json.loads(path.read_text("utf-8")) for path in found}


@cache
def serialized(agent: str) -> bytes:
    """The bytes of a database of an agent of `DATABASES`."""
    path = scratch() / f"{agent}.db"
    if agent in SCRIPTS:
        db = sqlite3.connect(path)
        db.executescript((SAMPLES / SCRIPTS[agent]).read_text("utf-8"))
        db.close()
    elif agent == "crush":
        from test_agents_crush import database

        database(path)
    else:
        from test_agents_goose import database as of_goose

        of_goose(tree(), path)
    return path.read_bytes()


def read_all(agent: str, env: Env, path: Path) -> Iterator[Trajectory]:
    """All that the adapter makes of a file, by every door. What it refuses with a word is left out."""
    adapter = adapters()[agent]
    try:
        sniff(path)
    except SkillClawError as error:
        assert error.what
    known = _first_values(path)
    for one in adapters().values():
        one.recognises(path, known)  # `sniff` would only log what it raises
    found = {file.key: file for file in adapter.histories(env)}
    found |= {file.key: file for file in _told(adapter, path, env)}
    found[str(path)] = HistoryFile(path=path, size=1, mtime=1.0)
    for file in found.values():
        try:
            made = adapter.read_history(file, env)
        except SkillClawError as error:
            assert error.what
            continue
        assert all(isinstance(n, int) and n > 0 and len(why) < 200 for why, n in made.skipped.items())
        if made.trajectory is not None:
            yield made.trajectory


def _first_values(path: Path) -> list[Any]:
    found = []
    for line in path.read_bytes().split(b"\n")[:20]:
        try:
            value = json_value(line)
        except SkillClawError:
            continue
        found += value[:20] if isinstance(value, list) else [value]
    return [value for value in found if isinstance(value, dict)]


def _told(adapter: Adapter, path: Path, env: Env) -> list[HistoryFile]:
    try:
        return adapter.histories_in(path, env)
    except SkillClawError as error:
        assert error.what
        return []


def checked(found: Trajectory) -> None:
    """It is ATIF, its own form gives it back, and what is read of it later can be read."""
    data = encode(found)
    assert decode(data) == found
    try:
        atif.Trajectory.model_validate_json(data)
    except ValueError as error:  # values nested deeper than the judge reads
        assert "recursion limit exceeded" in str(error)
    meta(found)
    for step in found.steps:
        step_meta(step)
        for result in step.observation.results if step.observation else []:
            result_meta(result)
    transcript(found)
    assert re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?", started_at(found))


def atif_of(path: Path) -> Iterator[Trajectory]:
    """The sessions of an ATIF file."""
    try:
        for item in read_atif(path):
            assert (item.trajectory is None) == bool(item.reason)
            if item.trajectory is not None:
                yield item.trajectory
    except SkillClawError as error:
        assert error.what
