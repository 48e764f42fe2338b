"""Hermes' history: `state.db`, a SQLite database with the tables `sessions` and `messages`.

Read from what Hermes 0.19.0 wrote. A sub-agent is a session of its own with `parent_session_id` (source
`subagent`); one that the user branched off, or that goes on after a compression in a new session (with
`compression.in_place: false`), stands for itself, as it does on the wire. Rows with neither `active` nor
`compacted` were taken back by the user. A compression in place marks all rows as compacted and writes those
that it keeps once more, around its summary: these are left out again here. `sessions.system_prompt` is the
prompt as it was sent. What the host asks beside the conversation (titles, look-backs) is not stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents.history import lines
from skillclaw.agents.history.drafts import message_of
from skillclaw.agents.history.hermes_rows import (
    copied,
    is_summary,
    parts_of,
    stamp,
    summary_of,
    without_copies,
)
from skillclaw.agents.history.sqlite import columns_of, reading, tables_of
from skillclaw.agents.history.steps import Transcript, as_int, as_str, subagent, trajectory
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import FinalMetrics, Part, ResultMeta, Trajectory, text_of
from skillclaw.wire.content import arguments_of
from skillclaw.wire.injected import split_injected
from skillclaw.wire.results import facts

__all__ = ["NAME", "is_history", "read", "sessions"]

NAME = "hermes"
EMPTY = "empty sessions"
OWN = "SkillClaw's own sessions"
TAKEN_BACK = "messages that the user took back"

_SESSIONS = (
    "id",
    "source",
    "model",
    "model_config",
    "system_prompt",
    "parent_session_id",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "actual_cost_usd",
    "cwd",
    "git_branch",
)
_MESSAGES = (
    "id",
    "session_id",
    "role",
    "content",
    "tool_call_id",
    "tool_calls",
    "tool_name",
    "timestamp",
    "reasoning",
    "reasoning_content",
    "observed",
    "active",
    "compacted",
)


def is_history(path: Path) -> bool:
    """Whether the database has Hermes' tables."""
    return {"sessions", "messages"} <= tables_of(path) and {
        "parent_session_id",
        "model_config",
    } <= columns_of(path, "sessions")


def sessions(path: Path) -> list[HistoryFile]:
    """The root sessions with messages, oldest first; a sub-agent's messages count for its root.

    Size is the number of messages, those in force twice, and mtime the last one's time: what changes when a
    session grows or is taken back.
    """
    columns = _columns(path, "messages", ("session_id", "timestamp", "active"))
    active = "SUM(active)" if "active" in columns["messages"] else "COUNT(*)"
    asked = {**columns, **_columns(path, "sessions", ("id", "source", "model_config", "parent_session_id"))}
    with reading(path, asked) as db:
        counts = db.execute(
            f"SELECT session_id, COUNT(*) + {active}, MAX(timestamp) FROM messages GROUP BY session_id"  # noqa: S608  names of our own, values are bound
        ).fetchall()
        rows = db.execute("SELECT id, source, model_config, parent_session_id FROM sessions").fetchall()
    parents = {str(row["id"]): str(row["parent_session_id"]) for row in rows if _is_child(row)}
    known = {str(row["id"]) for row in rows}
    found: dict[str, tuple[int, float]] = {}
    for name, size, last in counts:
        root = _root(str(name), parents, known)
        before = found.get(root, (0, 0.0))
        moment = float(last) if isinstance(last, int | float) else 0.0
        found[root] = (before[0] + int(size or 0), max(before[1], moment))
    made = [HistoryFile(path=path, size=s, mtime=t, session=name) for name, (s, t) in found.items()]
    return sorted(made, key=lambda file: (file.mtime, file.session))


