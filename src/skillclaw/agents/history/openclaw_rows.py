"""OpenClaw's database of one agent, `agents/<agent>/agent/openclaw-agent.sqlite`: sessions, their events.

Read from what OpenClaw 2026.9.6 wrote (schema 23). The same file holds `auth_profile_store`, the agent's keys
and logins: only the tables and columns named here can be seen (`sqlite.reading`). A row of
`transcript_events` holds its event as JSON, or as zstd once it is large or old. A session that rested for
long is taken out of the table: a file of its lines, in zstd, lies in `agents/<agent>/sessions/cold`, or in
`session_transcript_cold_archives` itself (from its source, not seen).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents.history import lines
from skillclaw.agents.history.sqlite import columns_of, reading, tables_of
from skillclaw.agents.history.steps import as_int, as_str
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["EVENTS", "FILE", "WINDOWS", "Window", "agent_version", "events", "offered", "windows"]

FILE = "openclaw-agent.sqlite"
EVENTS, WINDOWS, NODES = "transcript_events", "session_windows", "session_nodes"
COLD = "session_transcript_cold_archives"
MAX_EVENT = 1 << 26
"""Bytes of one event; OpenClaw writes up to 4 MiB."""
LARGE = "events that are too large"
DAMAGED = "events whose compression is damaged"
GONE = "archived sessions whose archive is gone"

_COLD_NAME = re.compile(r"[a-f0-9]{64}\.jsonl\.zst\Z")
_SKILL_NAME = re.compile(r"<name>\s{0,64}([^\s<](?:[^<\n]{0,126}[^\s<])?)\s{0,64}</name>")


class Window(msgspec.Struct, frozen=True):
    """One session as the database lists it. Size in bytes, changed in Unix seconds.

    key     OpenClaw's name for the conversation
    parent  the name of the one that started it; empty for a conversation with a person
    """

    id: str
    key: str
    parent: str
    size: int
    changed: float


def windows(path: Path, session: str = "") -> list[Window]:
    """The sessions with events; with `session` that one and sub-agents' alone, without a look at all others.

    Raises BadInputError when it is no such database, StorageError when it cannot be read.
    """
    columns = _columns(path, WINDOWS, ("session_id", "session_key", "parent_session_key", "spawned_by"))
    seen = _columns(path, EVENTS, ("session_id", "seq", "created_at", "event_json", "event_utf8_bytes"))
    cold = _columns(path, COLD, ("session_id", "raw_bytes", "archived_at"))
    if not {"session_id", "session_key"} <= set(columns) or "session_id" not in seen:
        raise _foreign(path)
    bytes_of = "length(event_json)"
    if "event_utf8_bytes" in seen:
        bytes_of = f"coalesce(event_utf8_bytes, {bytes_of})"
    found: dict[str, tuple[int, float]] = {}
    with reading(path, {WINDOWS: columns, EVENTS: seen, COLD: cold}) as db:
        query = f"SELECT session_id, sum({bytes_of}), max(created_at) FROM {EVENTS}"  # noqa: S608  names of our own, values are bound
        given: tuple[str, ...] = ()
        if session:
            children = f"SELECT session_id FROM {WINDOWS} WHERE session_key LIKE '%:subagent:%'"  # noqa: S608  names of our own, values are bound
            query, given = f"{query} WHERE session_id IN (SELECT ? UNION {children})", (session,)
        for row in db.execute(f"{query} GROUP BY session_id", given):
            found[as_str(row[0])] = (as_int(row[1]) or 0, (as_int(row[2]) or 0) / 1000)
        for row in db.execute(f"SELECT session_id, raw_bytes, archived_at FROM {COLD}") if cold else ():  # noqa: S608  names of our own, values are bound
            found.setdefault(as_str(row[0]), (as_int(row[1]) or 0, (as_int(row[2]) or 0) / 1000))
        made = []
        for row in db.execute(f"SELECT {', '.join(columns)} FROM {WINDOWS}"):  # noqa: S608  names of our own
            known = dict(zip(columns, row, strict=True))
            own, key = as_str(known["session_id"]), as_str(known["session_key"])
            if own in found:
                parent = as_str(known.get("spawned_by")) or as_str(known.get("parent_session_key"))
                size, changed = found[own]
                made.append(Window(own, key, parent if ":subagent:" in key else "", size, changed))
    return made


def events(path: Path, session: str, tally: lines.Tally) -> list[dict[str, Any]]:
    """The events of a session in their order; those that cannot be used are counted."""
    columns = _columns(path, EVENTS, ("session_id", "seq", "event_json", "event_zstd"))
    cold = _columns(path, COLD, ("session_id", "archive_name", "storage", "archive_blob"))
    if not {"session_id", "seq", "event_json"} <= set(columns):
        raise _foreign(path)
    packed = "event_zstd" if "event_zstd" in columns else "NULL"
    with reading(path, {EVENTS: columns, COLD: cold}) as db:
        query = f"SELECT event_json, {packed} FROM {EVENTS} WHERE session_id = ? ORDER BY seq"  # noqa: S608  names of our own, values are bound
        rows = [(row[0], row[1]) for row in db.execute(query, (session,))]
        if not rows and cold:
            query = f"SELECT archive_name, storage, archive_blob FROM {COLD} WHERE session_id = ?"  # noqa: S608  names of our own, values are bound
            archived = [tuple(row) for row in db.execute(query, (session,))]
            rows = [(text, None) for one in archived for text in _archived(path, one, tally)]
    found = []
    for text, blob in rows:
        value = _event(text, blob, tally)
        if value is not None:
            found.append(value)
    return found


def offered(path: Path, session: str) -> list[str]:
    """The names of the skills that the session's prompt listed, as far as they are still known."""
    columns = _columns(path, NODES, ("current_session_id", "entry_json"))
    if len(columns) != 2:
        return []
    # The entry holds more, such as whom the conversation is with: nothing else of it is taken.
    held = "json_extract(entry_json, '$.skillsSnapshot.prompt')"
    query = (
        f"SELECT CASE WHEN json_valid(entry_json) THEN {held} END FROM {NODES} "  # noqa: S608  names of our own, values are bound
        "WHERE current_session_id = ?"
    )
    with reading(path, {NODES: columns}) as db:
        texts = [as_str(row[0]) for row in db.execute(query, (session,))]
    return list(dict.fromkeys(name for text in texts for name in _SKILL_NAME.findall(text)))


