"""OpenCode's sessions as trajectories; where they are kept, `opencode_store`.

Read from what OpenCode 1.18.33 and 1.1.65 wrote. The id of a session is the one that the wire shows
(`x-session-id`), so both become one session. What the host put into a user's message is marked `synthetic`.
A shell command's exit code stands in its part's `metadata.exit` only: neither its text nor the wire has it.
The system prompt is not kept, so which skills were offered is known from the wire alone.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.drafts import Draft, message_of
from skillclaw.agents.history.opencode_store import Message, Session, load
from skillclaw.agents.history.steps import Transcript, as_int, as_str, image_part, subagent, trajectory
from skillclaw.agents.records import Env, HistoryFile, HistoryRead
from skillclaw.trajectory.model import Metrics, Part, ResultMeta, Trajectory

__all__ = ["NAME", "read"]

NAME = "opencode"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
UNDONE = "messages that the user undid"

QUIET = frozenset({"step-finish", "snapshot", "patch", "agent", "retry", "step-start"})
"""Parts that say nothing of what was said or done; the steps' ends are looked at for their tokens."""


def read(file: HistoryFile, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the file cannot be read, BadInputError when it holds no such session.
    """
    tally = lines.Tally()
    session = load(file, tally)
    if env.is_own(session.directory):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    root = _Reader(session, tally)
    subs: list[Trajectory] = []
    _below(session, [root], subs, tally)
    made = trajectory(
        root.out,
        agent=NAME,
        version=session.version,
        native_id=session.id,
        models=root.models,
        cwd=session.directory,
        home=env.home,
        facts={},
        subagents=subs,
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


def _below(session: Session, readers: list[_Reader], made: list[Trajectory], tally: lines.Tally) -> None:
    """Every sub-agent's session, those of sub-agents too, referred to by the call that started it."""
    for child in session.children:
        reader = _Reader(child, tally)
        sub = subagent(
            reader.out, agent=NAME, version=child.version, native_id=child.id, models=reader.models
        )
        if sub is None:
            continue
        made.append(sub)
        for parent in readers:
            parent.out.refer(parent.started.get(child.id, ""), [child.id])
        _below(child, [*readers, reader], made, tally)


class _Reader:
    """Turns one session's messages into steps."""

    def __init__(self, session: Session, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.started: dict[str, str] = {}
        """Id of a sub-agent's session -> id of the call that started it."""
        tally.add(UNDONE, session.undone)
        for message in session.messages[: len(session.messages) - session.undone]:
            count = len(self.out.drafts)
            match message.info.get("role"):
                case "user":
                    self._user(message)
                case "assistant":
                    self._assistant(message)
                case role:
                    tally.unknown(f"message {as_str(role)}")
            # A fork begins with a copy of what was said before it was made.
            for draft in self.out.drafts[count:]:
                draft.copied = bool(message.created and message.created < session.created)

    def _user(self, message: Message) -> None:
        stamp = _stamp(message.created)
        own: list[Part] = []
        host: list[Part] = []
        for part in message.parts:
            match as_str(part.get("type")):
                case "text":
                    text = as_str(part.get("text"))
                    if part.get("ignored") is True:
                        continue
                    if part.get("synthetic") is True:
                        host.append(Part(type="text", text=text))
                        continue
                    text, reminders = marks.split_reminders(text)
                    host += [Part(type="text", text=reminder) for reminder in reminders]
                    if text.strip():
                        own.append(Part(type="text", text=text))
                case "file":
                    # A text file or folder stands beside it as text; other files go along as they are.
                    if not as_str(part.get("mime")).startswith(("text/", "application/x-directory")):
                        own.append(image_part(part.get("mime"), part.get("url")))
                case "subtask":
                    own.append(Part(type="text", text=as_str(part.get("prompt"))))
                case "compaction":
                    parts = [Part(type="text", text="Compacted")]
                    self.out.add("system", stamp, parts, injected=True, kind="compaction")
                case kind if kind not in QUIET:
                    self.tally.unknown(f"part {kind}")
        if host:
            self.out.add("user", stamp, host, injected=True)
        if own:
            self.out.add("user", stamp, own)

    def _assistant(self, message: Message) -> None:
        info = message.info
        model = as_str(info.get("modelID"))
        if model:
            self.models[model] += 1
        compaction = info.get("summary") is True or info.get("mode") == "compaction"
        draft = self._draft(message, model, compaction)
        counted = False
        for part in message.parts:
            match as_str(part.get("type")):
                case "step-start":
                    # Old versions put all answers of a turn into one message.
                    if not draft.empty:
                        draft = self._draft(message, model, compaction)
                case "step-finish":
                    draft.metrics = _usage(part) or draft.metrics
                    counted = counted or draft.metrics is not None
                case "text":
                    draft.text(as_str(part.get("text")))
                case "reasoning":
                    if as_str(part.get("text")).strip():
                        draft.reasoning.append(as_str(part.get("text")))
                case "tool":
                    self._tool(draft, part)
                case kind if kind not in QUIET:
                    self.tally.unknown(f"part {kind}")
        if not counted:
            draft.metrics = _usage(info)
        error = info.get("error")
        if isinstance(error, dict):
            data = error.get("data")
            why = as_str(data.get("message")) if isinstance(data, dict) else ""
            text = f"The call failed. {as_str(error.get('name'))}: {why}".rstrip(": ")
            self.out.add(
                "system", _stamp(message.created), [Part(type="text", text=text)], injected=True, kind="side"
            )

    def _draft(self, message: Message, model: str, compaction: bool) -> Draft:
        draft = self.out.add("agent", _stamp(message.created), kind="compaction" if compaction else "turn")
        draft.model = model or None
        return draft

    def _tool(self, draft: Draft, part: dict[str, Any]) -> None:
        raw = part.get("state")
        state: dict[str, Any] = raw if isinstance(raw, dict) else {}
        arguments, tool, call_id = state.get("input"), as_str(part.get("tool")), as_str(part.get("callID"))
        self.out.call(draft, call_id, tool, arguments if arguments is not None else {})
        status = state.get("status")
        known: dict[str, Any] = arguments if isinstance(arguments, dict) else {}
        target = as_str(known.get("filePath"))
        if tool == "skill":
            self.out.skill(known.get("name"), "invoked", draft)
        elif tool in ("read", "bash"):
            for key in ("filePath", "command"):
                self.out.skill_files(as_str(known.get(key)), draft)
        if status not in ("completed", "error"):
            return  # still at work, or the program ended before the tool did
        if tool == "skill" and status == "completed":
            self.out.skill(known.get("name"), "read", draft)
        detail = state.get("metadata")
        facts: dict[str, Any] = detail if isinstance(detail, dict) else {}
        code = facts.get("exit")
        code = code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**32 else None
        failed = status == "error" or tool == "invalid" or bool(code)
        child = as_str(facts.get("sessionId"))
        if child:
            self.started[child] = call_id
        meta = ResultMeta(exit_code=code, is_error=failed, taint=marks.taint_of(tool, target))
        self.out.result(call_id, _content(state), meta, _stamp(_ended(state)))


def _content(state: dict[str, Any]) -> str | list[Part]:
    text = as_str(state.get("error") if state.get("status") == "error" else state.get("output"))
    parts = [Part(type="text", text=text)] if text else []
    attached = state.get("attachments")
    for file in attached if isinstance(attached, list) else []:
        if isinstance(file, dict) and file.get("type") == "file":
            parts.append(image_part(file.get("mime"), file.get("url")))
    return message_of(parts)


def _ended(state: dict[str, Any]) -> int:
    time = state.get("time")
    return (as_int(time.get("end")) or 0) if isinstance(time, dict) else 0


def _usage(info: dict[str, Any]) -> Metrics | None:
    """Tokens and money of one answer; what came from a cache is counted apart from `input`."""
    tokens = info.get("tokens")
    if not isinstance(tokens, dict):
        return None
    raw = tokens.get("cache")
    cache: dict[str, Any] = raw if isinstance(raw, dict) else {}
    cost = info.get("cost")
    given = [as_int(tokens.get("input")), as_int(cache.get("read")), as_int(cache.get("write"))]
    said = [as_int(tokens.get("output")), as_int(tokens.get("reasoning"))]
    if not any([*given, *said]):
        return None
    return Metrics(
        prompt_tokens=sum(n for n in given if n),
        completion_tokens=sum(n for n in said if n),
        cached_tokens=as_int(cache.get("read")),
        cost_usd=float(cost) if isinstance(cost, int | float) and cost > 0 else None,
    )


def _stamp(milliseconds: int) -> str:
    """A time as ATIF has it; empty when there is none."""
    if not milliseconds:
        return ""
    try:
        made = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return made.isoformat(timespec="milliseconds").replace("+00:00", "Z")
