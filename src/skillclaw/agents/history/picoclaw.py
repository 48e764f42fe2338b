"""PicoClaw's history: `<workspace>/sessions/<key>.jsonl`, a message of Chat Completions a line.

From PicoClaw's sources (2026-06), not from a run. Beside each file stands `<key>.meta.json` with the key of
the session, its times and, once it was shortened, the summary of what went before. Messages have no time of
their own: only the beginning of a session that was never shortened is known, and by it such a session becomes
one with what the proxy recorded (`journal.twins`); of another only what is still there. The user's words may
end in a `<runtime_context>`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents.history import chat, lines
from skillclaw.agents.history.steps import Transcript, as_str, trajectory
from skillclaw.agents.history.unnamed import local_stamp
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Part
from skillclaw.wire.injected import split_injected

__all__ = ["NAME", "looks_like", "meta_path", "read"]

NAME = "picoclaw"
EMPTY = "empty sessions"
ROLES = frozenset({"user", "assistant", "tool", "system"})


def meta_path(path: Path) -> Path:
    """The file that tells of a session."""
    return path.with_name(f"{path.stem}.meta.json")


def looks_like(path: Path, values: Sequence[Any]) -> bool:
    """Whether a file is a session of PicoClaw: messages without a time, and the file that tells of them."""
    first = values[0] if values else None
    message = isinstance(first, dict) and as_str(first.get("role")) in ROLES and "content" in first
    return message and path.suffix == ".jsonl" and meta_path(path).is_file()


def read(path: Path, env: Env) -> HistoryRead:
    """One session.

    Raises StorageError when the file cannot be read, BadInputError when it is no session of PicoClaw.
    """
    tally = lines.Tally()
    told = _meta(path)
    whole = not as_str(told.get("summary")) and not told.get("skip")
    begun = local_stamp(as_str(told.get("created_at"))) if whole else ""
    out = Transcript()
    seen = known = 0
    for _, value in lines.objects(path, tally):
        seen += 1
        known += _message(out, value, begun, tally)
        begun = "" if known else begun
    corrupt = sum(count for reason, count in tally.counts.items() if reason.startswith("corrupt"))
    if not known and (seen or corrupt):
        raise BadInputError(
            f"{path} is not a session of PicoClaw.",
            f"None of its {seen + corrupt} lines is a message.",
            "See which files are: <workspace>/sessions/*.jsonl",
        )
    made = trajectory(
        out,
        agent=NAME,
        version="",
        native_id=_native_id(told, path),
        models=Counter(),
        cwd="",
        home=env.home,
        facts={},
        subagents=[],
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


def _native_id(told: dict[str, Any], path: Path) -> str:
    """What a session is known by as long as it lives, also once it is shortened: its key, its beginning."""
    key, begun = as_str(told.get("key")) or path.stem, as_str(told.get("created_at"))
    return f"{key}@{begun}" if local_stamp(begun) else key


def _message(out: Transcript, value: dict[str, Any], stamp: str, tally: lines.Tally) -> bool:
    role = as_str(value.get("role"))
    if role not in ROLES:
        tally.unknown(value.get("role"))
        return False
    content = value.get("content_parts") or value.get("content")
    match role:
        case "assistant":
            draft = out.add("agent", stamp, chat.parts(content))
            if as_str(value.get("reasoning_content")):
                draft.reasoning.append(value["reasoning_content"])
            chat.calls(out, draft, value.get("tool_calls"), tally)
        case "tool":
            chat.result(out, value, content, stamp)
        case "user":
            for part in chat.parts(content):
                _user(out, part, stamp)
        case _:
            out.add("system", stamp, chat.parts(content), injected=True)
    return True


def _user(out: Transcript, part: Part, stamp: str) -> None:
    if part.type != "text":
        out.add("user", stamp, [part])
        return
    for text, injected in split_injected(part.text or ""):
        if text.strip():
            out.add("user", stamp, [Part(type="text", text=text)], injected=injected)


def _meta(path: Path) -> dict[str, Any]:
    """What stands beside the session; nothing where that cannot be read."""
    try:
        with lines.open_bytes(meta_path(path)) as stream:
            told = lines.json_value(stream.read(lines.MAX_LINE))
    except SkillClawError:
        return {}
    return told if isinstance(told, dict) else {}
