"""QwenPaw's and CoPaw's history: one database, and one JSON file a session, in each agent's workspace.

Read from what QwenPaw 2.2.2 wrote; of CoPaw 1.0.2 the form of its memory (AgentScope 1.0.18). `history.db`
has all that was said in all sessions (`conversation_history`, a row a message and one for each tool
result); `sessions/<channel>/<user>_<session>.json` has what the agent still remembers of one session,
`chats.json` which sessions there are and which of them are sub-agents'. A session's id is the one in the
prompt. A message of the agent's holds all that it said and called in a turn: a piece that came after a
result begins a new step. What the host put in the user's place has a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.qwenpaw_messages import CHILD, Message, Teller, moment_of
from skillclaw.agents.history.sqlite import columns_of, reading
from skillclaw.agents.history.steps import as_str, subagent, trajectory
from skillclaw.agents.programs import oldest_first
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Trajectory
from skillclaw.wire.content import as_dict

__all__ = ["NAME", "is_database", "is_session", "read_database", "read_file", "sessions"]

NAME = "qwenpaw"
EMPTY = "empty sessions"
TABLE = "conversation_history"
COLUMNS = ("seq", "session_id", "kind", "role", "name", "blocks", "metadata", "created_at", "dedup_key")
MOST = 1 << 26
"""Bytes of a session file that is read."""


def is_database(path: Path) -> bool:
    """Whether a database has QwenPaw's table."""
    return set(COLUMNS) <= columns_of(path, TABLE)


def is_session(value: Any) -> bool:
    """Whether a JSON document is a session file."""
    return isinstance(value, dict) and _context(value) is not None


def sessions(workspace: Path) -> list[HistoryFile]:
    """The root sessions of a workspace: those of its database, and the files of others; oldest first.

    Of a session in the database size is that of its messages, and mtime the last one's time.
    """
    found: list[HistoryFile] = []
    chats = _chats(workspace)
    database = workspace / "history.db"
    known: set[str] = set()
    if is_database(database):
        with reading(database, {TABLE: COLUMNS}) as db:
            rows = db.execute(
                f"SELECT session_id, SUM(LENGTH(blocks)) + COUNT(*), MAX(created_at) FROM {TABLE} "  # noqa: S608  names of our own, values are bound
                "GROUP BY session_id"
            ).fetchall()
            parents = _parents(db, chats)
        known = {str(row[0]) for row in rows}
        totals: dict[str, tuple[int, float]] = {}
        for name, size, last in rows:
            root = _root(str(name), parents, known)
            before = totals.get(root, (0, 0.0))
            totals[root] = (before[0] + int(size or 0), max(before[1], moment_of(last)))
        found += [
            HistoryFile(path=database, size=s, mtime=t, session=name) for name, (s, t) in totals.items()
        ]
    try:
        files = sorted((workspace / "sessions").rglob("*.json"))
        for path in files:
            name = _session_of(path, chats)
            if name not in known and not name.startswith("sub-") and not path.name.startswith("."):
                stat = path.stat()
                found.append(HistoryFile(path=path, size=stat.st_size, mtime=stat.st_mtime))
    except OSError:
        pass
    return oldest_first(found)


def read_database(path: Path, session: str, env: Env) -> HistoryRead:
    """One session out of `history.db`, with its sub-agents.

    Raises StorageError when it cannot be read, BadInputError when it is none or lacks the session.
    """
    tally = lines.Tally()
    workspace = path.parent
    with reading(path, {TABLE: COLUMNS}) as db:
        parents = _parents(db, _chats(workspace))
        names = [session]
        for name in names:
            names += sorted(
                child for child, parent in parents.items() if parent == name and child not in names
            )
        rows = {name: _rows(db, name) for name in names}
    if not rows[session]:
        raise BadInputError(f"{path} has no session {session}.", "", "List them: qwenpaw chats list")
    remembered = {name: _remembered(workspace, name) for name in names}
    told = {name: _messages(rows[name], remembered[name]) for name in names if rows[name]}
    return _made(session, told, workspace, env, tally)


def read_file(path: Path, env: Env) -> HistoryRead:
    """One session out of its own file.

    Raises StorageError when it cannot be read, BadInputError when it is no session of QwenPaw's.
    """
    tally = lines.Tally()
    value = lines.json_value(lines.beginning(path, MOST))
    context = _context(value)
    if context is None:
        raise BadInputError(
            f"{path} is not a session of QwenPaw.", "", "See: <QwenPaw's folder>/workspaces/*/sessions"
        )
    workspace = next((folder.parent for folder in path.parents if folder.name == "sessions"), path.parent)
    chats = _chats(workspace)
    session = _session_of(path, chats)
    told = {session: context}
    for name in _below(session, _started(chats)):
        told[name] = list(_remembered(workspace, name).values())
    return _made(session, told, workspace, env, tally)


