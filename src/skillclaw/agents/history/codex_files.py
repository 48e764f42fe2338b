"""The lines and files of Codex's history: which there are and where they lie.

See `codex` for the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.steps import as_str, image_part
from skillclaw.errors import SkillClawError
from skillclaw.trajectory.model import Part

__all__ = ["ITEMS", "LINES", "files_of", "head", "looks_like", "parts_of", "root_of", "texts_of", "thread_of"]

ITEMS = frozenset(
    {
        "message", "reasoning", "function_call", "function_call_output", "custom_tool_call",
        "custom_tool_call_output", "local_shell_call", "web_search_call", "image_generation_call",
        "tool_search_call", "tool_search_output", "ghost_snapshot", "compaction", "compaction_summary",
        "context_compaction", "compaction_trigger", "other",
    }
)  # fmt: skip
LINES = frozenset(
    {
        "session_meta", "turn_context", "response_item", "event_msg", "compacted", "world_state",
        "token_usage_record", "session_state", "inter_agent_communication",
    }
)  # fmt: skip
_ID = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl(?:\.zst|\.gz)?$")
_SHORT_HEAD = 4096
_LONG_HEAD = 16 * 1024 * 1024
"""Bytes that hold the session's facts nearly always (20 kB of instructions follow) and always."""
_INSTRUCTIONS = re.compile(rb',\s*"base_instructions"\s*:')


def _value(data: bytes) -> Any:
    try:
        return lines.json_value(data)
    except SkillClawError:
        return None


def looks_like(value: dict[str, Any]) -> bool:
    """True for an object that is a line of a Codex rollout."""
    if as_str(value.get("type")) in LINES and isinstance(value.get("payload"), dict):
        return True
    return isinstance(value.get("id"), str) and "instructions" in value and "timestamp" in value


def head(path: Path) -> tuple[str, str, str]:
    """(thread id, id of the root session, working folder) from the first line, without reading the rest.

    The root id differs from the thread id for a sub-agent; all are empty for what is no rollout.
    """
    try:
        start = lines.beginning(path, _SHORT_HEAD)
        cut = _INSTRUCTIONS.search(start)
        value = _value(start[: cut.start()] + b"}}") if cut else None
        if not (
            isinstance(value, dict)
            and isinstance(value.get("payload"), dict)
            and "source" in value["payload"]
        ):
            value = lines.json_value(lines.beginning(path, _LONG_HEAD).partition(b"\n")[0])
    except SkillClawError:
        return "", "", ""
    if not isinstance(value, dict):
        return "", "", ""
    payload = value.get("payload")
    meta = payload if isinstance(payload, dict) else value
    thread = as_str(meta.get("id"))
    return thread, root_of(meta), as_str(meta.get("cwd"))


def root_of(meta: dict[str, Any]) -> str:
    """The id of the session that this thread belongs to; its own, unless it is a sub-agent."""
    thread = as_str(meta.get("id"))
    source = meta.get("source")
    delegated = source.get("subagent") if isinstance(source, dict) else None
    if delegated is None and meta.get("thread_source") != "subagent":
        return thread
    root = as_str(meta.get("session_id")) or as_str(meta.get("parent_thread_id"))
    if root in ("", thread):
        spawn = delegated.get("thread_spawn") if isinstance(delegated, dict) else None
        root = as_str(spawn.get("parent_thread_id")) if isinstance(spawn, dict) else ""
    return root or "unknown root"


def thread_of(path: Path) -> str:
    match = _ID.search(path.name)
    return match[1] if match else path.name.split(".")[0]


def files_of(path: Path, thread: str) -> Iterator[Path]:
    """Rollouts of a thread: beside its root, or in the folder of the day that a UUIDv7 tells."""
    if not re.fullmatch(r"[0-9a-f-]{36}", thread):
        return
    folders = [path.parent]
    try:
        day = datetime.fromtimestamp(int(thread.replace("-", "")[:12], 16) / 1000, UTC)
        sessions = path.parents[3] if len(path.parents) > 3 else path.parent
        # Folders are named by local time.
        for shift in (0, -1, 1):
            folders.append(sessions / (day + timedelta(days=shift)).strftime("%Y/%m/%d"))
    except (ValueError, OverflowError, OSError):
        pass
    for folder in folders:
        try:
            yield from sorted(folder.glob(f"rollout-*-{thread}.jsonl*"))
        except OSError:
            continue


def texts_of(content: object) -> list[str]:
    if isinstance(content, str):
        return [content] if content else []
    found = []
    for block in content if isinstance(content, list) else []:
        text = as_str(block) or (as_str(block.get("text")) if isinstance(block, dict) else "")
        if text:
            found.append(text)
    return found


def parts_of(content: object) -> list[Part]:
    parts: list[Part] = []
    for block in content if isinstance(content, list) else [content]:
        if isinstance(block, dict) and block.get("type") == "input_image":
            parts.append(image_part(None, block.get("image_url")))
        else:
            parts += [Part(type="text", text=text) for text in texts_of([block])]
    return parts
