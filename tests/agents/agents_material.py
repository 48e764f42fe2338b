"""Small hand-made histories in the shapes that the real clients write, for the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skillclaw.agents import Adapter, Env, HistoryFile, HistoryRead

SESSION = "11111111-2222-4333-8444-555555555555"
THREAD = "019b0000-0000-7000-8000-000000000001"
CHILD = "019b0000-0000-7000-8000-000000000002"


def make_env(tmp_path: Path, **environ: str) -> Env:
    home = tmp_path / "user"
    home.mkdir(exist_ok=True)
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return Env(home=home, environ={"PATH": "", **environ}, cwd=work)


def write_lines(path: Path, events: list[Any], end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(event) for event in events) + end, encoding="utf-8")
    return path


class Claude:
    """Events of one Claude Code session, each the child of the one before unless told otherwise."""

    def __init__(self, session: str = SESSION, cwd: str = "/srv/shop", **common: Any) -> None:
        self.common = {"sessionId": session, "cwd": cwd, "version": "2.1.197", "gitBranch": "main", **common}
        self.events: list[dict[str, Any]] = []
        self.last: str | None = None
        self.count = 0

    def add(self, kind: str, *, parent: str | None = "", **fields: Any) -> str:
        self.count += 1
        uuid = f"u{self.count}"
        event = {
            "type": kind,
            "uuid": uuid,
            "parentUuid": self.last if parent == "" else parent,
            "isSidechain": False,
            "timestamp": f"2026-03-01T10:00:{self.count:02d}.000Z",
            **self.common,
            **fields,
        }
        self.events.append(event)
        self.last = uuid
        return uuid

    def user(self, content: Any, **fields: Any) -> str:
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def said(self, message_id: str, *blocks: dict[str, Any], **fields: Any) -> str:
        usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 1}
        message = {
            "id": message_id,
            "role": "assistant",
            "model": "claude-x",
            "content": list(blocks),
            "usage": {**usage, "output_tokens": 7},
        }
        return self.add("assistant", message=message, **fields)

    def result(self, call: str, content: Any, *, error: bool = False, **fields: Any) -> str:
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call, "content": content}
        if error:
            block["is_error"] = True
        return self.user([block], **fields)

    def save(self, env: Env, end: str = "\n") -> Path:
        session = self.common["sessionId"]
        return write_lines(env.home / ".claude/projects/-srv-shop" / f"{session}.jsonl", self.events, end)


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def use(call: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


class Codex:
    """Lines of one Codex rollout."""

    def __init__(self, thread: str = THREAD, **meta: Any) -> None:
        self.thread = thread
        self.events: list[dict[str, Any]] = []
        self.line(
            "session_meta",
            {
                "id": thread,
                "session_id": thread,
                "timestamp": "2026-03-01T10:00:00.000Z",
                "cwd": "/srv/shop",
                "cli_version": "0.169.0",
                "source": "exec",
                "git": {"branch": "main"},
                **meta,
            },
        )
        self.line("turn_context", {"model": "gpt-x", "effort": "medium", "cwd": "/srv/shop"})

    def line(self, kind: str, payload: dict[str, Any], **fields: Any) -> None:
        stamp = f"2026-03-01T10:00:{len(self.events) % 60:02d}.000Z"
        self.events.append({"timestamp": stamp, "type": kind, "payload": payload, **fields})

    def item(self, **payload: Any) -> None:
        self.line("response_item", payload)

    def event(self, **payload: Any) -> None:
        self.line("event_msg", payload)

    def says(self, role: str, value: str) -> None:
        kind = "output_text" if role == "assistant" else "input_text"
        self.item(type="message", role=role, content=[{"type": kind, "text": value}])

    def call(self, call_id: str, name: str, arguments: Any) -> None:
        self.item(type="function_call", name=name, arguments=json.dumps(arguments), call_id=call_id)

    def output(self, call_id: str, output: Any) -> None:
        self.item(type="function_call_output", call_id=call_id, output=output)

    def path(self, env: Env) -> Path:
        return env.home / ".codex/sessions/2026/03/01" / f"rollout-2026-03-01T10-00-00-{self.thread}.jsonl"

    def save(self, env: Env, end: str = "\n") -> Path:
        return write_lines(self.path(env), self.events, end)


def read_one(adapter: Adapter, path: Path, env: Env) -> HistoryRead:
    """The one session in a file."""
    return adapter.read_history(HistoryFile(path=path, size=0, mtime=0.0), env)
