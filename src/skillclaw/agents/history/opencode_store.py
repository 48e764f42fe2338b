"""Where OpenCode keeps its sessions, brought to one form.

Seen with 1.18.33: `<data>/opencode.db`, SQLite with a write-ahead log, tables `session`, `message` and `part`
whose `data` is JSON; other release channels have `opencode-<channel>.db`. Seen with 1.1.65, which had no
database yet: `<data>/storage/session/<project>/<id>.json`, `message/<session>/<id>.json`,
`part/<message>/<id>.json`. `opencode export` prints `{"info", "messages": [{"info", "parts"}]}`. The JSON of
messages and parts is the same in all three. The database also holds accounts and credentials; no table but
these three is ever read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from skillclaw.agents.history import lines
from skillclaw.agents.history.sqlite import columns_of, is_database, reading, tables_of
from skillclaw.agents.history.steps import as_int, as_str
from skillclaw.agents.programs import file_stat
from skillclaw.agents.records import Env, HistoryFile
from skillclaw.errors import BadInputError, SkillClawError

__all__ = ["Message", "Session", "databases", "files_in", "folder", "is_ours", "load", "looks_like"]

MAX_FILE = 256 * 1024 * 1024
"""Bytes of one JSON file of the old storage, or of an export."""
DEEPEST = 8
"""Levels of sub-agents under one session that are followed."""
SESSION = ("id", "parent_id", "directory", "version", "revert", "time_created", "time_updated")
TABLES = {
    "session": SESSION,
    "message": ("id", "session_id", "time_created", "time_updated", "data"),
    "part": ("id", "message_id", "session_id", "data"),
}


class Message(NamedTuple):
    """One message: when it was made (Unix milliseconds), what it says of itself, its parts in order."""

    id: str
    created: int
    info: dict[str, Any]
    parts: list[dict[str, Any]]


class Session(NamedTuple):
    """One session with its sub-agents' sessions; `undone` counts the messages at its end that were undone."""

    id: str
    directory: str
    version: str
    created: int
    messages: list[Message]
    children: list[Session]
    undone: int


def folder(env: Env) -> Path:
    """OpenCode's data folder."""
    return env.folder("XDG_DATA_HOME", ".local/share") / "opencode"


def databases(env: Env) -> list[Path]:
    """The databases on this machine: the one that OPENCODE_DB names, else those of all release channels."""
    given = env.environ.get("OPENCODE_DB", "").strip()
    if given and given != ":memory:":
        return [path for path in [folder(env) / given] if path.is_file()]
    try:
        return sorted(path for path in folder(env).glob("opencode*.db") if path.is_file())
    except OSError:
        return []


def is_ours(path: Path) -> bool:
    """Whether a file is a database of OpenCode."""
    return set(TABLES) <= tables_of(path) and {"parent_id", "directory", "slug"} <= columns_of(
        path, "session"
    )


