"""A person's machine on which two agents have worked for weeks, made from real sessions.

Sessions are those of `bench.multiply`, written down as Claude Code and Codex write theirs, so that whoever
finds and imports them does all of the work that real histories make. Some have about 200 steps with long
outputs, as many as it takes for the size that is asked for: histories of agents are few large files among
many small ones.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from skillclaw.bench.multiply import multiplied, read_real
from skillclaw.trajectory.model import Result, Step, Trajectory, result_meta, text_of

__all__ = ["Past", "past_machine"]

DAYS = 29.0
"""Over which the sessions are spread, the last one half a day ago: all within the days that `up` imports."""
PAUSE = timedelta(seconds=5)
"""Between two events of a session."""
PROGRAMS = {"claude": "2.1.197 (Claude Code)", "codex": "codex-cli 0.169.0"}
"""What stands for the agents on PATH: programs that tell the version whose files these are, at once."""
PLACE = "/srv/desk"
"""The folder that the sessions say they were in."""
_SPACE = uuid.UUID("6d2f2c3e-3c5a-4f43-9a53-5d2a86a0b8c1")
Progress = Callable[[int, int | None, str], None]
_Stamps = Iterator[str]


class Past(NamedTuple):
    """What was made: sessions by agent, and the bytes of their files."""

    agents: dict[str, int]
    bytes: int


def past_machine(user: Path, *, sessions: int, megabytes: float, progress: Progress) -> Past:
    """Programs (`bin`), settings and histories of the last month in the home folder `user`.

    Every third session is Codex's. The size is reached where the sessions can: it is never less than short
    ones take, and some hundred kilobytes more than asked for at the most.
    """
    _programs(user / "bin")
    _settings(user)
    real = read_real(None)
    usual = multiplied(real, sessions, seed=0)
    lengthy = multiplied(real, sessions, seed=0, long_share=1.0)
    newest = datetime.now(UTC) - timedelta(days=0.5)
    written, counts = 0, Counter[str]()
    for number in range(sessions):
        behind = written < megabytes * 1e6 * number / sessions
        session = next(lengthy if behind else usual)
        when = newest - timedelta(days=DAYS * (sessions - 1 - number) / sessions)
        agent, write = ("codex", _codex) if number % 3 == 2 else ("claude-code", _claude)
        written += write(user, str(uuid.uuid5(_SPACE, str(number))), session, when)
        counts[agent] += 1
        if number % 50 == 0:
            progress(number, sessions, "histories")
    return Past(dict(sorted(counts.items())), written)


def _programs(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, version in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\necho '{version}'\n", "utf-8")
        (folder / name).chmod(0o755)


def _settings(user: Path) -> None:
    for path, text in ((".claude/settings.json", "{}\n"), (".codex/config.toml", 'model = "model-a"\n')):
        (user / path).parent.mkdir(parents=True)
        (user / path).write_text(text, "utf-8")


def _claude(user: Path, ident: str, session: Trajectory, when: datetime) -> int:
    stamps, events = _stamps(when), list[dict[str, Any]]()

    def add(kind: str, message: dict[str, Any]) -> None:
        here = {"sessionId": ident, "cwd": PLACE, "version": "2.1.197", "isSidechain": False}
        parent = f"e{len(events) - 1}" if events else None
        chain = {"uuid": f"e{len(events)}", "parentUuid": parent, "timestamp": next(stamps)}
        events.append({"type": kind, **here, **chain, "message": message})

    for step in session.steps:
        if step.source == "user":
            add("user", {"role": "user", "content": text_of(step.message)})
        elif step.source == "agent":
            said = text_of(step.message)
            blocks: list[dict[str, Any]] = [{"type": "text", "text": said}] if said else []
            blocks += [
                {"type": "tool_use", "id": _own(step, call), "name": name, "input": arguments}
                for call, name, arguments in _calls(step)
            ]
            head = {"id": f"m{len(events)}", "role": "assistant", "model": step.model_name or "model-a"}
            add("assistant", {**head, "content": blocks})
            for result in _results(step):
                answer = {
                    "type": "tool_result",
                    "tool_use_id": _own(step, result.source_call_id or ""),
                    "content": text_of(result.content or ""),
                    "is_error": result_meta(result).is_error is True,
                }
                add("user", {"role": "user", "content": [answer]})
    return _written(user / ".claude/projects/-srv-desk" / f"{ident}.jsonl", events, when)


def _codex(user: Path, ident: str, session: Trajectory, when: datetime) -> int:
    stamps, events = _stamps(when), list[dict[str, Any]]()

    def add(kind: str, payload: dict[str, Any]) -> None:
        events.append({"timestamp": next(stamps), "type": kind, "payload": payload})

    def says(role: str, kind: str, text: str) -> None:
        content = [{"type": kind, "text": text}]
        add("response_item", {"type": "message", "role": role, "content": content})

    add("session_meta", {"id": ident, "cwd": PLACE, "cli_version": "0.169.0", "timestamp": when.isoformat()})
    add("turn_context", {"model": "model-a", "cwd": PLACE})
    for step in session.steps:
        if step.source == "user":
            says("user", "input_text", text_of(step.message))
        elif step.source == "agent":
            if text := text_of(step.message):
                says("assistant", "output_text", text)
            for call, name, arguments in _calls(step):
                told = {"name": name, "arguments": json.dumps(arguments), "call_id": _own(step, call)}
                add("response_item", {"type": "function_call", **told})
            for result in _results(step):
                about = {"call_id": _own(step, result.source_call_id or "")}
                output = text_of(result.content or "")
                add("response_item", {"type": "function_call_output", **about, "output": output})
    name = f"rollout-{when.strftime('%Y-%m-%dT%H-%M-%S')}-{ident}.jsonl"
    return _written(user / ".codex/sessions" / when.strftime("%Y/%m/%d") / name, events, when)


def _calls(step: Step) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for call in step.tool_calls or []:
        yield call.tool_call_id, call.function_name, call.arguments


def _results(step: Step) -> list[Result]:
    return step.observation.results if step.observation else []


def _own(step: Step, call: str) -> str:
    """An id that no other step of the session has: sessions that were put together repeat theirs."""
    return f"{call}-{step.step_id}"


def _stamps(when: datetime) -> _Stamps:
    while True:
        yield when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        when += PAUSE


def _written(path: Path, events: list[dict[str, Any]], when: datetime) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()
    path.write_bytes(data)
    os.utime(path, (when.timestamp(), when.timestamp()))
    return len(data)
