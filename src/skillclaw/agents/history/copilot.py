"""Copilot CLI's sessions: `session-state/<id>/events.jsonl`, one event a line (formerly `<id>.jsonl`).

Read from what Copilot CLI 1.0.102 wrote, and by the schema of events that comes with it. An event has `type`,
`data`, `id`, `timestamp`, and `agentId` where it is a sub-agent's. What the user said stands apart from what
the host made of it; a shell command's exit code stands beside its result; a skill's text is kept with its
invocation and referred to by its digest. The wire has no id of the session (with the Responses protocol one
of its own).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.drafts import Draft
from skillclaw.agents.history.steps import Transcript, as_int, as_str, subagent, trajectory
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Metrics, Part, ResultMeta, Trajectory

__all__ = ["NAME", "looks_like", "read", "working_folder"]

NAME = "copilot"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"
REWOUND = "events that the user took back"

FAMILIES = ("session", "assistant", "user", "system", "tool", "subagent", "skill")
QUIET = frozenset(
    {
        "assistant.idle", "assistant.intent", "assistant.message_start", "assistant.reasoning",
        "assistant.turn_end", "assistant.turn_retry", "assistant.turn_start", "assistant.usage",
        "skill.invoked_ref", "subagent.completed", "subagent.configured", "subagent.deselected",
        "subagent.failed", "subagent.selected", "tool.execution_partial_result", "tool.execution_progress",
        "tool.execution_start", "user.model_selection",
    }
)  # fmt: skip
BESIDE = re.compile(
    r"(?:abort|session|hook|permission|command|commands|elicitation|external_tool|mcp|auto_mode|sampling|user_input"
    r"|exit_plan_mode|capabilities|model|pending_messages)(?:\.|_|\Z)"
)
"""Families of events that say nothing of what was said or done, but for those that are read here."""
LISTED = re.compile(r"<skill>\s*<name>\s{0,64}([^\s<](?:[^<\n]{0,62}[^\s<])?)\s{0,64}</name>")


def looks_like(value: dict[str, Any]) -> bool:
    """True for an object that is an event of Copilot CLI."""
    family = as_str(value.get("type")).partition(".")
    known = family[0] in FAMILIES and bool(family[2])
    return known and isinstance(value.get("data"), dict) and "parentId" in value and "id" in value


def working_folder(path: Path) -> str:
    """The folder that a session worked in, from its first event; empty when unknown."""
    try:
        first = lines.json_value(lines.beginning(path, 1 << 16).partition(b"\n")[0])
    except SkillClawError:
        return ""
    return _context(first, "cwd") if isinstance(first, dict) else ""


def read(path: Path, env: Env) -> HistoryRead:
    """One session with its sub-agents.

    Raises StorageError when the file cannot be read, BadInputError when it is no history of Copilot CLI.
    """
    tally = lines.Tally()
    events = _events(path, tally)
    start: dict[str, Any] = next((e for e in events if e.get("type") == "session.start"), {})
    cwd = _context(start, "cwd")
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    version = as_str(_data(start).get("copilotVersion"))
    native = as_str(_data(start).get("sessionId")) or (
        path.parent.name if path.name == "events.jsonl" else path.name.split(".")[0]
    )
    readers: dict[str, _Reader] = {"": _Reader(tally)}
    for event in events:
        agent = as_str(event.get("agentId"))
        readers.setdefault(agent, _Reader(tally)).take(event)
    root = readers.pop("")
    subs: list[Trajectory] = []
    for agent, reader in readers.items():
        made = subagent(reader.out, agent=NAME, version=version, native_id=agent, models=reader.models)
        if made is None:
            continue
        subs.append(made)
        for parent in (root, *readers.values()):
            parent.out.refer(reader.started_by, [agent])
    branch = _context(start, "branch")
    whole = trajectory(
        root.out,
        agent=NAME,
        version=version,
        native_id=native,
        models=root.models,
        cwd=cwd,
        home=env.home,
        facts={"git_branch": branch} if branch else {},
        subagents=subs,
    )
    if whole is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=whole, skipped=tally.result())


def _events(path: Path, tally: lines.Tally) -> list[dict[str, Any]]:
    """The events that were not taken back."""
    found = [value for _, value in lines.objects(path, tally)]
    known = [value for value in found if looks_like(value)]
    broken = sum(count for reason, count in tally.counts.items() if reason.startswith("corrupt"))
    if not known and (found or broken):
        raise BadInputError(
            f"{path} is not a history of Copilot CLI.",
            f"None of its {len(found) + broken} lines is an event that Copilot CLI writes.",
            "See which files are: ~/.copilot/session-state/*/events.jsonl",
        )
    for value in found:
        if not looks_like(value) and not BESIDE.match(as_str(value.get("type"))):
            tally.unknown(value.get("type"))
    gone: set[str] = set()
    for at, event in enumerate(known):
        if event.get("type") != "session.snapshot_rewind":
            continue
        ids = [as_str(other.get("id")) for other in known[:at]]
        first, named = as_str(_data(event).get("upToEventId")), _data(event).get("eventIds")
        if isinstance(named, list):
            gone |= {as_str(name) for name in named} & set(ids)
        elif first in ids:
            gone |= set(ids[ids.index(first) :])
    tally.add(REWOUND, len(gone))
    return [event for event in known if as_str(event.get("id")) not in gone]


class _Reader:
    """Turns the events of the session, or of one sub-agent, into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.started_by = ""
        """Id of the call that started this sub-agent."""
        self._answers: dict[str, Draft] = {}
        self._usage: dict[str, Metrics] = {}
        self._skills: dict[str, str] = {}
        self._last: Draft | None = None

    def take(self, event: dict[str, Any]) -> None:
        data, stamp, kind = _data(event), event.get("timestamp"), as_str(event.get("type"))
        match kind:
            case "user.message":
                self._user(data, stamp)
            case "assistant.message":
                self._assistant(data, stamp)
            case "tool.execution_complete":
                self._result(data, stamp)
            case "system.message":
                for name in LISTED.findall(as_str(data.get("content"))):
                    self.out.skill(name, "offered", None)
            case "system.notification":
                self._host(as_str(data.get("content")), stamp)
            case "skill.invoked":
                text = as_str(data.get("content"))
                self._skills[f"sha256:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"] = text
                self.out.skill(data.get("name"), "invoked", self._last)
            case "skill.context_delivered":
                self._skill(as_str(data.get("content")), data, stamp)
            case "skill.context_delivered_ref":
                body = self._skills.get(as_str(data.get("contentId")), "")
                text = as_str(data.get("prefix")) + body + as_str(data.get("suffix"))
                self._skill(text if body else "", data, stamp)
            case "subagent.started":
                self.started_by = as_str(data.get("toolCallId"))
            case "tool.user_requested":
                self._host(f"The user ran {as_str(data.get('toolName'))}: {data.get('arguments')}", stamp)
            case "session.usage_record":
                self._count(data)
            case "session.compaction_complete":
                if data.get("success") is True:
                    parts = [Part(type="text", text="Compacted")]
                    self.out.add("system", stamp, parts, injected=True, kind="compaction")
                    self.out.add("agent", stamp, kind="compaction").text(as_str(data.get("summaryContent")))
            case "session.error":
                text = f"The call failed. {as_str(data.get('message'))}".strip()
                self.out.add("system", stamp, [Part(type="text", text=text)], injected=True, kind="side")
            case _ if kind not in QUIET and not BESIDE.match(kind):
                self.tally.unknown(kind)

    def _user(self, data: dict[str, Any], stamp: object) -> None:
        text, source = as_str(data.get("content")), as_str(data.get("source"))
        # What an agent asks of its sub-agent is what the sub-agent hears from its user.
        hosts = bool(source) and not source.startswith("agent-") and source != "user"
        if text.strip():
            injected = hosts or data.get("isAutopilotContinuation") is True
            self.out.add("user", stamp, [Part(type="text", text=text)], injected=injected)

    def _host(self, text: str, stamp: object) -> Draft | None:
        if not text.strip():
            return None
        return self.out.add("user", stamp, [Part(type="text", text=text)], injected=True)

    def _skill(self, text: str, data: dict[str, Any], stamp: object) -> None:
        draft = self._host(text, stamp)
        if draft is not None:
            self.out.skill(as_str(data.get("source")).removeprefix("skill-"), "read", draft)

    def _assistant(self, data: dict[str, Any], stamp: object) -> None:
        answer, model = as_str(data.get("apiCallId")), as_str(data.get("model"))
        draft = self._answers.get(answer) if answer else None
        if draft is None:
            draft = self.out.add("agent", stamp)
            draft.model = model or None
            if model:
                self.models[model] += 1
            if answer:
                self._answers[answer] = draft
                draft.metrics = self._usage.get(answer)
        self._last = draft
        draft.text(as_str(data.get("content")))
        if as_str(data.get("reasoningText")).strip():
            draft.reasoning.append(as_str(data.get("reasoningText")))
        asked = data.get("toolRequests")
        for request in asked if isinstance(asked, list) else []:
            if not isinstance(request, dict):
                continue
            arguments = request.get("arguments")
            given = arguments if arguments is not None else {}
            self.out.call(draft, request.get("toolCallId"), request.get("name"), given)
            for key in ("path", "command"):
                value = arguments.get(key) if isinstance(arguments, dict) else ""
                self.out.skill_files(as_str(value), draft)

    def _result(self, data: dict[str, Any], stamp: object) -> None:
        call = self.out.call_of(as_str(data.get("toolCallId")))
        tool = call.function_name if call else ""
        shell = data.get("shellExecution")
        code = shell.get("exitCode") if isinstance(shell, dict) else None
        code = code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**32 else None
        held = data.get("result") if data.get("success") is True else data.get("error")
        result: dict[str, Any] = held if isinstance(held, dict) else {}
        text = as_str(result.get("content")) or as_str(result.get("message"))
        target = as_str(call.arguments.get("path")) if call else ""
        taint = marks.taint_of({"view": "read"}.get(tool, tool), target) if tool else None
        meta = ResultMeta(exit_code=code, is_error=data.get("success") is not True or bool(code), taint=taint)
        self.out.result(data.get("toolCallId"), text, meta, stamp)

    def _count(self, data: dict[str, Any]) -> None:
        """Tokens of one answer; those from a cache are among `inputTokens`."""
        raw = data.get("usage")
        usage: dict[str, Any] = raw if isinstance(raw, dict) else {}
        made = Metrics(
            prompt_tokens=as_int(usage.get("inputTokens")),
            completion_tokens=as_int(usage.get("outputTokens")),
            cached_tokens=as_int(usage.get("cacheReadTokens")),
        )
        answer = as_str(usage.get("apiCallId"))
        if answer and (made.prompt_tokens or made.completion_tokens):
            self._usage[answer] = made
            if answer in self._answers:
                self._answers[answer].metrics = made


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def _context(event: dict[str, Any], key: str) -> str:
    held = _data(event).get("context")
    return as_str(held.get(key)) if isinstance(held, dict) else ""
