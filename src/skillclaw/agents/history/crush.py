"""Crush's sessions: `crush.db` in each project's `.crush` folder; known from its sources, not driven.

Tables `sessions` and `messages` (times in Unix seconds); a message's `parts` are a JSON list of `{"type",
"data"}`. A sub-agent has a session of its own whose id ends with the id of the call that started it, and
the request for a title one of its own too. Others see a session by a hash of its id (`x-session-id` on the
wire, `crush session list`), so the hash is its name here: with it the wire and the history become one
session. A sub-agent's session is not tied to its root on the wire.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.sqlite import columns_of, reading, stamp_of, tables_of
from skillclaw.agents.history.steps import (
    Transcript,
    as_int,
    as_str,
    image_part,
    seconds_of,
    subagent,
    trajectory,
)
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Part, ResultMeta, Trajectory

__all__ = ["NAME", "files_in", "is_ours", "native_id", "read"]

NAME = "crush"
EMPTY = "empty sessions"
TABLES = {
    "sessions": ("id", "parent_session_id", "created_at", "updated_at"),
    "messages": (
        *("id", "session_id", "role", "parts", "model", "created_at", "updated_at"),
        "is_summary_message",
    ),
}
TITLES = "title-"
EXIT = re.compile(r"(?:\A|\n)Exit code (-?\d{1,10})\s*\Z")
CWD = re.compile(r"\n\n<cwd>[^<\n]{1,4096}</cwd>\s*\Z")


def is_ours(path: Path) -> bool:
    """Whether a file is a database of Crush."""
    mine = {"parent_session_id", "message_count"} <= columns_of(path, "sessions")
    return {"sessions", "messages", "files"} <= tables_of(path) and mine


def native_id(session: str) -> str:
    """The name of a session on the wire: XXH3 of its id, 64 bits."""
    import xxhash

    return xxhash.xxh3_64_hexdigest(session.encode("utf-8", "replace"))


def files_in(path: Path) -> list[HistoryFile]:
    """The root sessions of a database. Raises SkillClawError."""
    with reading(path, TABLES) as db:
        rows = db.execute(
            "SELECT s.id, s.parent_session_id, s.updated_at,"
            # A message grows in its place, and its time has whole seconds: the last one's length counts too.
            " (SELECT count(*) FROM messages m WHERE m.session_id = s.id)"
            " + coalesce((SELECT length(m.parts) FROM messages m WHERE m.session_id = s.id"
            " ORDER BY m.updated_at DESC, m.rowid DESC LIMIT 1), 0),"
            " (SELECT max(m.updated_at) FROM messages m WHERE m.session_id = s.id) FROM sessions s"
        ).fetchall()
    parents = {as_str(row[0]): as_str(row[1]) for row in rows}
    found: dict[str, tuple[int, float]] = {}
    for name, _, updated, count, newest in rows:
        root = as_str(name)
        for _ in range(8):
            root = parents.get(root) or root
        size, latest = found.get(root, (0, 0.0))
        found[root] = (size + (as_int(count) or 0), max(latest, seconds_of(updated), seconds_of(newest)))
    return [
        HistoryFile(path=path, size=size, mtime=mtime, session=name)
        for name, (size, mtime) in found.items()
        if name in parents
    ]


def read(file: HistoryFile, cwd: str, env: Env) -> HistoryRead:
    """One session with its sub-agents; `cwd` is the project that the database belongs to.

    Raises StorageError when the file cannot be read, BadInputError when it holds no such session.
    """
    tally = lines.Tally()
    have = columns_of(file.path, "messages")
    chosen = ", ".join(c if c in have else f"NULL AS {c}" for c in TABLES["messages"])
    with reading(file.path, TABLES) as db:
        children = db.execute("SELECT id, parent_session_id FROM sessions").fetchall()
        below: dict[str, list[str]] = {}
        for name, parent in children:
            if parent and not as_str(name).startswith(TITLES):
                below.setdefault(as_str(parent), []).append(as_str(name))
        if file.session not in {as_str(row[0]) for row in children}:
            raise BadInputError(
                f"{file.path} holds no session {file.session!r}.", "", "It may have been deleted since."
            )

        def one(name: str) -> _Reader:
            rows = db.execute(
                f"SELECT {chosen} FROM messages WHERE session_id = ? ORDER BY created_at, rowid",  # noqa: S608  names of our own, values are bound
                (name,),
            )
            return _Reader([tuple(row) for row in rows], tally)

        root = one(file.session)
        readers, waiting = {file.session: root}, [file.session]
        while waiting:
            for name in sorted(below.get(waiting.pop(0), [])):
                if name not in readers:
                    readers[name] = one(name)
                    waiting.append(name)
    subs: list[Trajectory] = []
    for name, reader in list(readers.items())[1:]:
        made = subagent(reader.out, agent=NAME, version="", native_id=native_id(name), models=reader.models)
        if made is not None:
            subs.append(made)
            for parent in readers.values():
                parent.out.refer(name.rpartition("$$")[2], [native_id(name)])
    whole = trajectory(
        root.out,
        agent=NAME,
        version="",
        native_id=native_id(file.session),
        models=root.models,
        cwd=cwd,
        home=env.home,
        facts={},
        subagents=subs,
    )
    if whole is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=whole, skipped=tally.result())


class _Reader:
    """Turns one session's messages into steps."""

    def __init__(self, rows: Sequence[tuple[Any, ...]], tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        for _, _, role, parts, model, created, _, summary in rows:
            held = self._parts(parts)
            stamp = stamp_of(seconds_of(created))
            match role:
                case "user":
                    self._user(held, stamp)
                case "assistant":
                    self._assistant(held, as_str(model), stamp, summary=bool(summary))
                case "tool":
                    for kind, data in held:
                        if kind == "tool_result":
                            self._result(data, stamp)
                case "system":
                    pass
                case _:
                    tally.unknown(f"message {as_str(role)}")

    def _parts(self, raw: object) -> list[tuple[str, dict[str, Any]]]:
        body = raw if isinstance(raw, bytes) else as_str(raw).encode("utf-8", "replace")
        try:
            held = lines.json_value(body)
        except BadInputError:
            held = None
        if not isinstance(held, list):
            self.tally.add("messages that could not be read")
            return []
        found = []
        for part in held:
            data = part.get("data") if isinstance(part, dict) else None
            if isinstance(data, dict):
                found.append((as_str(part.get("type")), data))
        return found

    def _user(self, parts: list[tuple[str, dict[str, Any]]], stamp: str) -> None:
        own: list[Part] = []
        for kind, data in parts:
            match kind:
                case "text" if data.get("hidden") is True:
                    host = [Part(type="text", text=as_str(data.get("text")))]
                    self.out.add("user", stamp, host, injected=True)
                case "text":
                    if as_str(data.get("text")).strip():
                        own.append(Part(type="text", text=as_str(data.get("text"))))
                case "binary":
                    own.append(image_part(data.get("MIMEType"), data.get("Data")))
                case "image_url":
                    own.append(image_part(None, data.get("url")))
                case "shell_command":
                    ran = f"$ {as_str(data.get('command'))}\n{as_str(data.get('output'))}"
                    text = f"{ran}\n(exit code {as_int(data.get('exit_code')) or 0})"
                    self.out.add("user", stamp, [Part(type="text", text=text)], injected=True)
                case _ if kind != "finish":
                    self.tally.unknown(f"part {kind}")
        if own:
            self.out.add("user", stamp, own)

    def _assistant(
        self, parts: list[tuple[str, dict[str, Any]]], model: str, stamp: str, *, summary: bool
    ) -> None:
        draft = self.out.add("agent", stamp, kind="compaction" if summary else "turn")
        draft.model = model or None
        if model:
            self.models[model] += 1
        for kind, data in parts:
            match kind:
                case "text":
                    draft.text(as_str(data.get("text")))
                case "reasoning":
                    if as_str(data.get("thinking")).strip():
                        draft.reasoning.append(as_str(data.get("thinking")))
                case "tool_call":
                    arguments = _arguments(as_str(data.get("input")))
                    self.out.call(draft, data.get("id"), data.get("name"), arguments)
                    for key in ("file_path", "command"):
                        value = arguments.get(key) if isinstance(arguments, dict) else ""
                        self.out.skill_files(as_str(value), draft)
                case "finish":
                    if data.get("reason") == "error":
                        text = f"The call failed. {as_str(data.get('message'))} {as_str(data.get('details'))}"
                        failed = [Part(type="text", text=text.strip())]
                        self.out.add("system", stamp, failed, injected=True, kind="side")
                case "tool_result":
                    self._result(data, stamp)
                case _:
                    self.tally.unknown(f"part {kind}")

    def _result(self, data: dict[str, Any], stamp: str) -> None:
        call = self.out.call_of(as_str(data.get("tool_call_id")))
        tool = call.function_name if call else as_str(data.get("name"))
        text, failed = as_str(data.get("content")), data.get("is_error") is True
        ended = EXIT.search(CWD.sub("", text)[-400:]) if tool == "bash" else None
        code = int(ended[1]) if ended else 0 if tool == "bash" and not failed and CWD.search(text) else None
        target = as_str(call.arguments.get("file_path")) if call else ""
        taint = marks.taint_of({"view": "read"}.get(tool, tool), target) if tool else None
        meta = ResultMeta(exit_code=code, is_error=failed or bool(code), taint=taint)
        self.out.result(data.get("tool_call_id"), text, meta, stamp)


def _arguments(text: str) -> Any:
    try:
        return lines.json_value(text.encode("utf-8", "replace")) if text.strip() else {}
    except BadInputError:
        return text
