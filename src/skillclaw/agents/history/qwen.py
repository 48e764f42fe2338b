"""Qwen Code's history: `projects/<folder>/chats/<session id>.jsonl`, one event a line.

Read from files that qwen-code 0.24 wrote. Events form a tree (`uuid`, `parentUuid`): a rewind leaves the old
branch in the file, and the session is the path to the last event. `message` holds content parts as Gemini's
API has them; `provenance` says whether the user wrote it. A compaction is a `system` event with the shortened
conversation, whose older events stay. A sub-agent has a file of its own,
`subagents/<session id>/agent-<its id>.jsonl`, with what started it in `.meta.json` beside.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.drafts import Draft
from skillclaw.agents.history.pieces import Pieces, gemini_items, with_skills
from skillclaw.agents.history.steps import Transcript, as_int, as_str, subagent, trajectory
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Metrics, Trajectory

__all__ = ["NAME", "is_subagent", "looks_like", "read", "subagent_files"]

NAME = "qwen-code"
SUBAGENT = "sub-agent sessions, read with their root"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
TYPES = frozenset({"user", "assistant", "tool_result", "system"})
QUIET = frozenset(
    {
        "at_command", "attribution_snapshot", "background_task_completed", "branch_checkpoint",
        "custom_title", "file_history_snapshot", "goal_state", "goal_turn_end", "omni_recall",
        "parent_session", "rewind", "session_artifact_event", "session_artifact_snapshot", "session_model",
        "session_recording_degraded", "session_source", "session_sources_snapshot", "slash_command",
        "turn_result", "ui_telemetry", "user_text_elements",
    }
)  # fmt: skip
"""Kinds of `system` events that hold no piece of the conversation."""


def read(path: Path, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the file cannot be read, BadInputError when it is no history of Qwen Code.
    """
    tally = lines.Tally()
    if is_subagent(path):
        return HistoryRead(trajectory=None, skipped={SUBAGENT: 1})
    events = _events(path, tally)
    native = next(
        (as_str(e["sessionId"]) for e in events if as_str(e.get("sessionId"))), path.name.split(".")[0]
    )
    cwd = next((as_str(e["cwd"]) for e in events if as_str(e.get("cwd"))), "")
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    reader = _Reader(tally)
    reader.read(_path_to_last(events, tally))
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
        facts={"git_branch": reader.branch} if reader.branch else {},
        subagents=_subagents(path, native, reader, tally),
    )
    return HistoryRead(trajectory=with_skills(made), skipped=tally.result())


def looks_like(value: dict[str, Any]) -> bool:
    """True for an object that is an event of Qwen Code; Claude Code's are alike, but hold no parts."""
    if (
        as_str(value.get("type")) not in TYPES
        or not isinstance(value.get("sessionId"), str)
        or "uuid" not in value
    ):
        return False
    message = value.get("message")
    return "provenance" in value or (isinstance(message, dict) and "parts" in message)


def is_subagent(path: Path) -> bool:
    """True for a file of `subagents/<session id>/`."""
    return path.parent.parent.name == "subagents"


def subagent_files(path: Path, native: str) -> list[Path]:
    """The files of the sub-agents of the session at `path`."""
    if not native or native in (".", "..") or "/" in native or "\\" in native:
        return []
    try:
        folder = path.parent.parent / "subagents" / native
        return sorted(p for p in folder.glob("agent-*.jsonl") if p.is_file())
    except OSError:
        return []


def _events(path: Path, tally: lines.Tally) -> list[dict[str, Any]]:
    events, seen = [], 0
    for _, value in lines.objects(path, tally):
        seen += 1
        if looks_like(value):
            events.append(value)
        else:
            tally.unknown(value.get("type"))
    corrupt = sum(n for reason, n in tally.counts.items() if reason.startswith("corrupt"))
    if not events and (seen or corrupt):
        raise BadInputError(
            f"{path} is not a history of Qwen Code.",
            f"None of its {seen + corrupt} lines is an event that Qwen Code writes.",
            "See which files are: ~/.qwen/projects/*/chats/*.jsonl",
        )
    return events


def _path_to_last(events: list[dict[str, Any]], tally: lines.Tally) -> list[dict[str, Any]]:
    """The events from the root to the last one, in the file's order."""
    by_id = {as_str(event["uuid"]): event for event in events}
    names = list(by_id)
    before = dict(zip(names[1:], names, strict=False))
    chosen: set[str] = set()
    at = names[-1] if names else ""
    while at and at not in chosen:
        chosen.add(at)
        parent = as_str(by_id[at].get("parentUuid"))
        # A parent that is not there was in a damaged line; the line before is the best guess.
        at = parent if parent in by_id or not parent else before.get(at, "")
    left = [e for name, e in by_id.items() if name not in chosen and e.get("type") != "system"]
    tally.add("lines of a branch that was rewound", len(left))
    return [event for name, event in by_id.items() if name in chosen]


