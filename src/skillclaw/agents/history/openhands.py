"""OpenHands' history: a folder for each conversation, `conversations/<id>/`, with a file for each event.

Read from folders that OpenHands CLI 1.16.0 (SDK 1.21) wrote. `base_state.json` has the conversation's id, the
working directory and the tokens of each answer by its id; it also has the model's settings, of which only the
model's name is taken (OpenHands writes `**********` in place of the key). `events/event-<number>-<id>.json`
are the events. Calls of one answer have one `llm_response_id`. A sub-agent has a folder of the same kind
under `subagents/`. The id is what the wire shows as `prompt_cache_key`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines
from skillclaw.agents.history.drafts import Draft
from skillclaw.agents.history.steps import Transcript, as_int, as_str, image_part, subagent, trajectory
from skillclaw.agents.history.unnamed import local_stamp
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Metrics, Part, ResultMeta, Trajectory
from skillclaw.wire.results import facts

__all__ = ["NAME", "STATE", "event_files", "looks_like", "read"]

NAME = "openhands"
STATE = "base_state.json"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
SUBAGENT = "sub-agent sessions, read with their root"
QUIET = frozenset(
    {
        "ConversationStateUpdateEvent",
        "CondensationRequest",
        "HookExecutionEvent",
        "LLMCompletionLogEvent",
        "PauseEvent",
        "StreamingDeltaEvent",
        "TokenEvent",
    }
)
"""Events that say nothing of the conversation."""
DEPTH = 8
"""Sub-agents of sub-agents that are followed."""


def looks_like(value: Any) -> bool:
    """Whether a document is the state of an OpenHands conversation."""
    return isinstance(value, dict) and isinstance(value.get("execution_status"), str) and "workspace" in value


def event_files(folder: Path) -> list[Path]:
    """The events of a conversation in their order; nothing where they cannot be listed."""
    try:
        return sorted((folder / "events").glob("event-*.json"))
    except OSError:
        return []


def read(path: Path, env: Env) -> HistoryRead:
    """The conversation whose state is in `path`, with its sub-agents.

    Raises StorageError when the state cannot be read, BadInputError when it is none of OpenHands'.
    """
    tally = lines.Tally()
    if path.parent.parent.name == "subagents":
        return HistoryRead(trajectory=None, skipped={SUBAGENT: 1})
    reader = _Reader(path, tally)
    if env.is_own(reader.cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    subs = list(_subagents(reader, tally, DEPTH))
    made = trajectory(
        reader.out,
        agent=NAME,
        version="",
        native_id=reader.id,
        models=reader.models,
        cwd=reader.cwd,
        home=env.home,
        facts={},
        subagents=subs,
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


class _Reader:
    """Turns the events of one conversation into steps."""

    def __init__(self, path: Path, tally: lines.Tally) -> None:
        self.folder = path.parent
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.briefs: dict[str, str] = {}
        """What a call told a sub-agent -> the call's id."""
        self._answers: dict[str, Draft] = {}
        state = _document(path)
        if not looks_like(state):
            raise BadInputError(
                f"{path} is not the state of an OpenHands conversation.",
                "",
                "See which files are: ~/.openhands/conversations/*/base_state.json",
            )
        workspace = state.get("workspace")
        self.cwd = as_str(workspace.get("working_dir")) if isinstance(workspace, dict) else ""
        self.id = as_str(state.get("id")) or self.folder.name
        self._model, self._usage = _measured(state)
        for file in event_files(self.folder):
            try:
                event = _document(file)
            except SkillClawError:
                # The last one may be on its way to the disk.
                tally.add("events that could not be read")
                continue
            self._event(event if isinstance(event, dict) else {})

    def _event(self, event: dict[str, Any]) -> None:
        stamp = local_stamp(as_str(event.get("timestamp")))
        match event.get("kind"):
            case "SystemPromptEvent":
                self._prompt(event, stamp)
            case "MessageEvent":
                self._message(event, stamp)
            case "ActionEvent":
                self._action(event, stamp)
            case "ObservationEvent":
                self._observation(event, stamp)
            case "AgentErrorEvent":
                self._refused(event, as_str(event.get("error")), stamp)
            case "UserRejectObservation":
                reason = as_str(event.get("rejection_reason"))
                self._refused(event, f"Action rejected: {reason}", stamp)
            case "Condensation":
                parts = [Part(type="text", text=as_str(event.get("summary")) or "Compacted")]
                self.out.add("system", stamp, parts, injected=True, kind="compaction")
            case "ConversationErrorEvent":
                parts = [Part(type="text", text=as_str(event.get("detail")))]
                self.out.add("system", stamp, parts, injected=True)
            case kind if as_str(kind) in QUIET:
                pass
            case kind:
                self.tally.unknown(kind)

    def _prompt(self, event: dict[str, Any], stamp: str) -> None:
        parts = [*_parts([event.get("system_prompt")]), *_parts([event.get("dynamic_context")])]
        self.out.add("system", stamp, parts, injected=True)

    def _message(self, event: dict[str, Any], stamp: str) -> None:
        said = event.get("llm_message")
        message: dict[str, Any] = said if isinstance(said, dict) else {}
        parts = _parts(message.get("content"))
        if event.get("source") == "agent":
            draft = self._answer(event, stamp)
            draft.parts += parts
            _think(draft, message)
            return
        typed = event.get("source") == "user"
        self.out.add("user", stamp, parts, injected=not typed)
        extension = _parts(event.get("extended_content"))
        if extension:
            # Skills whose words the user said, and what hooks add.
            draft = self.out.add("user", stamp, extension, injected=True)
            names = event.get("activated_skills")
            for name in names if isinstance(names, list) else []:
                self.out.skill(name, "read", draft)

    def _action(self, event: dict[str, Any], stamp: str) -> None:
        draft = self._answer(event, stamp)
        draft.parts += _parts(event.get("thought"))
        _think(draft, event)
        told = event.get("tool_call")
        call: dict[str, Any] = told if isinstance(told, dict) else {}
        given = call.get("arguments")
        try:
            arguments = lines.json_value(given.encode()) if isinstance(given, str) else given
        except (BadInputError, UnicodeEncodeError):
            arguments = given
        ident, name = as_str(event.get("tool_call_id")), as_str(event.get("tool_name"))
        self.out.call(draft, ident, name, arguments)
        if not isinstance(arguments, dict):
            return
        if name == "invoke_skill":
            self.out.skill(arguments.get("name"), "invoked", draft)
        for key in ("command", "path"):
            self.out.skill_files(as_str(arguments.get(key)), draft)
        for text in arguments.values():
            if as_str(text).strip():
                self.briefs.setdefault(text.strip(), ident)

    def _observation(self, event: dict[str, Any], stamp: str) -> None:
        seen = event.get("observation")
        observation: dict[str, Any] = seen if isinstance(seen, dict) else {}
        parts = _parts(observation.get("content"))
        text = "\n".join(part.text or "" for part in parts)
        ident = as_str(event.get("tool_call_id"))
        call = self.out.call_of(ident)
        told = observation.get("is_error")
        failed = told if isinstance(told, bool) else None
        code = _code(observation)
        known = facts(as_str(event.get("tool_name")), call.arguments if call else {}, text, None)
        if observation.get("kind") == "InvokeSkillObservation":
            name = observation.get("skill_name")
            self.out.skill(name, "read", self._owner(ident))
        meta = ResultMeta(
            exit_code=code,
            is_error=True if failed is True else (code != 0 if code is not None else failed),
            taint=known.taint,
        )
        pictures = any(part.type != "text" for part in parts)
        self.out.result(ident, parts if pictures else text, meta, stamp)

    def _refused(self, event: dict[str, Any], text: str, stamp: str) -> None:
        self.out.result(event.get("tool_call_id"), text, ResultMeta(is_error=True), stamp)

    def _answer(self, event: dict[str, Any], stamp: str) -> Draft:
        """The step of the model's answer that the event is part of."""
        ident = as_str(event.get("llm_response_id"))
        known = self._answers.get(ident) if ident else None
        if known is not None:
            return known
        draft = self.out.add("agent", stamp)
        draft.model = self._model or None
        draft.metrics = self._usage.get(ident)
        if self._model:
            self.models[self._model] += 1
        if ident:
            self._answers[ident] = draft
        return draft

    def _owner(self, ident: str) -> Draft | None:
        return next((d for d in self.out.drafts if any(c.tool_call_id == ident for c in d.calls)), None)


