"""Cline's history: `data/sessions/<id>/<id>.messages.json` with the session's facts in `<id>.json` beside.

Read from files that the Cline CLI 3.0 wrote (the editor's extension keeps its tasks elsewhere). A messages
file is one document, written anew as it grows: messages with content blocks as Anthropic's API has them. What
the user typed stands in `<user_input>`; a result is text, or a list with an object for each command or file.
A sub-agent is `agent_<its id>.messages.json` in the session's folder, and names no call.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents.history import lines
from skillclaw.agents.history.pieces import Pieces, with_skills
from skillclaw.agents.history.steps import Transcript, as_int, as_str, subagent, trajectory
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Metrics, Trajectory, text_of
from skillclaw.wire.anthropic import request_items
from skillclaw.wire.injected import told_apart
from skillclaw.wire.place import place
from skillclaw.wire.records import Item

__all__ = ["NAME", "SUFFIX", "is_subagent", "looks_like", "read", "subagent_files"]

NAME = "cline"
SUFFIX = ".messages.json"
SUBAGENT = "sub-agent sessions, read with their root"
FACTS = "files with a session's facts, read with its messages"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"


def read(path: Path, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the file cannot be read, BadInputError when it is no history of Cline.
    """
    tally = lines.Tally()
    document = _load(path)
    if is_subagent(path) or document.get("agent") == "subagent":
        return HistoryRead(trajectory=None, skipped={SUBAGENT: 1})
    if "messages" not in document:
        return HistoryRead(trajectory=None, skipped={FACTS: 1})
    facts = _facts(path)
    native = as_str(document.get("sessionId")) or path.name.removesuffix(SUFFIX)
    told, env_facts = place([as_str(document.get("system_prompt"))])
    cwd = as_str(facts.get("cwd")) or told
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={OWN: 1})
    reader = _Reader(tally)
    reader.read(document)
    if all(draft.injected for draft in reader.out.drafts):
        return HistoryRead(trajectory=None, skipped={**tally.result(), EMPTY: 1})
    made = trajectory(
        reader.out,
        agent=NAME,
        version=reader.version,
        native_id=native,
        models=reader.models,
        cwd=cwd,
        home=env.home,
        facts=env_facts,
        subagents=_subagents(path, reader, tally),
    )
    return HistoryRead(trajectory=with_skills(made), skipped=tally.result())


def looks_like(value: dict[str, Any]) -> bool:
    """True for a messages file, or the facts of a session."""
    if isinstance(value.get("messages"), list) and isinstance(value.get("sessionId"), str):
        return "agent" in value or "origin" in value
    return isinstance(value.get("session_id"), str) and "messages_path" in value


def is_subagent(path: Path) -> bool:
    """True for the messages of a sub-agent."""
    return path.name.startswith("agent_") and path.name.endswith(SUFFIX)


def subagent_files(path: Path) -> list[Path]:
    """The files of the sub-agents of the session at `path`."""
    try:
        return sorted(file for file in path.parent.glob(f"agent_*{SUFFIX}") if file.is_file())
    except OSError:
        return []


def _load(path: Path) -> dict[str, Any]:
    with lines.open_bytes(path) as stream:
        body = stream.read(lines.MAX_LINE)
    try:
        value = lines.json_value(body)
    except BadInputError as error:
        raise BadInputError(
            f"{path} is not JSON.", error.why, "Try again: Cline may be writing it just now."
        ) from error
    if not isinstance(value, dict) or not looks_like(value):
        raise BadInputError(
            f"{path} is not a history of Cline.",
            "It holds no messages of a session.",
            f"See which files are: ~/.cline/data/sessions/*/*{SUFFIX}",
        )
    return value


def _facts(path: Path) -> dict[str, Any]:
    """What `<id>.json` says; nothing where it is missing or damaged."""
    try:
        return _load(path.with_name(path.name.removesuffix(SUFFIX) + ".json"))
    except SkillClawError:
        return {}


class _Reader:
    """Turns the messages of one file into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.version = ""
        self._pieces = Pieces(self.out)

    def read(self, document: dict[str, Any]) -> None:
        origin = document.get("origin")
        self.version = as_str(origin.get("version")) if isinstance(origin, dict) else ""
        messages = document.get("messages")
        for message in messages if isinstance(messages, list) else []:
            if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
                self.tally.unknown(message.get("role") if isinstance(message, dict) else message)
                continue
            stamp = _stamp(message.get("ts"))
            items = _items(message)
            if message["role"] == "user":
                self._pieces.user(items, stamp)
                continue
            draft = self.out.add("agent", stamp)
            told = message.get("modelInfo")
            draft.model = as_str(told.get("id")) or None if isinstance(told, dict) else None
            if draft.model:
                self.models[draft.model] += 1
            draft.metrics = _usage(message.get("metrics"))
            self._pieces.agent(items, draft)


def _items(message: dict[str, Any]) -> list[Item]:
    content = message.get("content")
    blocks = [_as_sent(block) for block in content] if isinstance(content, list) else content
    return told_apart(request_items({"messages": [{**message, "content": blocks}]}))


def _as_sent(block: Any) -> Any:
    """A result's list of objects as the text that the model is sent."""
    if not isinstance(block, dict) or block.get("type") != "tool_result":
        return block
    content = block.get("content")
    plain = isinstance(content, list) and not any(isinstance(c, dict) and "type" in c for c in content)
    if plain or isinstance(content, dict):
        return {**block, "content": msgspec.json.encode(content).decode()}
    return block


def _stamp(milliseconds: object) -> str | None:
    number = as_int(milliseconds)
    if number is None:
        return None
    try:
        moment = datetime.fromtimestamp(number / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _usage(metrics: object) -> Metrics | None:
    """Its input counts what was read from and written to a cache, whatever the provider."""
    if not isinstance(metrics, dict):
        return None
    return Metrics(
        prompt_tokens=as_int(metrics.get("inputTokens")),
        completion_tokens=as_int(metrics.get("outputTokens")),
        cached_tokens=as_int(metrics.get("cacheReadTokens")),
    )


def _subagents(path: Path, root: _Reader, tally: lines.Tally) -> list[Trajectory]:
    """Every sub-agent of the session; each hangs at the call that says what it was told."""
    made: list[Trajectory] = []
    readers = [root]
    briefs: list[tuple[str, str]] = []
    for file in subagent_files(path):
        reader = _Reader(tally)
        try:
            reader.read(_load(file))
        except SkillClawError:
            tally.add("sub-agent files that could not be read")
            continue
        name = file.name.removesuffix(SUFFIX)
        readers.append(reader)
        sub = subagent(reader.out, agent=NAME, version=reader.version, native_id=name, models=reader.models)
        if sub is not None:
            made.append(sub)
            briefs.append((text_of(sub.steps[0].message).strip(), name))
    taken: set[str] = set()
    for brief, name in briefs:
        for reader in readers:
            calls = [call for draft in reader.out.drafts for call in draft.calls]
            told = [
                c.tool_call_id for c in calls if brief in c.arguments.values() and c.tool_call_id not in taken
            ]
            if brief and told:
                taken.add(told[0])
                reader.out.refer(told[0], [name])
                break
    return made
