"""Gemini CLI's history: `tmp/<project>/chats/session-<minute>-<begin of id>.jsonl`, formerly one document.

Read from files that gemini-cli 0.61 wrote; the old form (`.json`) as its own source reads it. The first line
names the session; then come messages by id (the same id again replaces what was there), `{"$set": ..}` with
changed facts, and `{"$rewindTo": id}`, which takes back that message and all behind it. `$set` may hold all
messages as the model is sent them from then on: after a resume the same again, after a compaction a summary
in the place of the first ones and the others under new ids; the older ones stay in our session. A resume may
leave a second file of the session that holds nothing. A sub-agent has a file of its own,
`chats/<session id>/<its id>.jsonl`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from skillclaw.agents.history import lines
from skillclaw.agents.history.pieces import Pieces, gemini_items, with_skills
from skillclaw.agents.history.steps import Transcript, as_int, as_str, subagent, trajectory
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Metrics, Part, Trajectory, text_of
from skillclaw.wire.content import fingerprint
from skillclaw.wire.place import place

__all__ = ["NAME", "is_subagent", "looks_like", "native_id", "read", "subagent_files"]

NAME = "gemini-cli"
SUBAGENT = "sub-agent sessions, read with their root"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
TYPES = frozenset({"user", "gemini", "info", "error", "warning"})
DEEPEST = 8
"""Sub-agents of sub-agents that are followed."""


def read(path: Path, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the file cannot be read, BadInputError when it is no history of Gemini CLI.
    """
    tally = lines.Tally()
    log = _Log(tally)
    log.load(path)
    if log.facts.get("kind") == "subagent":
        return HistoryRead(trajectory=None, skipped={**tally.result(), SUBAGENT: 1})
    cwd, facts = _place(path, log)
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    native = as_str(log.facts.get("sessionId")) or path.name.split(".")[0]
    reader = _Reader(tally)
    reader.read(log.messages)
    if all(draft.injected for draft in reader.out.drafts):
        return HistoryRead(trajectory=None, skipped={**tally.result(), EMPTY: 1})
    made = trajectory(
        reader.out,
        agent=NAME,
        version="",
        native_id=native,
        models=reader.models,
        cwd=cwd,
        home=env.home,
        facts=facts,
        subagents=_subagents(path.parent, native, reader, tally),
    )
    return HistoryRead(trajectory=with_skills(made), skipped=tally.result())


def looks_like(value: dict[str, Any]) -> bool:
    """True for a first line or a document of Gemini CLI, and for its changes of facts."""
    if isinstance(value.get("sessionId"), str) and isinstance(value.get("projectHash"), str):
        return True
    return "$rewindTo" in value or (isinstance(value.get("$set"), dict) and "lastUpdated" in value["$set"])


def native_id(path: Path) -> str:
    """The session's id, from the file's first line; empty where it does not say."""
    try:
        value = lines.json_value(lines.beginning(path, 4096).lstrip().partition(b"\n")[0])
    except SkillClawError:
        return ""
    return as_str(value.get("sessionId")) if isinstance(value, dict) else ""


def is_subagent(path: Path) -> bool:
    """True for a file of `chats/<session id>/`."""
    return path.parent.parent.name == "chats"


def subagent_files(chats: Path, native: str) -> list[Path]:
    """The files of a session's sub-agents, in its folder beside it."""
    if not native or native in (".", "..") or "/" in native or "\\" in native:
        return []
    try:
        return sorted(p for p in (chats / native).glob("*.jsonl") if p.is_file())
    except OSError:
        return []