def read(path: Path, session: str, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the database cannot be read, BadInputError when it is none of Hermes', or has no
    such session.
    """
    tally = lines.Tally()
    tables = {**_columns(path, "sessions", _SESSIONS), **_columns(path, "messages", _MESSAGES)}
    with reading(path, tables) as db:
        root = _row(db, tables, session)
        if root is None:
            raise BadInputError(f"{path} has no session {session}.", "", "List them: hermes sessions list")
        family = [root, *_children(db, tables, session, {session})]
        told = {as_str(row["id"]): _messages(db, tables, as_str(row["id"])) for row in family}
        parent = as_str(root.get("parent_session_id"))
        before = _messages(db, tables, parent) if parent and not _is_child(root) else []
    cwd = as_str(root.get("cwd"))
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={OWN: 1})
    transcript = _transcript(root, told[session], tally, before)
    children = _embedded(family[1:], told, transcript, tally)
    made = trajectory(
        transcript,
        agent=NAME,
        version="",
        native_id=session,
        models=_models(root),
        cwd=cwd,
        home=env.home,
        facts={"git_branch": root["git_branch"]} if as_str(root.get("git_branch")) else {},
        subagents=children,
    )
    if made is None:
        tally.add(EMPTY)
        return HistoryRead(trajectory=None, skipped=tally.result())
    totals = _totals(root, len(made.steps))
    return HistoryRead(trajectory=msgspec.structs.replace(made, final_metrics=totals), skipped=tally.result())


def _columns(path: Path, table: str, wanted: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Those of the columns that this version's table has."""
    there = columns_of(path, table)
    return {table: tuple(name for name in wanted if name in there)}


def _row(db: Any, tables: Mapping[str, tuple[str, ...]], session: str) -> dict[str, Any] | None:
    names = ", ".join(tables["sessions"])
    row = db.execute(f"SELECT {names} FROM sessions WHERE id = ?", (session,)).fetchone()  # noqa: S608  names of our own, values are bound
    return dict(row) if row is not None else None


def _children(
    db: Any, tables: Mapping[str, tuple[str, ...]], parent: str, seen: set[str]
) -> list[dict[str, Any]]:
    """The sub-agents below a session, those of sub-agents too."""
    names = ", ".join(tables["sessions"])
    rows = db.execute(f"SELECT {names} FROM sessions WHERE parent_session_id = ?", (parent,))  # noqa: S608  names of our own, values are bound
    found: list[dict[str, Any]] = []
    for row in map(dict, rows.fetchall()):
        name = as_str(row["id"])
        if name not in seen and _is_child(row):
            seen.add(name)
            found += [row, *_children(db, tables, name, seen)]
    return found


def _messages(db: Any, tables: Mapping[str, tuple[str, ...]], session: str) -> list[dict[str, Any]]:
    names = ", ".join(tables["messages"])
    query = f"SELECT {names} FROM messages WHERE session_id = ? ORDER BY id"  # noqa: S608  names of our own, values are bound
    # A column that a damaged table lacks is as one that is empty.
    return [dict.fromkeys(("id", "role", "content")) | dict(row) for row in db.execute(query, (session,))]


def _is_child(row: Any) -> bool:
    """Whether a session is a sub-agent's; a branch and what follows a compression have a parent as well."""
    if not row["parent_session_id"]:
        return False
    return row["source"] == "subagent" or '"_delegate_from"' in as_str(row["model_config"])


def _root(name: str, parents: Mapping[str, str], known: set[str]) -> str:
    seen = {name}
    while (parent := parents.get(name)) in known and parent is not None and parent not in seen:
        seen.add(parent)
        name = parent
    return name


def _embedded(
    rows: list[dict[str, Any]],
    told: Mapping[str, list[dict[str, Any]]],
    root: Transcript,
    tally: lines.Tally,
) -> list[Trajectory]:
    made: list[Trajectory] = []
    transcripts = {"": root}
    for row in rows:
        name = as_str(row["id"])
        own = transcripts[name] = _transcript(row, told[name], tally)
        sub = subagent(own, agent=NAME, version="", native_id=name, models=_models(row))
        if sub is None:
            continue
        made.append(sub)
        brief = next((text_of(step.message).strip() for step in sub.steps if step.source == "user"), "")
        above = transcripts.get(as_str(row["parent_session_id"]), root)
        for draft in above.drafts:
            for call in draft.calls:
                if call.function_name == "delegate_task" and brief and brief in _texts(call.arguments):
                    above.refer(call.tool_call_id, [name])
    return made


def _texts(value: object) -> Iterator[str]:
    """The texts in a call's arguments: one goal, or a list of tasks with a goal each."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _models(row: Mapping[str, Any]) -> dict[str, int]:
    return {row["model"]: 1} if as_str(row.get("model")) else {}


def _totals(row: Mapping[str, Any], steps: int) -> FinalMetrics:
    """The session's own counts; the input's three kinds are counted apart."""
    cached = as_int(row.get("cache_read_tokens"))
    given = [as_int(row.get("input_tokens")), cached, as_int(row.get("cache_write_tokens"))]
    cost = row.get("actual_cost_usd")
    return FinalMetrics(
        total_prompt_tokens=sum(n for n in given if n),
        total_completion_tokens=as_int(row.get("output_tokens")),
        total_cached_tokens=cached,
        total_cost_usd=float(cost) if isinstance(cost, int | float) and 0 <= cost < 1e9 else None,
        total_steps=steps,
    )


def _transcript(
    session: Mapping[str, Any],
    rows: list[dict[str, Any]],
    tally: lines.Tally,
    before: list[dict[str, Any]] | None = None,
) -> Transcript:
    """The steps; `before` are the messages of the session that this one was branched off."""
    out = Transcript()
    if as_str(session.get("system_prompt")):
        out.add(
            "system", stamp(rows[0]) if rows else None, [Part(type="text", text=session["system_prompt"])]
        )
    kept = [row for row in rows if row.get("active", 1) or row.get("compacted")]
    tally.add(TAKEN_BACK, len(rows) - len(kept))
    kept = without_copies(kept)
    old = copied(kept, before or [])
    teller = _Teller(out, as_str(session.get("model")), tally)
    for row in kept:
        count = len(out.drafts)
        teller.tell(row)
        for draft in out.drafts[count:]:
            draft.copied = row["id"] in old
    return out


class _Teller:
    """Turns rows into steps."""

    def __init__(self, out: Transcript, model: str, tally: lines.Tally) -> None:
        self.out = out
        self.model = model
        self.tally = tally
        self.names: dict[str, str] = {}
        """The id of a call as Hermes has it -> as it is here; some gateways count from 0 in every answer."""

    def tell(self, row: dict[str, Any]) -> None:
        match row["role"]:
            case "user" | "assistant" if is_summary(row):
                told = [Part(type="text", text=summary_of(row))]
                self.out.add("user", stamp(row), told, injected=True, kind="compaction")
            case "user":
                self._user(row)
            case "assistant":
                self._assistant(row)
            case "tool":
                self._result(row)
            case "system" | "session_meta":
                pass
            case role:
                self.tally.unknown(role)

    def _user(self, row: dict[str, Any]) -> None:
        own: list[Part] = []
        for part in parts_of(row["content"]):
            pieces = split_injected(part.text) if part.text is not None else []
            for text, injected in pieces:
                if injected and text.strip():
                    self.out.add("user", stamp(row), [Part(type="text", text=text)], injected=True)
                elif text.strip():
                    own.append(Part(type="text", text=text))
            if part.text is None:
                own.append(part)
        if own:
            # Others' words in a group chat are before the agent, but nobody asked it.
            self.out.add("user", stamp(row), own, injected=bool(row.get("observed")))

    def _assistant(self, row: dict[str, Any]) -> None:
        draft = self.out.add("agent", stamp(row), parts_of(row["content"]))
        draft.model = self.model or None
        thought = as_str(row.get("reasoning_content")) or as_str(row.get("reasoning"))
        if thought.strip():
            draft.reasoning.append(thought)
        for call in _calls(row.get("tool_calls")):
            raw = call.get("function")
            function: dict[str, Any] = raw if isinstance(raw, dict) else {}
            given, known = as_str(call.get("id")), as_str(call.get("id"))
            while known and self.out.call_of(known) is not None:
                known = f"{given}-{row['id']}" if known == given else f"{known}+"
            self.names[given] = known
            arguments, _ = arguments_of(function.get("arguments"))
            self.out.call(draft, known, function.get("name"), arguments)

    def _result(self, row: dict[str, Any]) -> None:
        parts = parts_of(row["content"])
        content = message_of(parts)
        call_id = self.names.get(as_str(row.get("tool_call_id")), as_str(row.get("tool_call_id")))
        call = self.out.call_of(call_id)
        tool = call.function_name if call else as_str(row.get("tool_name"))
        known = facts(tool, call.arguments if call else {}, text_of(content), None)
        meta = ResultMeta(exit_code=known.exit_code, is_error=known.is_error, taint=known.taint)
        self.out.result(call_id, content, meta, stamp(row))


def _calls(raw: object) -> list[dict[str, Any]]:
    try:
        value = lines.json_value(as_str(raw).encode("utf-8", "replace")) if raw else []
    except BadInputError:
        return []
    return [call for call in value if isinstance(call, dict)] if isinstance(value, list) else []