def looks_like(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a session of the old storage, or an export."""
    info = value.get("info") if isinstance(value.get("messages"), list) else value
    if not isinstance(info, dict):
        return False
    return as_str(info.get("id")).startswith("ses_") and "directory" in info and "projectID" in info


def files_in(path: Path) -> list[tuple[HistoryFile, str]]:
    """The root sessions that a file holds, each with the folder that it worked in. Raises SkillClawError."""
    if not is_database(path):
        stat, value = file_stat(path), _object(path)
        info = value.get("info") if isinstance(value.get("info"), dict) else value
        if stat is None or not isinstance(info, dict) or as_str(info.get("parentID")):
            return []
        size, mtime = stat
        if info is value:
            count, newest = _grown(path.parents[2], _text(info, "id"))
            size, mtime = size + count, max(mtime, newest)
        return [(HistoryFile(path=path, size=size, mtime=mtime), _text(info, "directory"))]
    with reading(path, TABLES) as db:
        rows = db.execute(
            "SELECT s.id, s.parent_id, s.directory, s.time_updated,"
            " (SELECT max(m.time_updated) FROM message m WHERE m.session_id = s.id),"
            " (SELECT count(*) FROM part p WHERE p.session_id = s.id) FROM session s"
        ).fetchall()
    parents = {as_str(row[0]): as_str(row[1]) for row in rows}
    found: dict[str, tuple[int, int, str]] = {}
    for name, _, directory, updated, said, parts in rows:
        root = as_str(name)
        for _ in range(DEEPEST):
            if not parents.get(root):
                break
            root = parents[root]
        count, newest, place = found.get(root, (0, 0, ""))
        latest = max(newest, as_int(updated) or 0, as_int(said) or 0)
        found[root] = (count + (as_int(parts) or 0), latest, as_str(directory) if name == root else place)
    return [
        (HistoryFile(path=path, size=count, mtime=newest / 1000, session=name), place)
        for name, (count, newest, place) in found.items()
        if name in parents and not parents[name]
    ]


def load(file: HistoryFile, tally: lines.Tally) -> Session:
    """One session with its sub-agents. Raises BadInputError when it is not there, StorageError."""
    if is_database(file.path):
        return _from_database(file.path, file.session, tally)
    value = _object(file.path)
    if not looks_like(value):
        raise BadInputError(
            f"{file.path} is not a session of OpenCode.",
            "It holds no session's id, project and directory.",
            "See which are: skillclaw import --agent opencode",
        )
    if isinstance(value.get("messages"), list):
        return _exported(value, tally)
    return _from_files(file.path, value, tally, 0)


def _from_database(path: Path, name: str, tally: lines.Tally) -> Session:
    with reading(path, TABLES) as db:
        have = columns_of(path, "session")
        chosen = ", ".join(column if column in have else f"NULL AS {column}" for column in SESSION)

        def one(row: Sequence[Any], depth: int) -> Session:
            own, _, directory, version, revert, created, _ = row
            parts: dict[str, list[dict[str, Any]]] = {}
            for message, data in db.execute(
                "SELECT message_id, data FROM part WHERE session_id = ? ORDER BY id", (own,)
            ):
                value = _parsed(data, tally)
                if value is not None:
                    parts.setdefault(as_str(message), []).append(value)
            messages = []
            for message, at, data in db.execute(
                "SELECT id, time_created, data FROM message WHERE session_id = ? ORDER BY time_created, id",
                (own,),
            ):
                info = _parsed(data, tally)
                if info is not None:
                    messages.append(Message(as_str(message), as_int(at) or 0, info, parts.get(message, [])))
            below = db.execute(
                f"SELECT {chosen} FROM session WHERE parent_id = ? ORDER BY time_created, id",  # noqa: S608  names of our own, values are bound
                (own,),
            ).fetchall()
            children = [one(child, depth + 1) for child in below] if depth < DEEPEST else []
            undone = _undone(_parsed(revert, tally) if revert else None, messages)
            stamp = as_int(created) or 0
            return Session(as_str(own), as_str(directory), as_str(version), stamp, messages, children, undone)

        row = db.execute(f"SELECT {chosen} FROM session WHERE id = ?", (name,)).fetchone()  # noqa: S608  names of our own, values are bound
        if row is None:
            raise BadInputError(f"{path} holds no session {name!r}.", "", "It may have been deleted since.")
        return one(tuple(row), 0)


def _from_files(path: Path, info: dict[str, Any], tally: lines.Tally, depth: int) -> Session:
    name, storage = _text(info, "id"), path.parents[2]
    messages = []
    for file in _json_files(storage / "message" / name):
        own = _read(file, tally)
        if own is not None:
            parts = [p for f in _json_files(storage / "part" / file.stem) if (p := _read(f, tally))]
            messages.append(Message(file.stem, _time(own, "created"), own, parts))
    messages.sort(key=lambda message: (message.created, message.id))
    children = []
    for file in _json_files(path.parent) if depth < DEEPEST else []:
        other = _read(file, tally) if file != path else None
        if other is not None and other.get("parentID") == name:
            children.append(_from_files(file, other, tally, depth + 1))
    children.sort(key=lambda child: (child.created, child.id))
    return Session(
        name, _text(info, "directory"), _text(info, "version"), _time(info, "created"), messages, children,
        _undone(info.get("revert"), messages),
    )  # fmt: skip


def _grown(storage: Path, name: str) -> tuple[int, float]:
    """(number of messages, when the last one changed in Unix seconds) of a session of the old storage."""
    messages = list(_json_files(storage / "message" / name))
    last = messages[-1:] + (list(_json_files(storage / "part" / messages[-1].stem)) if messages else [])
    return len(messages), max((stat[1] for stat in map(file_stat, last) if stat), default=0.0)


def _exported(value: dict[str, Any], tally: lines.Tally) -> Session:
    info: dict[str, Any] = value["info"]
    messages = []
    for entry in value["messages"]:
        own = entry.get("info") if isinstance(entry, dict) else None
        if not isinstance(own, dict):
            tally.add("messages that could not be read")
            continue
        parts = entry.get("parts")
        kept = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        messages.append(Message(_text(own, "id"), _time(own, "created"), own, kept))
    return Session(
        _text(info, "id"), _text(info, "directory"), _text(info, "version"), _time(info, "created"), messages,
        [], _undone(info.get("revert"), messages),
    )  # fmt: skip


def _undone(revert: object, messages: list[Message]) -> int:
    """How many messages at the end the user took back: those from the one that `revert` names."""
    if not isinstance(revert, dict):
        return 0
    at = next((i for i, m in enumerate(messages) if m.id == revert.get("messageID")), len(messages))
    # With a part's id only the rest of that message went.
    return max(0, len(messages) - at - (1 if revert.get("partID") else 0))


def _parsed(data: object, tally: lines.Tally) -> dict[str, Any] | None:
    try:
        value = lines.json_value(as_str(data).encode("utf-8", "replace"))
    except BadInputError:
        value = None
    if not isinstance(value, dict):
        tally.add("records that are no JSON object")
        return None
    return value


def _json_files(path: Path) -> Iterator[Path]:
    try:
        yield from sorted(file for file in path.iterdir() if file.suffix == ".json")
    except OSError:
        return


def _read(path: Path, tally: lines.Tally) -> dict[str, Any] | None:
    try:
        return _object(path)
    except SkillClawError:
        tally.add("files that could not be read")
        return None


def _object(path: Path) -> dict[str, Any]:
    with lines.open_bytes(path) as stream:
        body = stream.read(MAX_FILE)
    try:
        value = lines.json_value(body)
    except BadInputError as error:
        raise BadInputError(f"{path} is not JSON.", error.why, "Get it again.") from error
    return value if isinstance(value, dict) else {}


def _text(value: dict[str, Any], key: str) -> str:
    return as_str(value.get(key))


def _time(value: dict[str, Any], key: str) -> int:
    time = value.get("time")
    return (as_int(time.get(key)) or 0) if isinstance(time, dict) else 0