def _made(
    session: str, told: dict[str, list[Message]], workspace: Path, env: Env, tally: lines.Tally
) -> HistoryRead:
    tellers = {name: Teller(tally) for name in told}
    for name, messages in told.items():
        for message in messages:
            tellers[name].tell(message)
    children: list[Trajectory] = []
    for name, teller in tellers.items():
        if name == session:
            continue
        sub = subagent(teller.out, agent=NAME, version="", native_id=name, models=teller.models)
        if sub is not None:
            children.append(sub)
            for other in tellers.values():
                other.refer(name)
    made = trajectory(
        tellers[session].out,
        agent=NAME,
        version="",
        native_id=session,
        models=tellers[session].models,
        cwd=str(workspace),
        home=env.home,
        facts={},
        subagents=children,
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


def _rows(db: Any, session: str) -> list[dict[str, Any]]:
    query = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE session_id = ? ORDER BY seq"  # noqa: S608  names of our own, values are bound
    return [dict(row) for row in db.execute(query, (session,))]


def _messages(rows: list[dict[str, Any]], remembered: dict[str, Message]) -> list[Message]:
    """The rows as messages like those of a session file, which knows more of those that it has."""
    results = [block for row in rows if row["kind"] == "tool_result" for block in _list(row["blocks"])]
    made = []
    for row in rows:
        if row["kind"] == "tool_result":
            continue
        blocks = _list(row["blocks"])
        calls = {as_str(block.get("id")) for block in blocks if block.get("type") == "tool_call"}
        own = [result for result in results if as_str(result.get("id")) in calls]
        results = [result for result in results if as_str(result.get("id")) not in calls]
        file = remembered.get(as_str(row["dedup_key"]), {})
        made.append(
            {
                "role": row["role"],
                "name": row["name"] if row["role"] == "user" else "",
                "content": [*blocks, *own],
                "metadata": {**as_dict(_value(row["metadata"])), **as_dict(file.get("metadata"))},
                "usage": file.get("usage"),
                "created_at": row["created_at"],
            }
        )
    return made


def _parents(db: Any, chats: list[dict[str, Any]]) -> dict[str, str]:
    """Sub-agent's session -> the one that started it: by the list of chats, else by a result."""
    found: dict[str, str] = {}
    rows = db.execute(
        f"SELECT session_id, blocks FROM {TABLE} WHERE kind = 'tool_result' AND name LIKE '%subagent%'"  # noqa: S608  names of our own, values are bound
    )
    for session, blocks in rows:
        for child in CHILD.findall(as_str(blocks)):
            if child != session:
                found[child] = str(session)
    return found | _started(chats)


def _started(chats: list[dict[str, Any]]) -> dict[str, str]:
    found = {}
    for chat in chats:
        child, parent = as_str(chat.get("session_id")), as_str(chat.get("parent_session_id"))
        if chat.get("source") == "subagent" and child and parent and child != parent:
            found[child] = parent
    return found


def _below(session: str, parents: dict[str, str]) -> list[str]:
    """The sub-agents of a session, and theirs."""
    names = [session]
    for name in names:
        names += sorted(child for child, above in parents.items() if above == name and child not in names)
    return names[1:]


def _root(name: str, parents: dict[str, str], known: set[str]) -> str:
    seen = {name}
    while (parent := parents.get(name, "")) in known and parent not in seen:
        seen.add(parent)
        name = parent
    return name


def _chats(workspace: Path) -> list[dict[str, Any]]:
    try:
        value = lines.json_value(lines.beginning(workspace / "chats.json", MOST))
    except SkillClawError:
        return []
    return [chat for chat in as_dict(value).get("chats") or [] if isinstance(chat, dict)]


def _session_of(path: Path, chats: list[dict[str, Any]]) -> str:
    """The id of the session in a file, whose name has the user before it, and `--` for some signs."""
    for chat in chats:
        session, user = as_str(chat.get("session_id")), as_str(chat.get("user_id"))
        if session and path.stem in (_safe(f"{user}_{session}"), _safe(session)):
            return session
    return path.stem.partition("_")[2] or path.stem


def _safe(name: str) -> str:
    return re.sub(r'[\\/:*?"<>|]', "--", name)


def _remembered(workspace: Path, session: str) -> dict[str, Message]:
    """The messages of a session's file by their ids; none where there is no file."""
    found: dict[str, Message] = {}
    try:
        paths = [
            path for path in (workspace / "sessions").rglob("*.json") if path.stem.endswith(_safe(session))
        ]
        for path in paths:
            value = lines.json_value(lines.beginning(path, MOST))
            found |= {as_str(message.get("id")): message for message in _context(value) or []}
    except (OSError, SkillClawError):
        pass
    return found


def _context(value: Any) -> list[Message] | None:
    """The messages in a session file: of QwenPaw, else of CoPaw with a mark behind each; None for others."""
    agent = as_dict(as_dict(value).get("agent"))
    context = as_dict(agent.get("state")).get("context")
    if context is None:
        held = as_dict(agent.get("memory")).get("content")
        context = (
            [item[0] for item in held if isinstance(item, list) and item] if isinstance(held, list) else None
        )
    if not isinstance(context, list):
        return None
    return [message for message in context if isinstance(message, dict)]


def _value(raw: object) -> Any:
    try:
        return lines.json_value(as_str(raw).encode("utf-8", "replace")) if raw else None
    except BadInputError:
        return None


def _list(raw: object) -> list[dict[str, Any]]:
    value = _value(raw)
    items: Iterable[Any] = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]