def agent_version(path: Path) -> str:
    """The version of OpenClaw that last opened the database; empty when it does not say."""
    columns = _columns(path, "schema_meta", ("app_version",))
    if not columns:
        return ""
    with reading(path, {"schema_meta": columns}) as db:
        return next(
            (as_str(row[0]) for row in db.execute("SELECT app_version FROM schema_meta") if row[0]), ""
        )


def _columns(path: Path, table: str, wanted: tuple[str, ...]) -> list[str]:
    """Which of the wanted columns the table has; none when there is no such table."""
    if table not in tables_of(path):
        return []
    known = columns_of(path, table)
    return [name for name in wanted if name in known]


def _foreign(path: Path) -> BadInputError:
    return BadInputError(
        f"{path} is no database of OpenClaw's sessions.",
        "It lacks their tables.",
        f"See which files are: <OpenClaw's folder>/agents/*/agent/{FILE}",
    )


def _event(text: object, blob: object, tally: lines.Tally) -> dict[str, Any] | None:
    if isinstance(blob, bytes) and blob:
        data = _unpacked(blob, tally)
        if data is None:
            return None
    else:
        data = as_str(text).encode("utf-8", "replace")
    try:
        value = lines.json_value(data)
    except BadInputError:
        value = None
    if isinstance(value, dict):
        return value
    tally.add("corrupt events (no JSON object)")
    return None


def _unpacked(blob: bytes, tally: lines.Tally) -> bytes | None:
    from skillclaw import zstd

    try:
        with zstd.reader(io.BytesIO(blob)) as stream:
            data = stream.read(MAX_EVENT + 1)
    except zstd.Damaged:
        tally.add(DAMAGED)
        return None
    if len(data) > MAX_EVENT:
        tally.add(LARGE)
        return None
    return data


def _archived(path: Path, row: tuple[Any, ...], tally: lines.Tally) -> Iterator[str]:
    """The events of a cold archive, as JSON."""
    name, storage, blob = row
    if storage == "sqlite":
        data = _unpacked(blob, tally) if isinstance(blob, bytes) else None
        held = [(at, _value(line)) for at, line in enumerate((data or b"").split(b"\n"))]
    else:
        file = path.parent.parent / "sessions" / "cold" / as_str(name)
        try:
            held = list(lines.objects(file, tally)) if _COLD_NAME.match(as_str(name)) else []
        except SkillClawError:
            held = []
    if not held:
        tally.add(GONE)
    for _, value in held:
        inner = value.get("row") if value.get("kind") == "event" else None
        if isinstance(inner, dict) and isinstance(inner.get("event_json"), str):
            yield inner["event_json"]


def _value(line: bytes) -> dict[str, Any]:
    try:
        value = lines.json_value(line) if line.strip() else {}
    except BadInputError:
        return {}
    return value if isinstance(value, dict) else {}
