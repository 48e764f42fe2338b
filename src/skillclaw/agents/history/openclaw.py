"""OpenClaw's history: its database (`openclaw_rows`), or `agents/<agent>/sessions/<session id>.jsonl` before.

Read from databases that OpenClaw 2026.9.6 wrote, with sub-agents and a compaction; the older files from its
source and others' accounts of them. The events are pi's (`pi_events`). A session's id is the `sessionId` in
its prompt, so it is one with what the wire shows. A sub-agent is a session of its own: its key stands in the
result of `sessions_spawn`. Tools that are hidden behind `tool_call` have their own names here; what OpenClaw
notes of the call inside is not told twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines, openclaw_rows, pi_events
from skillclaw.agents.history.sqlite import is_database
from skillclaw.agents.history.steps import as_str, subagent, trajectory
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Part, Trajectory
from skillclaw.wire import openclaw as wire

__all__ = ["NAME", "files_in", "is_session_file", "read", "subagents_in"]

NAME = "openclaw"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
SUBAGENT = "sub-agent sessions, read with their root"
LOST = "sub-agents whose session is gone"

_CHILD = re.compile(r'"childSessionKey\\*"\s*:\s*\\*"(agent:[^"\\\s]{1,300})')
_FILE = re.compile(r"[A-Za-z0-9][\w.-]{0,127}\.jsonl\Z")

Load = Callable[[str], list[dict[str, Any]]]


def is_session_file(path: Path) -> bool:
    """Whether a file has the name of a session's own lines, and is not beside them or put away."""
    return bool(_FILE.match(path.name)) and not path.name.endswith(".trajectory.jsonl")


def subagents_in(folder: Path) -> set[str]:
    """The ids of the sub-agents' sessions in a folder of files, which are read with their roots."""
    return set(_index(folder).values())


def files_in(path: Path) -> list[HistoryFile]:
    """The conversations with a person in a database; sizes and times cover their sub-agents.

    Raises BadInputError when it is no such database, StorageError when it cannot be read.
    """
    below: dict[str, list[openclaw_rows.Window]] = {}
    for one in openclaw_rows.windows(path):
        below.setdefault(one.parent, []).append(one)
    found = []
    for root in below.get("", []):
        whole: dict[str, openclaw_rows.Window] = {}
        waiting = [root]
        while waiting:
            one = waiting.pop()
            if one.id not in whole:
                whole[one.id] = one
                waiting += below.get(one.key, []) if one.key else []
        size, changed = sum(one.size for one in whole.values()), max(one.changed for one in whole.values())
        found.append(HistoryFile(path=path, size=size, mtime=changed, session=root.id))
    return found