def _subagents(reader: _Reader, tally: lines.Tally, depth: int) -> Iterator[Trajectory]:
    try:
        states = sorted((reader.folder / "subagents").glob(f"*/{STATE}"))
    except OSError:
        states = []
    for path in states if depth else []:
        try:
            inner = _Reader(path, tally)
        except SkillClawError:
            tally.add("sub-agent files that could not be read")
            continue
        first = next((d for d in inner.out.drafts if d.source == "user" and not d.injected), None)
        brief = "\n".join(part.text or "" for part in first.parts).strip() if first else ""
        made = subagent(inner.out, agent=NAME, version="", native_id=inner.id, models=inner.models)
        if made is None:
            continue
        if brief in reader.briefs:
            reader.out.refer(reader.briefs[brief], [inner.id])
        yield made
        yield from _subagents(inner, tally, depth - 1)


def _document(path: Path) -> Any:
    """The one JSON value of a file; BadInputError when it holds none."""
    with lines.open_bytes(path) as stream:
        data = stream.read(lines.MAX_LINE)
    return lines.json_value(data)


def _measured(state: dict[str, Any]) -> tuple[str, dict[str, Metrics]]:
    """(model, tokens by the id of the answer) of what the state counted."""
    stats = state.get("stats")
    usages = stats.get("usage_to_metrics") if isinstance(stats, dict) else None
    found: dict[str, Metrics] = {}
    model = ""
    for one in usages.values() if isinstance(usages, dict) else []:
        told = one.get("token_usages") if isinstance(one, dict) else None
        for usage in told if isinstance(told, list) else []:
            if not isinstance(usage, dict) or not as_str(usage.get("response_id")):
                continue
            model = model or as_str(usage.get("model"))
            found[usage["response_id"]] = Metrics(
                prompt_tokens=as_int(usage.get("prompt_tokens")),
                completion_tokens=as_int(usage.get("completion_tokens")),
                cached_tokens=as_int(usage.get("cache_read_tokens")),
            )
    # LiteLLM's name of the provider before the model is not on the wire.
    return model.partition("/")[2] or model, found


def _think(draft: Draft, holder: dict[str, Any]) -> None:
    thought = as_str(holder.get("reasoning_content"))
    if thought and thought not in draft.reasoning:
        draft.reasoning.append(thought)


def _code(observation: dict[str, Any]) -> int | None:
    code = observation.get("exit_code")
    whole = isinstance(code, int) and not isinstance(code, bool) and -(2**31) <= code < 2**32
    # -1 is what a command has that still runs.
    return code if whole and code != -1 else None


def _parts(content: Any) -> list[Part]:
    made = []
    for block in content if isinstance(content, list) else []:
        if not isinstance(block, dict):
            continue
        urls = block.get("image_urls")
        for url in urls if isinstance(urls, list) else []:
            made.append(image_part("image/png", url))
        if as_str(block.get("text")):
            made.append(Part(type="text", text=block["text"]))
    return made
