"""Goose's sessions: `sessions.db`; known from its sources, not driven.

Tables `sessions` and `messages`; a message's `content_json` is a list of parts with a `type`. Results of
tools are in messages of the role user. The id of a session (`20260301_1`) is the one that the wire shows.
Sub-agents have sessions of type `sub_agent` which nothing ties to the one that started them; they are left
out.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.drafts import Draft, message_of
from skillclaw.agents.history.sqlite import columns_of, reading, stamp_of, tables_of
from skillclaw.agents.history.steps import Transcript, as_int, as_str, image_part, seconds_of, trajectory
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Part, ResultMeta

__all__ = ["NAME", "files_in", "is_ours", "read"]

NAME = "goose"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
BESIDE = ("sub_agent", "hidden")
TABLES = {
    "sessions": ("id", "session_type", "working_dir", "updated_at", "model_config_json"),
    "messages": ("id", "session_id", "role", "content_json", "created_timestamp", "metadata_json"),
}
QUIET = frozenset(
    {
        "actionRequired", "conversationCompacted", "redactedThinking", "summarizationRequested",
        "systemNotification", "toolConfirmationRequest",
    }
)  # fmt: skip
SHELL = re.compile(r"(?:\A|__)(?:shell|bash)\Z")
CODE = re.compile(r"(?i)(?:\A|\n)(?:Command failed with )?exit (?:code|status):? (-?\d{1,10})\b")
INFO = re.compile(r"\s*<info-msg>.*?</info-msg>\s*", re.DOTALL)
"""What Goose puts before the user's words: the time, the folder."""


def is_ours(path: Path) -> bool:
    """Whether a file is a database of Goose."""
    return {"sessions", "messages", "schema_version"} <= tables_of(path) and {
        "working_dir",
        "extension_data",
    } <= columns_of(path, "sessions")


def files_in(path: Path) -> list[tuple[HistoryFile, str]]:
    """The user's sessions of a database, each with the folder that it worked in. Raises SkillClawError."""
    kind = "session_type" if "session_type" in columns_of(path, "sessions") else "'user'"
    with reading(path, TABLES) as db:
        rows = db.execute(
            f"SELECT s.id, {kind}, s.working_dir,"  # noqa: S608  one of two fixed words
            " (SELECT count(*) FROM messages m WHERE m.session_id = s.id),"
            " (SELECT max(m.created_timestamp) FROM messages m WHERE m.session_id = s.id) FROM sessions s"
        ).fetchall()
    found = []
    for name, sort, directory, count, newest in rows:
        if sort not in BESIDE:
            size, mtime = as_int(count) or 0, seconds_of(newest)
            found.append(
                (HistoryFile(path=path, size=size, mtime=mtime, session=as_str(name)), as_str(directory))
            )
    return found


