"""Codex's history: `sessions/YYYY/MM/DD/rollout-<time>-<thread id>.jsonl`, also `archived_sessions/`, also
zstd.

Read from files that Codex 0.169 wrote; older forms as documented in its sources. A line is `{timestamp,
type, payload}`. `response_item` lines are what the model saw and said; `event_msg` lines repeat it for the
screen and add exit codes. A sub-agent is a rollout of its own, named by its root's events.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.codex_files import (
    ITEMS,
    LINES,
    files_of,
    looks_like,
    parts_of,
    root_of,
    texts_of,
    thread_of,
)
from skillclaw.agents.history.codex_results import call_of, exit_of, output_of
from skillclaw.agents.history.drafts import Draft
from skillclaw.agents.history.steps import Transcript, as_int, as_str, subagent, trajectory
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Metrics, Part, Trajectory
from skillclaw.trajectory.projects import remote_name

__all__ = ["NAME", "read"]

NAME = "codex"
SUBAGENT = "sub-agent sessions, read with their root"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"

_SKILL = re.compile(r"\s*<skill>\s*<name>([^<\n]{1,64})</name>")
_OFFERED = re.compile(r"^- ([\w.:-]{1,64}): .*\(file: [^\n]*\)\s*$", re.MULTILINE)


def read(path: Path, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the file cannot be read, BadInputError when it is no Codex rollout.
    """
    tally = lines.Tally()
    reader = _Reader(tally)
    reader.read(path)
    thread = as_str(reader.meta.get("id")) or thread_of(path)
    if root_of(reader.meta) not in ("", thread):
        return HistoryRead(trajectory=None, skipped={**tally.result(), SUBAGENT: 1})
    cwd = reader.cwd
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    subs = _subagents(path, reader, tally)
    git = reader.meta.get("git")
    git = git if isinstance(git, dict) else {}
    told = {
        "git_branch": as_str(git.get("branch")),
        "git_commit": as_str(git.get("commit_hash")),
        "git_remote": remote_name(as_str(git.get("repository_url"))),
    }
    made = trajectory(
        reader.out,
        agent=NAME,
        version=as_str(reader.meta.get("cli_version")),
        native_id=thread,
        models=reader.models,
        cwd=cwd,
        home=env.home,
        facts={name: value for name, value in told.items() if value},
        subagents=subs,
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


class _Typed(NamedTuple):
    """What an event says that the user typed, and how many steps were there by then."""

    text: str
    stamp: object
    place: int
    copied: bool


class _Reader:
    """Turns the lines of one rollout into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.meta: dict[str, Any] = {}
        self.cwd = ""
        self.children: dict[str, str] = {}
        """Thread id of a sub-agent -> id of the call that started it."""
        self._model = ""
        self._effort: str | None = None
        self._reasoning: list[str] = []
        self._open: Draft | None = None
        self._last: Draft | None = None
        self._records = False
        self._total: object = None
        self._typed: list[_Typed] = []
        self._created = 0.0
        self._copying = False

    def read(self, path: Path) -> None:
        """Read the whole file; BadInputError when no line of it is a rollout's."""
        seen = known = 0
        for _, value in lines.objects(path, self.tally):
            seen += 1
            known += self._line(value)
        corrupt = sum(n for reason, n in self.tally.counts.items() if reason.startswith("corrupt"))
        if not known and (seen or corrupt):
            raise BadInputError(
                f"{path} is not a rollout of Codex.",
                f"None of its {seen + corrupt} lines is one that Codex writes.",
                "See which files are: <Codex's folder>/sessions/*/*/*/rollout-*.jsonl",
            )
        if not any(d.source == "user" and not d.injected for d in self.out.drafts):
            # Up to 0.147 or so the user's words may stand in the events alone.
            for typed in reversed(self._typed):
                self.out.add("user", typed.stamp, [Part(type="text", text=typed.text)]).copied = typed.copied
                self.out.drafts.insert(typed.place, self.out.drafts.pop())

    def _line(self, value: dict[str, Any]) -> bool:
        kind = value.get("type")
        stamp = value.get("timestamp")
        payload = value.get("payload")
        if not isinstance(payload, dict):
            # Before 0.30 or so: bare items, after a first line with the session's facts.
            if as_str(kind) in ITEMS:
                self._item(value, {}, stamp)
                return True
            if looks_like(value) or value.get("record_type") == "state":
                self.meta = self.meta or (value if "id" in value else {})
                return True
            self.tally.unknown(kind)
            return False
        match kind:
            case "session_meta":
                self._session(payload)
            case "turn_context":
                self.cwd = self.cwd or as_str(payload.get("cwd"))
                self._model = as_str(payload.get("model")) or self._model
                self._effort = as_str(payload.get("effort")) or None
            case "response_item":
                raw = value.get("metadata")
                self._item(payload, raw if isinstance(raw, dict) else {}, stamp)
            case "event_msg":
                self._event(payload, stamp)
            case "compacted":
                self._close()
                text = as_str(payload.get("message")) or "Compacted"
                parts = [Part(type="text", text=text)]
                self._put(self.out.add("system", stamp, parts, injected=True, kind="compaction"))
            case "token_usage_record":
                self._records = True
                self._measure(payload.get("usage"))
                self._close()
            case _ if as_str(kind) in LINES:
                pass
            case _:
                self.tally.unknown(kind)
                return False
        return True

    def _session(self, payload: dict[str, Any]) -> None:
        if self.meta:
            # A fork holds its parent's lines; what follows is a copy until a turn of its own begins.
            self._copying = self._copying or bool(self.meta.get("forked_from_id"))
            return
        self.meta = payload
        self.cwd = as_str(payload.get("cwd"))
        self._copying = bool(payload.get("forked_from_id"))
        try:
            self._created = datetime.fromisoformat(
                as_str(payload.get("timestamp")).replace("Z", "+00:00")
            ).timestamp()
        except (ValueError, OverflowError):
            self._created = 0.0

    def _put(self, draft: Draft) -> Draft:
        draft.copied = self._copying
        return draft

    def _item(self, item: dict[str, Any], extra: dict[str, Any], stamp: object) -> None:
        match item.get("type"):
            case "message":
                self._message(item, extra, stamp)
            case "reasoning":
                texts = texts_of(item.get("summary")) + texts_of(item.get("content"))
                if self._open is not None and not self._open.calls:
                    self._open.reasoning += texts
                else:
                    self._reasoning += texts
            case (
                "function_call"
                | "custom_tool_call"
                | "local_shell_call"
                | "web_search_call"
                | ("image_generation_call" | "tool_search_call")
            ):
                name, arguments = call_of(item)
                draft = self._agent(stamp)
                call_id = as_str(item.get("call_id")) or as_str(item.get("id"))
                self.out.call(draft, call_id, name, arguments)
                for text in (arguments, *(arguments.values() if isinstance(arguments, dict) else ())):
                    words = text if isinstance(text, list) else [text]
                    self.out.skill_files(" ".join(as_str(word) for word in words), draft)
            case "function_call_output" | "custom_tool_call_output" | "tool_search_output":
                self._close()
                call_id = as_str(item.get("call_id"))
                call = self.out.call_of(call_id)
                content, meta = output_of(item, call.function_name if call else "", call)
                self.out.result(call_id, content, meta, stamp)
            case "compaction" | "compaction_summary" | "context_compaction":
                self._close()
                parts = [Part(type="text", text="Compacted")]
                self._put(self.out.add("system", stamp, parts, injected=True, kind="compaction"))
            case kind if as_str(kind) in ITEMS:
                pass
            case kind:
                self.tally.unknown(f"item {kind}")

    def _message(self, item: dict[str, Any], extra: dict[str, Any], stamp: object) -> None:
        role = item.get("role")
        if role == "assistant":
            draft = self._agent(stamp)
            for text in texts_of(item.get("content")):
                draft.text(text)
            if extra.get("compaction_output") is True:
                draft.kind = "compaction"
            return
        self._close()
        if role != "user":
            texts = texts_of(item.get("content"))
            for text in texts:
                for match in _OFFERED.finditer(text if "<skills_instructions>" in text else ""):
                    self.out.skill(match[1], "offered", None)
            parts = [Part(type="text", text=text) for text in texts]
            self._put(self.out.add("system", stamp, parts, injected=True))
            return
        kinds = item.get("internal_chat_message_metadata_passthrough")
        marked = kinds.get("content_item_kinds") if isinstance(kinds, dict) else None
        typed = isinstance(marked, list) and any(as_str(k).startswith("user.") for k in marked)
        own: list[Part] = []
        host: list[Part] = []
        for part in parts_of(item.get("content")):
            text = part.text or ""
            if part.type == "text" and marks.injected_codex(text) and not typed:
                host.append(part)
            else:
                own.append(part)
        if marked and not typed and own:
            host, own = host + own, []
        if host:
            compact = any((p.text or "").startswith("Another language model started") for p in host)
            kind: Literal["turn", "compaction"] = "compaction" if compact else "turn"
            draft = self._put(self.out.add("user", stamp, host, injected=True, kind=kind))
            for part in host:
                named = _SKILL.match(part.text or "")
                if named:
                    self.out.skill(named[1].strip(), "invoked", draft)
                    self.out.skill(named[1].strip(), "read", draft)
        if own:
            self._thought(stamp)
            self._put(self.out.add("user", stamp, own))

    def _event(self, event: dict[str, Any], stamp: object) -> None:
        match event.get("type"):
            case "user_message":
                text = as_str(event.get("message"))
                if text and not marks.injected_codex(text):
                    self._close()
                    self._typed.append(_Typed(text, stamp, len(self.out.drafts), self._copying))
            case "task_started" | "turn_started":
                started = event.get("started_at")
                if isinstance(started, int | float) and started + 1 >= self._created:
                    self._copying = False
            case "token_count" if not self._records:
                info = event.get("info")
                if isinstance(info, dict) and info.get("total_token_usage") != self._total:
                    self._total = info.get("total_token_usage")
                    self._measure(info.get("last_token_usage"))
                self._close()
            case "turn_aborted":
                self._thought(stamp)
                why = as_str(event.get("reason")) or "unknown"
                parts = [Part(type="text", text=f"Turn aborted: {why}")]
                self._put(self.out.add("system", stamp, parts, injected=True))
            case "thread_rolled_back":
                self._roll_back(as_int(event.get("num_turns")) or 0)
            case "item_completed":
                item = event.get("item")
                if isinstance(item, dict):
                    self._completed(item)
            case "exec_command_end" | "patch_apply_end" | "mcp_tool_call_end":
                code, failed = exit_of(event)
                self._amend(as_str(event.get("call_id")), code, failed)
            case "collab_agent_spawn_end":
                self._child(event.get("new_thread_id"), event.get("call_id"))

    def _completed(self, item: dict[str, Any]) -> None:
        call_id = as_str(item.get("id"))
        if item.get("type") == "CollabAgentToolCall":
            if item.get("tool") == "spawn_agent":
                receivers = item.get("receiver_thread_ids")
                for receiver in receivers if isinstance(receivers, list) else []:
                    self._child(receiver, call_id)
            return
        code, failed = exit_of(item)
        self._amend(call_id, code, failed)

    def _amend(self, call_id: str, code: int | None, failed: bool | None) -> None:
        """The event comes before the result of the same call; it is kept until the result is there."""
        if code is not None or failed is not None:
            self.out.foretell(call_id, exit_code=code, is_error=failed)

    def _child(self, thread: object, call_id: object) -> None:
        if as_str(thread):
            self.children.setdefault(as_str(thread), as_str(call_id))

    def _roll_back(self, turns: int) -> None:
        self._close()
        self._reasoning = []
        for _ in range(turns):
            starts = [i for i, d in enumerate(self.out.drafts) if d.source == "user" and not d.injected]
            starts = starts or [typed.place for typed in self._typed]
            if not starts:
                break
            gone = self.out.drafts[starts[-1] :]
            self.tally.add("steps of turns that were rolled back", len(gone))
            del self.out.drafts[starts[-1] :]
            self._typed = [typed for typed in self._typed if typed.place < starts[-1]]

    def _agent(self, stamp: object) -> Draft:
        """The step of the model's answer that is being read."""
        if self._open is None:
            self._open = self._put(self.out.add("agent", stamp))
            self._open.model = self._model or None
            self._open.effort = self._effort
            if self._model:
                self.models[self._model] += 1
        self._open.reasoning += self._reasoning
        self._reasoning = []
        self._last = self._open
        return self._open

    def _thought(self, stamp: object) -> None:
        """Ends the step; what was thought and never said is one of its own, and none of the next answer's."""
        if self._reasoning:
            self._agent(stamp)
        self._close()

    def _close(self) -> None:
        self._open = None

    def _measure(self, usage: object) -> None:
        if self._last is None or self._last.metrics is not None or not isinstance(usage, dict):
            return
        self._last.metrics = Metrics(
            prompt_tokens=as_int(usage.get("input_tokens")),
            completion_tokens=as_int(usage.get("output_tokens")),
            cached_tokens=as_int(usage.get("cached_input_tokens")),
        )


def _subagents(path: Path, root: _Reader, tally: lines.Tally) -> list[Trajectory]:
    """Every sub-agent that the session's own events name, those of sub-agents too."""
    made: list[Trajectory] = []
    waiting = [(root, thread, call) for thread, call in root.children.items()]
    seen = {as_str(root.meta.get("id"))}
    while waiting:
        parent, thread, call = waiting.pop(0)
        parent.out.refer(call, [thread])
        if thread in seen:
            continue
        seen.add(thread)
        file = next(files_of(path, thread), None)
        if file is None:
            tally.add("sub-agents whose rollout is gone")
            continue
        reader = _Reader(tally)
        try:
            reader.read(file)
        except SkillClawError:
            tally.add("sub-agent files that could not be read")
            continue
        sub = subagent(
            reader.out,
            agent=NAME,
            version=as_str(reader.meta.get("cli_version")),
            native_id=thread,
            models=reader.models,
        )
        if sub is not None:
            made.append(sub)
        waiting += [(reader, child, call) for child, call in reader.children.items()]
    return made
