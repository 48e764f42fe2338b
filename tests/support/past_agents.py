"""A person's machine as agents left it: programs on PATH, settings, skills, and histories of the last weeks,
in the shapes that Claude Code and Codex write."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from atif_sessions import Ran

MENDED = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)
SHIPPED = (
    Ran("git fetch origin", 0, ""),
    Ran("make build", 0, "built"),
    Ran("make deploy", 0, "deployed"),
)


def programs(home: Path, **versions: str) -> dict[str, str]:
    """The environment of a machine on which these programs, and no others, tell these versions."""
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    for name, version in versions.items():
        (folder / name).write_text(f"#!/bin/sh\necho '{version}'\n", "utf-8")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def claude(
    home: Path,
    number: int,
    *said: str | Sequence[Ran],
    days_ago: float = 3.0,
    listed: Sequence[str] = (),
    opened: str = "",
) -> Path:
    """One session of Claude Code: what was said to it, and what it ran, in turn; `listed` skills were offered
    and `opened` was loaded."""
    when = datetime.now(UTC) - timedelta(days=days_ago)
    session = str(uuid.uuid5(uuid.NAMESPACE_URL, f"claude {number}"))
    common = {"sessionId": session, "cwd": "/srv/shop", "version": "2.1.197", "gitBranch": "main"}
    events: list[dict[str, Any]] = []

    def add(kind: str, **fields: Any) -> None:
        moment = when + timedelta(seconds=5 * len(events))
        events.append(
            {
                "type": kind,
                "uuid": f"u{len(events)}",
                "parentUuid": f"u{len(events) - 1}" if events else None,
                "isSidechain": False,
                "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                **common,
                **fields,
            }
        )

    def does(block: dict[str, Any], result: str, error: bool = False) -> None:
        call = f"t{len(events)}"
        content: list[dict[str, Any]] = [{**block, "id": call}]
        if block["type"] == "text":
            content = [block]
        message = {"id": f"m{len(events)}", "role": "assistant", "model": "claude-x", "content": content}
        add("assistant", message=message)
        if block["type"] == "tool_use":
            answer = {"type": "tool_result", "tool_use_id": call, "content": result, "is_error": error}
            add("user", message={"role": "user", "content": [answer]})

    if listed:
        names = list(listed)
        text = "\n".join(f"- {name}: it" for name in names)
        add("attachment", attachment={"type": "skill_listing", "content": text, "names": names})
    for turn in said:
        if isinstance(turn, str):
            add("user", message={"role": "user", "content": turn})
            if opened and turn == said[0]:
                does(_use("Skill", skill=opened), f"Launching skill: {opened}")
            continue
        for ran in turn:
            failed = ran.exit_code != 0
            text = f"Exit code {ran.exit_code}\n{ran.output}" if failed else ran.output
            does(_use("Bash", command=ran.command), text, failed)
        does({"type": "text", "text": "Done."}, "")
    return _written(home / ".claude/projects/-srv-shop" / f"{session}.jsonl", events, when)


def codex(home: Path, number: int, asked: str, ran: Sequence[Ran], *, days_ago: float = 3.0) -> Path:
    """One rollout of Codex."""
    when = datetime.now(UTC) - timedelta(days=days_ago)
    thread = str(uuid.uuid5(uuid.NAMESPACE_URL, f"codex {number}"))
    events: list[dict[str, Any]] = []

    def line(kind: str, payload: dict[str, Any]) -> None:
        moment = when + timedelta(seconds=5 * len(events))
        stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        events.append({"timestamp": stamp, "type": kind, "payload": payload})

    def says(role: str, text: str) -> None:
        kind = "output_text" if role == "assistant" else "input_text"
        line(
            "response_item",
            {"type": "message", "role": role, "content": [{"type": kind, "text": text}]},
        )

    first = {"id": thread, "session_id": thread, "cwd": "/srv/shop", "cli_version": "0.169.0"}
    line("session_meta", {**first, "source": "cli", "timestamp": when.isoformat()})
    line("turn_context", {"model": "gpt-x", "effort": "medium", "cwd": "/srv/shop"})
    says("user", asked)
    for place, one in enumerate(ran):
        call = {"name": "exec_command", "arguments": json.dumps({"cmd": one.command}), "call_id": f"c{place}"}
        line("response_item", {"type": "function_call", **call})
        text = f"Process exited with code {one.exit_code}\nOutput:\n{one.output}"
        line("response_item", {"type": "function_call_output", "call_id": f"c{place}", "output": text})
    says("assistant", "Done.")
    day = when.strftime("%Y/%m/%d")
    name = f"rollout-{when.strftime('%Y-%m-%dT%H-%M-%S')}-{thread}.jsonl"
    return _written(home / ".codex/sessions" / day / name, events, when)


def skill(home: Path, name: str, description: str, folder: str = ".claude/skills") -> Path:
    """A skill of the person's own."""
    place = home / folder / name
    place.mkdir(parents=True)
    body = f"---\nname: {name}\ndescription: {description}\n---\n\n# {name}\n\nDo it with care, as written.\n"
    (place / "SKILL.md").write_text(body, "utf-8")
    return place


def machine(home: Path) -> dict[str, str]:
    """Claude Code and Codex as somebody used them for weeks; what is to be set in the environment."""
    environ = programs(home, claude="2.1.197 (Claude Code)", codex="codex-cli 0.169.0")
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"model": "opus"}\n', "utf-8")
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text('# mine\nmodel = "gpt-x"\n', "utf-8")
    skill(home, "pdf-forms", "Fill in forms of PDF files, with fields, signatures and dates.")
    skill(home, "release-notes", "Write release notes from the commits since the last tag.")
    for n in range(5):
        claude(
            home,
            n,
            "run the test-suite of this project",
            MENDED,
            days_ago=2 + n,
            listed=("pdf-forms", "release-notes"),
            opened="release-notes" if n == 0 else "",
        )
    for n in range(5, 9):
        wrong = [Ran(f"seek find report{n}", 0, "2 found")]
        right = [Ran(f"seek find report{n} --shop north", 0, "1 found")]
        claude(
            home,
            n,
            f"look up report {n} for me",
            wrong,
            "No, seek needs --shop north here, always.",
            right,
            "thanks, that is right",
            [],
            days_ago=1 + n,
        )
    for n in range(4):
        codex(home, n, "please ship the current state to staging", SHIPPED, days_ago=4 + n)
    claude(home, 90, "an old question", [Ran("ls", 0, "a")], days_ago=70)
    return environ


def _use(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": arguments}


def _written(path: Path, events: Sequence[dict[str, Any]], when: datetime) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    os.utime(path, (when.timestamp(), when.timestamp()))
    return path