class _Log:
    """The messages of one file as they stand at its end."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.facts: dict[str, Any] = {}
        self._by_id: dict[str, dict[str, Any]] = {}

    @property
    def messages(self) -> list[dict[str, Any]]:
        """In their order."""
        return list(self._by_id.values())

    def load(self, path: Path) -> None:
        """Read the file; BadInputError when nothing in it is Gemini CLI's."""
        seen = known = 0
        if path.name.endswith(".json"):
            values = _document(path)
        else:
            values = [value for _, value in lines.objects(path, self.tally)]
        for value in values:
            seen += 1
            known += self._take(value)
        corrupt = sum(n for reason, n in self.tally.counts.items() if reason.startswith("corrupt"))
        if not known and (seen or corrupt):
            raise BadInputError(
                f"{path} is not a history of Gemini CLI.",
                f"None of its {seen + corrupt} lines is one that Gemini CLI writes.",
                "See which files are: ~/.gemini/tmp/*/chats/session-*.jsonl",
            )

    def _take(self, value: dict[str, Any]) -> bool:
        if isinstance(value.get("$rewindTo"), str):
            self._rewind(value["$rewindTo"])
        elif isinstance(value.get("id"), str) and as_str(value.get("type")) in TYPES:
            self._by_id[value["id"]] = value
        elif isinstance(value.get("$set"), dict):
            self._set(value["$set"])
        elif looks_like(value):
            self._set(value)
        else:
            self.tally.unknown(value.get("type"))
            return False
        return True

    def _rewind(self, target: str) -> None:
        names = list(self._by_id)
        gone = names[names.index(target) :] if target in self._by_id else names
        self.tally.add("messages that were rewound", len(gone))
        for name in gone:
            del self._by_id[name]

    def _set(self, facts: dict[str, Any]) -> None:
        messages = facts.get("messages")
        self.facts |= {key: value for key, value in facts.items() if key != "messages"}
        if not isinstance(messages, list):
            return
        given = [message for message in messages if isinstance(message, dict)]
        named = {as_str(message.get("id")) for message in given}
        # What is sent from now on lacks messages and has others: it was shortened.
        shortened = any(name not in named and any(_said(old)) for name, old in self._by_id.items())
        known = (
            {(as_str(old.get("type")), _said(old)) for old in self._by_id.values()} if shortened else set()
        )
        known -= {("user", ()), ("gemini", ())}
        for message in given:
            name = as_str(message.get("id"))
            if (
                name
                and name not in self._by_id
                and (as_str(message.get("type")), _said(message)) not in known
            ):
                self._by_id[name] = {**message, "shortened": shortened}


def _said(message: dict[str, Any]) -> tuple[bytes, ...]:
    """Fingerprints of what a message says and calls, however it is kept."""
    role: Literal["user", "model"] = "model" if message.get("type") == "gemini" else "user"
    items = [item for item in gemini_items(role, message.get("content")) if not item.injected]
    calls = [{"functionCall": call} for call in _objects(message.get("toolCalls"))]
    if not any(item.kind == "call" for item in items):
        items += gemini_items("model", calls)
    return tuple(fingerprint(item) for item in items if item.kind in ("text", "call"))


def _document(path: Path) -> list[dict[str, Any]]:
    with lines.open_bytes(path) as stream:
        value = lines.json_value(stream.read(lines.MAX_LINE))
    return [value] if isinstance(value, dict) else []


class _Reader:
    """Turns messages into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.agents: dict[str, str] = {}
        """Sub-agent id -> id of the call that started it."""
        self._pieces = Pieces(self.out)

    def read(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            stamp = message.get("timestamp")
            match message.get("type"):
                case "user" if message.get("shortened"):
                    self._pieces.user(
                        gemini_items("user", message.get("content")), stamp, injected=True, kind="compaction"
                    )
                case "gemini" if message.get("shortened"):
                    self._aside(message)
                case "user":
                    self._pieces.user(gemini_items("user", message.get("content")), stamp)
                case "gemini":
                    self._agent(message)
                case "error" | "warning":
                    self._aside(message)
                case "info":
                    pass
                case kind:
                    self.tally.unknown(f"message {kind}")

    def _aside(self, message: dict[str, Any]) -> None:
        """What the host says for the screen, or puts in the model's place."""
        texts = [text_of(item.content) for item in gemini_items("user", message.get("content"))]
        parts = [Part(type="text", text=text) for text in texts if text]
        if parts:
            kind = "compaction" if message.get("shortened") else "turn"
            self.out.add("system", message.get("timestamp"), parts, injected=True, kind=kind)  # type: ignore[arg-type]  # a literal

    def _agent(self, message: dict[str, Any]) -> None:
        draft = self.out.add("agent", message.get("timestamp"))
        model = as_str(message.get("model"))
        draft.model = model or None
        if model:
            self.models[model] += 1
        draft.metrics = _usage(message.get("tokens"))
        self._pieces.agent(gemini_items("model", message.get("content")), draft)
        thoughts = [_thought(thought) for thought in _objects(message.get("thoughts"))]
        if not draft.reasoning and any(thoughts):
            draft.reasoning = [" ".join(thought for thought in thoughts if thought)]
        for call in _objects(message.get("toolCalls")):
            own = self._pieces.call(draft, call.get("id"), call.get("name"), call.get("args"))
            failed = True if call.get("status") in ("error", "cancelled") else None
            result = call.get("result")
            if isinstance(result, str):
                response = {"id": call.get("id"), "name": call.get("name"), "response": {"output": result}}
                result = [{"functionResponse": response}]
            self._pieces.results(gemini_items("user", result), call.get("timestamp"), failed=failed)
            if as_str(call.get("agentId")):
                self.agents[as_str(call["agentId"])] = own