def read(file: HistoryFile, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the file cannot be read, BadInputError when it holds no such session.
    """
    tally = lines.Tally()
    if not is_database(file.path):
        children = _index(file.path.parent)
        return _read(
            _lines(file.path, tally), env, tally, children, lambda name: _beside(file.path, name, tally)
        )
    known = openclaw_rows.windows(file.path, file.session)
    own = next((one for one in known if one.id == file.session), None)
    if own is not None and own.parent:
        return HistoryRead(trajectory=None, skipped={SUBAGENT: 1})
    children = {}
    for one in known:
        if ":subagent:" in one.key:  # no other conversation becomes part of this one, whatever a text says
            children.setdefault(one.key, one.id)

    def load(name: str) -> list[dict[str, Any]]:
        return openclaw_rows.events(file.path, name, tally)

    return _read(
        load(file.session),
        env,
        tally,
        children,
        load,
        native=file.session,
        version=openclaw_rows.agent_version(file.path),
        offered=openclaw_rows.offered(file.path, file.session),
    )


def _read(
    entries: list[dict[str, Any]],
    env: Env,
    tally: lines.Tally,
    children: Mapping[str, str],
    load: Load,
    *,
    native: str = "",
    version: str = "",
    offered: list[str] | None = None,
) -> HistoryRead:
    header = pi_events.header_of(entries)
    cwd = as_str(header.get("cwd"))
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    root = _Reader(tally, children)
    root.read(pi_events.branch(entries, tally))
    for name in offered or []:
        root.out.skill(name, "offered", None)
    native = native or as_str(header.get("id"))
    made = trajectory(
        root.out,
        agent=NAME,
        version=version,
        native_id=native,
        models=root.models,
        cwd=cwd,
        home=env.home,
        facts={},
        subagents=_subagents(root, native, version, children, load, tally),
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


def _subagents(
    root: _Reader, native: str, version: str, children: Mapping[str, str], load: Load, tally: lines.Tally
) -> list[Trajectory]:
    """Every sub-agent that results name, those of sub-agents too."""
    made: list[Trajectory] = []
    seen = {native}
    waiting = list(root.spawned)
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        try:
            entries = load(name)
        except SkillClawError:
            entries = []
        reader = _Reader(tally, children)
        reader.read(pi_events.branch(entries, tally))
        sub = subagent(reader.out, agent=NAME, version=version, native_id=name, models=reader.models)
        if sub is None:
            tally.add(LOST)
            continue
        made.append(sub)
        waiting += reader.spawned
    return made


class _Reader(pi_events.Reader):
    """Turns the events of one session into steps."""

    def __init__(self, tally: lines.Tally, children: Mapping[str, str]) -> None:
        super().__init__(tally)
        self.spawned: list[str] = []
        """Ids of the sub-agents' sessions."""
        self._children = children

    def message(self, said: dict[str, Any], stamp: object) -> None:
        """As pi's, without what is kept from the model: OpenClaw's own notes of calls inside of calls."""
        if said.get("role") == "custom" and said.get("excludeFromContext") is True:
            return
        super().message(said, stamp)

    def user(self, said: dict[str, Any], stamp: object) -> None:
        """The user's words, and apart from them what OpenClaw put around or in place of them."""
        origin = said.get("provenance")
        other = isinstance(origin, dict) and origin.get("kind") not in (None, "external_user")
        pieces: list[tuple[Part, bool]] = []
        for part in pi_events.parts_of(said.get("content")):
            split = wire.split(part.text or "") if part.type == "text" else []
            pieces += [(Part(type="text", text=text), injected or other) for text, injected in split]
            pieces += [(part, other)] if part.type != "text" else []
        for injected, group in groupby(pieces, key=lambda piece: piece[1]):
            self.out.add("user", stamp, [part for part, _ in group], injected=injected)

    def call_of(self, block: dict[str, Any]) -> tuple[str, object]:
        """A hidden tool under its own name."""
        return wire.unwrapped(as_str(block.get("name")), block.get("arguments"))

    def details_of(self, said: dict[str, Any]) -> dict[str, Any]:
        """What the tool itself told; that of a hidden one lies deeper."""
        details = super().details_of(said)
        inner = details.get("result")
        deeper = inner.get("details") if isinstance(inner, dict) and "tool" in details else None
        return deeper if isinstance(deeper, dict) else details

    def children_of(self, call_id: str, said: dict[str, Any]) -> list[str]:
        """The sessions that `sessions_spawn` started; others' results may hold anything."""
        call = self.out.call_of(call_id)
        if (call.function_name if call else as_str(said.get("toolName"))) != "sessions_spawn":
            return []
        text = "\n".join(part.text or "" for part in pi_events.parts_of(said.get("content")))
        keys = [*_CHILD.findall(text[:65536]), as_str(self.details_of(said).get("childSessionKey"))]
        names = [self._children[key] for key in dict.fromkeys(keys) if key in self._children]
        self.spawned += names
        return names


def _lines(path: Path, tally: lines.Tally) -> list[dict[str, Any]]:
    entries = [value for _, value in lines.objects(path, tally)]
    torn = sum(count for reason, count in tally.counts.items() if reason.startswith("corrupt"))
    if not any(map(pi_events.looks_like, entries)) and (entries or torn):
        raise BadInputError(
            f"{path} is not a session of OpenClaw.",
            f"None of its {len(entries) + torn} lines is an event that OpenClaw writes.",
            "See which files are: <OpenClaw's folder>/agents/*/sessions/*.jsonl",
        )
    return entries


def _index(folder: Path) -> dict[str, str]:
    """Keys and ids of sub-agents from `sessions.json` beside the files; nothing else of it is taken."""
    try:
        value = lines.json_value(lines.beginning(folder / "sessions.json", 1 << 26))
    except SkillClawError:
        return {}
    entries = value.items() if isinstance(value, dict) else ()
    return {
        key: as_str(entry.get("sessionId"))
        for key, entry in entries
        if isinstance(entry, dict) and ":subagent:" in key
    }


def _beside(path: Path, name: str, tally: lines.Tally) -> list[dict[str, Any]]:
    file = path.parent / f"{name}.jsonl" if _FILE.match(f"{name}.jsonl") else path
    if file == path:
        return []
    return _lines(file, tally) if is_session_file(file) else []
