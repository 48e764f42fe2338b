"""The events of a Claude Code history file: which there are, where they lie, which belong to the session.

See `claude` for the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.drafts import message_of
from skillclaw.agents.history.steps import as_str, image_part
from skillclaw.agents.programs import file_stat
from skillclaw.agents.records import HistoryFile
from skillclaw.errors import SkillClawError
from skillclaw.trajectory.model import Part

__all__ = [
    "MESSAGES",
    "QUIET",
    "blocks",
    "content_of",
    "has_parts",
    "is_subagent_file",
    "looks_like",
    "message",
    "old_subagent_files",
    "parts_of",
    "path_to_leaf",
    "root_of",
    "session_files",
    "subagent_files",
]

MESSAGES = frozenset({"user", "assistant", "system", "attachment"})
QUIET = frozenset(
    {
        "agent-color", "agent-name", "agent-setting", "ai-title", "attribution-snapshot", "bridge-session",
        "content-replacement", "custom-title", "file-history-delta", "file-history-snapshot", "last-prompt",
        "mode", "permission-mode", "pr-link", "progress", "queue-operation", "result", "saved_hook_context",
        "speculation-accept", "started", "summary", "tag", "task-summary", "worktree-state",
    }
)  # fmt: skip
_SESSION = re.compile(rb'"sessionId"\s*:\s*"([^"\\]{1,100})"')


def looks_like(value: dict[str, Any]) -> bool:
    """True for an object that is a line of a Claude Code history; Qwen Code's are alike, but hold parts."""
    if has_parts(value):
        return False
    kind = as_str(value.get("type"))
    if kind in MESSAGES:
        return isinstance(value.get("sessionId"), str) and "uuid" in value
    return kind in QUIET and any(key in value for key in ("sessionId", "leafUuid", "messageId"))


def has_parts(value: dict[str, Any]) -> bool:
    """True for a line of Qwen Code."""
    return "provenance" in value or "parts" in message(value)


def is_subagent_file(path: Path) -> bool:
    """True for the file of a sub-agent, or what describes one."""
    return path.name.startswith("agent-") and path.name.endswith((".jsonl", ".meta.json"))


def subagent_files(path: Path, beside: Iterable[Path] = ()) -> list[Path]:
    """The files of the sub-agents of the session at `path`; `beside` are old ones in the same folder."""
    own = path.with_suffix("") / "subagents"
    try:
        found = sorted(p for p in own.rglob("agent-*.jsonl") if p.is_file())
    except OSError:
        found = []
    return found + list(beside)


def old_subagent_files(path: Path, native: str) -> list[Path]:
    """`agent-<id>.jsonl` files beside a session that name it, as older versions wrote them."""
    try:
        return [file for file in sorted(path.parent.glob("agent-*.jsonl")) if root_of(file) == native]
    except OSError:
        return []


def root_of(path: Path) -> str:
    """The id of the session that a sub-agent's file belongs to, from its beginning; empty when unknown."""
    try:
        match = _SESSION.search(lines.beginning(path, 4096))
    except SkillClawError:
        return ""
    return match[1].decode("ascii", "replace") if match else ""


def session_files(folder: Path) -> list[HistoryFile]:
    """The sessions in one folder of projects, each with the size of its sub-agents' files."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".jsonl")
    except OSError:
        return []
    beside: dict[str, list[tuple[int, float]]] = {}
    for file in files:
        stat = file_stat(file) if is_subagent_file(file) else None
        if stat:
            beside.setdefault(root_of(file), []).append(stat)
    found = []
    for file in files:
        stat = file_stat(file)
        if is_subagent_file(file) or stat is None:
            continue
        parts = [stat, *beside.get(file.stem, [])]
        parts += [s for s in map(file_stat, subagent_files(file)) if s]
        size, mtime = sum(part[0] for part in parts), max(part[1] for part in parts)
        found.append(HistoryFile(path=file, size=size, mtime=mtime))
    return found


def path_to_leaf(entries: list[dict[str, Any]], tally: lines.Tally) -> list[dict[str, Any]]:
    """The entries on the way from the root to the last leaf, in the file's order.

    A compaction starts a new root whose `logicalParentUuid` is where it came from. Results of parallel
    calls hang beside the path, on the line of their own call; they and what came with them belong to it.
    """
    by_id: dict[str, dict[str, Any]] = {}
    before: dict[str, str] = {}
    last = ""
    leaf = ""
    for entry in entries:
        uuid = as_str(entry.get("uuid"))
        if not uuid or as_str(entry.get("type")) not in MESSAGES:
            continue
        by_id[uuid] = entry
        before[uuid] = last
        last = uuid
        if entry.get("type") in ("user", "assistant"):
            leaf = uuid
    chosen: set[str] = set()
    at = leaf or last
    while at and at not in chosen:
        chosen.add(at)
        entry = by_id[at]
        parent = as_str(entry.get("parentUuid")) or as_str(entry.get("logicalParentUuid"))
        # A parent that is not there was in a damaged line; the line before is the best guess.
        at = parent if parent in by_id or not parent else before[at]
    answers = {as_str(message(by_id[u]).get("id")) for u in chosen if by_id[u].get("type") == "assistant"}
    answers.discard("")
    calls: set[str] = set()
    for entry in by_id.values():
        if entry.get("type") == "assistant" and as_str(message(entry).get("id")) in answers:
            chosen.add(as_str(entry.get("uuid")))
            calls |= {as_str(block.get("id")) for block in blocks(entry) if block.get("type") == "tool_use"}
    for uuid, entry in by_id.items():
        if uuid not in chosen and entry.get("type") == "user":
            results = [as_str(b.get("tool_use_id")) for b in blocks(entry) if b.get("type") == "tool_result"]
            belongs = any(r in calls for r in results) or as_str(entry.get("sourceToolUseID")) in calls
            if belongs and (results or entry.get("isMeta") is True):
                chosen.add(uuid)
    left = [e for u, e in by_id.items() if u not in chosen and e.get("type") in ("user", "assistant")]
    tally.add("lines of a branch that was rewound", len(left))
    return [e for u, e in by_id.items() if u in chosen]


def message(entry: dict[str, Any]) -> dict[str, Any]:
    message = entry.get("message")
    return message if isinstance(message, dict) else {}


def blocks(entry: dict[str, Any]) -> list[dict[str, Any]]:
    content = message(entry).get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []


def parts_of(content: object) -> list[Part]:
    if isinstance(content, str):
        return [Part(type="text", text=content)] if content else []
    parts: list[Part] = []
    for block in content if isinstance(content, list) else []:
        if isinstance(block, str):
            parts.append(Part(type="text", text=block))
        if not isinstance(block, dict):
            continue
        if as_str(block.get("text")):
            parts.append(Part(type="text", text=block["text"]))
        elif isinstance(block.get("source"), dict):
            source = block["source"]
            parts.append(image_part(source.get("media_type"), source.get("data") or source.get("url")))
        elif block.get("type") == "tool_reference":
            parts.append(Part(type="text", text=f"[tool {as_str(block.get('tool_name'))}]"))
    return parts


def content_of(content: object) -> str | list[Part] | None:
    if isinstance(content, str):
        return content
    parts = parts_of(content if isinstance(content, list) else [content])
    return message_of(parts) if parts else ""