def _thought(thought: dict[str, Any]) -> str:
    subject, text = as_str(thought.get("subject")), as_str(thought.get("description"))
    return f"**{subject}** {text}".strip() if subject else text


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _usage(tokens: object) -> Metrics | None:
    """As the wire counts them: thoughts are what the model gave, what its own tools read is what it got."""
    if not isinstance(tokens, dict):
        return None
    given = [as_int(tokens.get(key)) for key in ("input", "tool")]
    made = [as_int(tokens.get(key)) for key in ("output", "thoughts")]
    return Metrics(
        prompt_tokens=sum(n for n in given if n),
        completion_tokens=sum(n for n in made if n),
        cached_tokens=as_int(tokens.get("cached")),
    )


def _subagents(chats: Path, native: str, root: _Reader, tally: lines.Tally) -> list[Trajectory]:
    """Every sub-agent of the session, and theirs."""
    made: list[Trajectory] = []
    waiting = [(native, root, 0)]
    seen = {native}
    while waiting:
        parent, above, depth = waiting.pop(0)
        for file in subagent_files(chats, parent):
            name = file.stem
            if name in seen:
                continue
            seen.add(name)
            log, reader = _Log(tally), _Reader(tally)
            try:
                log.load(file)
            except SkillClawError:
                tally.add("sub-agent files that could not be read")
                continue
            reader.read(log.messages)
            sub = subagent(reader.out, agent=NAME, version="", native_id=name, models=reader.models)
            if sub is not None:
                made.append(sub)
                for candidate in (above, root):
                    candidate.out.refer(candidate.agents.get(name, ""), [name])
            if depth < DEEPEST:
                waiting.append((name, reader, depth + 1))
    return made


def _place(path: Path, log: _Log) -> tuple[str, dict[str, str]]:
    """The working folder, and what the first context says of the machine.

    The folder stands in `.project_root` of the project's folder, in `projects.json` by the project's short
    name, formerly as a hash only, and in the context that the model is told.
    """
    told = [
        text_of(item.content)
        for message in log.messages[:4]
        if message.get("type") == "user"
        for item in gemini_items("user", message.get("content"))
        if item.injected
    ]
    cwd, facts = place(told)
    project = path.parent.parent
    try:
        known = (project / ".project_root").read_bytes()[:4096].decode("utf-8", "replace").strip()
    except OSError:
        known = ""
    return known or _registered(project, as_str(log.facts.get("projectHash"))) or cwd, facts


def _registered(project: Path, hashed: str) -> str:
    try:
        value = lines.json_value((project.parent.parent / "projects.json").read_bytes()[:1_000_000])
    except (OSError, SkillClawError):
        return ""
    projects = value.get("projects") if isinstance(value, dict) else None
    for folder, name in projects.items() if isinstance(projects, dict) else ():
        if name == project.name or hashlib.sha256(folder.encode("utf-8", "replace")).hexdigest() == hashed:
            return str(folder)
    return ""