class _Reader:
    """Turns the events of one conversation into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.version = ""
        self.branch = ""
        self._pieces = Pieces(self.out)
        self._open: Draft | None = None
        """A sub-agent's answer, which may stand in several lines."""

    def read(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            self.version = as_str(event.get("version")) or self.version
            self.branch = as_str(event.get("gitBranch")) or self.branch
            kind = event.get("type")
            if kind == "assistant":
                self._agent(event)
                continue
            self._open = self._open if kind == "system" else None
            if kind == "tool_result":
                self._result(event)
            elif kind == "user":
                # Older events and sub-agents' own say nothing of who wrote them.
                host = event.get("provenance", "real_user") != "real_user" or _is_aside(event)
                self._pieces.user(gemini_items("user", _parts(event)), event.get("timestamp"), injected=host)
            else:
                self._system(event)

    def _agent(self, event: dict[str, Any]) -> None:
        draft = self._open
        if draft is None:
            draft = self.out.add("agent", event.get("timestamp"))
            model = as_str(event.get("model"))
            draft.model = model or None
            if model:
                self.models[model] += 1
        self._pieces.agent(gemini_items("model", _parts(event)), draft)
        draft.metrics = _usage(event.get("usageMetadata")) or draft.metrics
        self._open = draft if event.get("isSidechain") is True else None

    def _result(self, event: dict[str, Any]) -> None:
        raw = event.get("toolCallResult")
        told: dict[str, Any] = raw if isinstance(raw, dict) else {}
        shown = told.get("resultDisplay")
        code = shown.get("exitCode") if isinstance(shown, dict) else None
        if not isinstance(code, int) or isinstance(code, bool) or abs(code) >= 2**31:
            code = None
        failed = {"success": False, "error": True, "cancelled": True}.get(as_str(told.get("status")))
        if code is not None:
            failed = code != 0
        items = gemini_items("user", _parts(event))
        self._pieces.results(items, event.get("timestamp"), failed=failed, code=code)

    def _system(self, event: dict[str, Any]) -> None:
        kind = event.get("subtype")
        if kind == "chat_compression":
            payload = event.get("systemPayload")
            told = payload.get("compressedHistory") if isinstance(payload, dict) else None
            first = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
            content = first.get("parts") or "Compacted"
            self._pieces.user(
                gemini_items("user", content), event.get("timestamp"), injected=True, kind="compaction"
            )
        elif as_str(kind) not in QUIET:
            self.tally.unknown(f"system {as_str(kind)}")


def _parts(event: dict[str, Any]) -> Any:
    message = event.get("message")
    return message.get("parts") if isinstance(message, dict) else []


def _is_aside(event: dict[str, Any]) -> bool:
    return event.get("subtype") in ("notification", "cron", "goal_runtime")


def _usage(usage: object) -> Metrics | None:
    if not isinstance(usage, dict):
        return None
    made = [as_int(usage.get(key)) for key in ("candidatesTokenCount", "thoughtsTokenCount")]
    return Metrics(
        prompt_tokens=as_int(usage.get("promptTokenCount")),
        completion_tokens=sum(n for n in made if n),
        cached_tokens=as_int(usage.get("cachedContentTokenCount")),
    )


def _subagents(path: Path, native: str, root: _Reader, tally: lines.Tally) -> list[Trajectory]:
    """Every sub-agent of the session, those of sub-agents too."""
    made: list[Trajectory] = []
    readers = [root]
    started: list[tuple[str, str]] = []
    for file in subagent_files(path, native):
        name = file.stem.removeprefix("agent-")
        reader = _Reader(tally)
        try:
            events = _events(file, tally)
        except SkillClawError:
            tally.add("sub-agent files that could not be read")
            continue
        reader.read(_path_to_last(events, tally))
        readers.append(reader)
        sub = subagent(reader.out, agent=NAME, version=reader.version, native_id=name, models=reader.models)
        if sub is not None:
            made.append(sub)
            started.append((_call_of(file), name))
    for call, name in started:
        for reader in readers:
            reader.out.refer(call, [name])
    return made


def _call_of(file: Path) -> str:
    """The id of the call that started a sub-agent."""
    try:
        value = lines.json_value(file.with_suffix(".meta.json").read_bytes()[:65536])
    except (OSError, SkillClawError):
        return ""
    return as_str(value.get("toolUseId")) if isinstance(value, dict) else ""