def read(file: HistoryFile, env: Env) -> HistoryRead:
    """One session.

    Raises StorageError when the file cannot be read, BadInputError when it holds no such session.
    """
    tally = lines.Tally()
    model = "model_config_json" if "model_config_json" in columns_of(file.path, "sessions") else "NULL"
    told = "metadata_json" if "metadata_json" in columns_of(file.path, "messages") else "NULL"
    with reading(file.path, TABLES) as db:
        row = db.execute(
            f"SELECT working_dir, {model} FROM sessions WHERE id = ?",  # noqa: S608  names of our own, values are bound
            (file.session,),
        ).fetchone()
        if row is None:
            raise BadInputError(
                f"{file.path} holds no session {file.session!r}.", "", "It may have been deleted since."
            )
        cwd, config = as_str(row[0]), _object(row[1])
        messages = db.execute(
            f"SELECT role, content_json, created_timestamp, {told} FROM messages"  # noqa: S608  names of our own, values are bound
            " WHERE session_id = ? ORDER BY id",
            (file.session,),
        ).fetchall()
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={OWN: 1})
    reader = _Reader(as_str(config.get("model_name")), tally)
    for role, content, created, metadata in messages:
        reader.take(as_str(role), content, stamp_of(seconds_of(created)), _object(metadata))
    made = trajectory(
        reader.out,
        agent=NAME,
        version="",
        native_id=file.session,
        models=reader.models,
        cwd=cwd,
        home=env.home,
        facts={},
        subagents=[],
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


class _Reader:
    """Turns the messages of a session into steps."""

    def __init__(self, model: str, tally: lines.Tally) -> None:
        self.tally = tally
        self.model = model
        self.out = Transcript()
        self.models: Counter[str] = Counter()

    def take(self, role: str, content: object, stamp: str, metadata: dict[str, Any]) -> None:
        try:
            held = lines.json_value(as_str(content).encode("utf-8", "replace"))
        except BadInputError:
            held = None
        if not isinstance(held, list):
            self.tally.add("messages that could not be read")
            return
        parts = [part for part in held if isinstance(part, dict)]
        if role == "assistant":
            self._assistant(parts, stamp, shown=metadata.get("userVisible") is not False)
        elif role == "user":
            self._user(parts, stamp, shown=metadata.get("userVisible") is not False)
        else:
            self.tally.unknown(f"message {role}")

    def _user(self, parts: list[dict[str, Any]], stamp: str, *, shown: bool) -> None:
        own: list[Part] = []
        for part in parts:
            match part.get("type"):
                case "text":
                    text = as_str(part.get("text"))
                    info = INFO.match(text)
                    if info:
                        host = [Part(type="text", text=info[0].strip())]
                        self.out.add("user", stamp, host, injected=True)
                        text = text[info.end() :]
                    if text.strip():
                        own.append(Part(type="text", text=text))
                case "image":
                    own.append(image_part(part.get("mimeType"), part.get("data")))
                case "toolResponse" | "frontendToolResponse":
                    self._result(part, stamp)
                case kind if as_str(kind) not in QUIET:
                    self.tally.unknown(f"part {as_str(kind)}")
        if own:
            self.out.add("user", stamp, own, injected=not shown)

    def _assistant(self, parts: list[dict[str, Any]], stamp: str, *, shown: bool) -> None:
        draft = self.out.add("agent", stamp, kind="turn" if shown else "compaction")
        draft.model = self.model or None
        for part in parts:
            match part.get("type"):
                case "text":
                    draft.text(as_str(part.get("text")))
                case "thinking" | "reasoning":
                    text = as_str(part.get("thinking")) or as_str(part.get("text"))
                    if text.strip():
                        draft.reasoning.append(text)
                case "toolRequest" | "frontendToolRequest":
                    self._call(draft, part)
                case "toolResponse":
                    self._result(part, stamp)
                case kind if as_str(kind) not in QUIET:
                    self.tally.unknown(f"part {as_str(kind)}")
        if not draft.empty and self.model:
            self.models[self.model] += 1

    def _call(self, draft: Draft, part: dict[str, Any]) -> None:
        asked, wrong = _settled(part.get("toolCall"))
        arguments = asked.get("arguments")
        name = asked.get("name") if not wrong else "unknown"
        self.out.call(draft, part.get("id"), name, arguments if arguments is not None else {})
        for value in arguments.values() if isinstance(arguments, dict) else ():
            self.out.skill_files(as_str(value), draft)

    def _result(self, part: dict[str, Any], stamp: str) -> None:
        call = self.out.call_of(as_str(part.get("id")))
        tool = call.function_name if call else ""
        value, wrong = _settled(part.get("toolResult"))
        content = value.get("content") if value else None
        parts = []
        for one in content if isinstance(content, list) else []:
            if isinstance(one, dict) and as_str(one.get("text")):
                parts.append(Part(type="text", text=one["text"]))
            elif isinstance(one, dict) and one.get("type") == "image":
                parts.append(image_part(one.get("mimeType"), one.get("data")))
        if wrong:
            parts = [Part(type="text", text=wrong)]
        shell = SHELL.search(tool) is not None
        code = _code(value.get("structuredContent"), parts) if shell else None
        failed = bool(wrong) or value.get("isError") is True or bool(code)
        target = as_str(call.arguments.get("path")) if call else ""
        taint = marks.taint_of(tool.rpartition("__")[2], target) if tool else None
        meta = ResultMeta(exit_code=code, is_error=failed, taint=taint)
        self.out.result(part.get("id"), message_of(parts), meta, stamp)


def _settled(held: object) -> tuple[dict[str, Any], str]:
    """(value, what went wrong) of what succeeded or failed; older versions kept a bare list as value."""
    if not isinstance(held, dict):
        return {}, ""
    if held.get("status") == "error":
        return {}, as_str(held.get("error")) or "error"
    value = held.get("value")
    if isinstance(value, list):
        return {"content": value}, ""
    return (value if isinstance(value, dict) else {}), ""


def _code(structured: object, parts: list[Part]) -> int | None:
    code = structured.get("exit_code") if isinstance(structured, dict) else None
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    told = CODE.search("\n".join(part.text or "" for part in parts)[-400:])
    return int(told[1]) if told else None


def _object(raw: object) -> dict[str, Any]:
    try:
        held = lines.json_value(as_str(raw).encode("utf-8", "replace"))
    except BadInputError:
        return {}
    return held if isinstance(held, dict) else {}
