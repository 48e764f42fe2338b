"""Claude Code's history: `projects/<folder>/<session id>.jsonl`, one event a line.

Read from files that Claude Code 2.1.197 and 2.1.330 wrote. The events of a conversation form a tree
(`uuid`, `parentUuid`): a rewind leaves the old branch in the file, and the session is the path to the last
leaf. One answer of the model is spread over several lines with one `message.id`. A sub-agent has a file of
its own, `<session id>/subagents/agent-<id>.jsonl` (formerly `agent-<id>.jsonl` beside the session, or lines
with `isSidechain` inside it).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.claude_events import (
    MESSAGES,
    QUIET,
    blocks,
    content_of,
    is_subagent_file,
    message,
    old_subagent_files,
    parts_of,
    path_to_leaf,
    subagent_files,
)
from skillclaw.agents.history.drafts import Draft, message_of
from skillclaw.agents.history.steps import Transcript, as_int, as_str, image_part, subagent, trajectory
from skillclaw.agents.records import Env, HistoryRead
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Metrics, Part, ResultMeta, Trajectory

__all__ = ["NAME", "is_own", "read"]

NAME = "claude-code"
SUBAGENT = "sub-agent sessions, read with their root"
OWN = "SkillClaw's own sessions"
EMPTY = "empty sessions"

_BODY = re.compile(r"Base directory for this skill: (.+?)[/\\]([^/\\\n]+)\s*(?:\n|$)")
_SHELLS = frozenset({"Bash", "PowerShell"})


def read(path: Path, env: Env, agent: str = NAME) -> HistoryRead:
    """One session with its sub-agents; `agent`: whose it is, for hosts that have Claude Code inside.

    Raises StorageError when the file cannot be read, BadInputError when it is no Claude Code history.
    """
    tally = lines.Tally()
    if is_subagent_file(path):
        return HistoryRead(trajectory=None, skipped={SUBAGENT: 1})
    entries = _entries(path, tally)
    main = [e for e in entries if e.get("isSidechain") is not True]
    native = path.name.split(".")[0]
    known = {as_str(e.get("sessionId")) for e in main} - {""}
    if known and native not in known:
        # Somebody renamed or copied the file; the last session id is the one that it went on under.
        native = next(as_str(e["sessionId"]) for e in reversed(main) if as_str(e.get("sessionId")))
    cwd = next((as_str(e.get("cwd")) for e in main if as_str(e.get("cwd"))), "")
    if env.is_own(cwd):
        return HistoryRead(trajectory=None, skipped={**tally.result(), OWN: 1})
    reader = _Reader(tally)
    reader.read(path_to_leaf(main, tally), start=_first_stamp(entries))
    subs = _subagents(path, native, entries, reader, tally, agent)
    facts = {"git_branch": reader.branch} if reader.branch else {}
    made = trajectory(
        reader.out,
        agent=agent,
        version=reader.version,
        native_id=native,
        models=reader.models,
        cwd=cwd,
        home=env.home,
        facts=facts,
        subagents=subs,
    )
    if made is None:
        tally.add(EMPTY)
    return HistoryRead(trajectory=made, skipped=tally.result())


def _entries(path: Path, tally: lines.Tally) -> list[dict[str, Any]]:
    entries, seen, known = [], 0, 0
    for _, value in lines.objects(path, tally):
        seen += 1
        kind = as_str(value.get("type"))
        if kind in MESSAGES or kind in QUIET:
            known += 1
            entries.append(value)
        else:
            tally.unknown(value.get("type"))
    torn = sum(count for reason, count in tally.counts.items() if reason.startswith("corrupt"))
    if not known and (seen or torn):
        raise BadInputError(
            f"{path} is not a history of Claude Code.",
            f"None of its {seen + torn} lines is an event that Claude Code writes.",
            "See which files are: <Claude's folder>/projects/*/*.jsonl",
        )
    return entries


class _Reader:
    """Turns the entries of one conversation into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self.version = ""
        self.branch = ""
        self.agents: dict[str, str] = {}
        """Sub-agent id -> id of the call that started it."""
        self._answers: dict[str, Draft] = {}

    def read(self, entries: list[dict[str, Any]], start: str = "") -> None:
        for entry in entries:
            self.version = as_str(entry.get("version")) or self.version
            branch = as_str(entry.get("gitBranch"))
            self.branch = branch if branch and branch != "HEAD" else self.branch
            count = len(self.out.drafts)
            match entry.get("type"):
                case "user":
                    self._user(entry)
                case "assistant":
                    self._assistant(entry)
                case "attachment":
                    self._attachment(entry)
                case _:
                    if entry.get("subtype") == "compact_boundary":
                        parts = [Part(type="text", text=as_str(entry.get("content")) or "Compacted")]
                        stamp = entry.get("timestamp")
                        self.out.add("system", stamp, parts, injected=True, kind="compaction")
            # A fork begins with a copy of its parent, whose events are older than the fork's own file.
            copied = "forkedFrom" in entry or bool(start and as_str(entry.get("timestamp"))[:19] < start[:19])
            for draft in self.out.drafts[count:]:
                draft.copied = copied

    def _user(self, entry: dict[str, Any]) -> None:
        stamp = entry.get("timestamp")
        meta = entry.get("isMeta") is True
        compact = entry.get("isCompactSummary") is True
        own: list[Part] = []
        host: list[Part] = []
        for block in blocks(entry):
            match block.get("type"):
                case "tool_result":
                    self._result(block, entry)
                case "text":
                    text = as_str(block.get("text"))
                    if meta or compact or marks.injected_claude(text):
                        host.append(Part(type="text", text=text))
                        continue
                    text, reminders = marks.split_reminders(text)
                    host += [Part(type="text", text=reminder) for reminder in reminders]
                    if text:
                        own.append(Part(type="text", text=text))
                case "image" | "document":
                    raw = block.get("source")
                    source: dict[str, Any] = raw if isinstance(raw, dict) else {}
                    data = source.get("data") or source.get("url") or source.get("file_id")
                    (host if meta else own).append(image_part(source.get("media_type"), data))
                case kind:
                    self.tally.unknown(f"content {kind}")
        if host:
            draft = self.out.add("user", stamp, host, injected=True, kind="compaction" if compact else "turn")
            for part in host:
                body = _BODY.match((part.text or "").lstrip())
                if body:
                    self.out.skill(body[2].strip(), "read", draft)
        if own:
            self.out.add("user", stamp, own)

    def _result(self, block: dict[str, Any], entry: dict[str, Any]) -> None:
        call_id = as_str(block.get("tool_use_id"))
        call = self.out.call_of(call_id)
        tool = call.function_name if call else ""
        content = content_of(block.get("content"))
        detail = entry.get("toolUseResult")
        failed = block.get("is_error") is True
        code: int | None = None
        text = content if isinstance(content, str) else ""
        if failed:
            code = marks.exit_code_at_start(text)
        elif tool in _SHELLS and not (isinstance(detail, dict) and _no_exit(detail)):
            code = 0
        if isinstance(detail, dict) and detail.get("interrupted") is True:
            failed = True
        target = as_str(call.arguments.get("file_path")) if call else ""
        agents = []
        if isinstance(detail, dict) and as_str(detail.get("agentId")):
            agents = [as_str(detail["agentId"])]
            self.agents[agents[0]] = call_id
        meta = ResultMeta(
            exit_code=code, is_error=failed, taint=marks.taint_of(tool, target) if tool else None
        )
        self.out.result(call_id, content, meta, entry.get("timestamp"), agents)

    def _assistant(self, entry: dict[str, Any]) -> None:
        said = message(entry)
        stamp = entry.get("timestamp")
        model = as_str(said.get("model"))
        if model == "<synthetic>" or entry.get("isApiErrorMessage") is True:
            text = message_of([Part(type="text", text=as_str(b.get("text"))) for b in blocks(entry)])
            if text:
                self.out.add("system", stamp, [Part(type="text", text=str(text))], injected=True)
            return
        answer = as_str(said.get("id"))
        draft = self._answers.get(answer) if answer else None
        if draft is None:
            draft = self.out.add("agent", stamp)
            if answer:
                self._answers[answer] = draft
            if model:
                self.models[model] += 1
        draft.model = model or None
        draft.metrics = _usage(said.get("usage")) or draft.metrics
        for block in blocks(entry):
            match block.get("type"):
                case "text":
                    draft.text(as_str(block.get("text")))
                case "thinking":
                    if as_str(block.get("thinking")):
                        draft.reasoning.append(as_str(block.get("thinking")))
                case "redacted_thinking":
                    pass
                case "tool_use" | "server_tool_use" | "mcp_tool_use":
                    self._call(draft, block)
                case str(kind) if kind.endswith("_tool_result"):
                    failed = "error" in str(block.get("content"))[:200]
                    meta = ResultMeta(is_error=failed, taint="web")
                    content = content_of(block.get("content"))
                    self.out.result(block.get("tool_use_id"), content, meta, stamp)
                case kind:
                    self.tally.unknown(f"content {kind}")

    def _call(self, draft: Draft, block: dict[str, Any]) -> None:
        arguments = block.get("input")
        self.out.call(draft, block.get("id"), block.get("name"), arguments)
        if not isinstance(arguments, dict):
            return
        if block.get("name") == "Skill":
            self.out.skill(arguments.get("skill") or arguments.get("command"), "invoked", draft)
        for key in ("file_path", "command"):
            self.out.skill_files(as_str(arguments.get(key)), draft)

    def _attachment(self, entry: dict[str, Any]) -> None:
        raw = entry.get("attachment")
        given: dict[str, Any] = raw if isinstance(raw, dict) else {}
        if given.get("type") == "skill_listing":
            names = given.get("names")
            if not isinstance(names, list):
                names = re.findall(r"^- ([^\s:]+)(?::|$)", as_str(given.get("content")), re.MULTILINE)
            for name in names:
                self.out.skill(name, "offered", None)
        elif given.get("type") == "queued_command":
            # What the user typed while the agent was at work reaches the model in this form only.
            parts = parts_of(given.get("prompt"))
            text = message_of(parts)
            injected = entry.get("isMeta") is True or given.get("isMeta") is True
            if not injected and isinstance(text, str):
                injected = marks.injected_claude(text) or given.get("commandMode") == "task-notification"
            if parts:
                self.out.add("user", entry.get("timestamp"), parts, injected=injected)


def _subagents(
    path: Path, native: str, entries: list[dict[str, Any]], root: _Reader, tally: lines.Tally, agent: str
) -> list[Trajectory]:
    """Every sub-agent of the session, those of sub-agents too, by id."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for file in subagent_files(path, old_subagent_files(path, native)):
        try:
            groups[file.stem.removeprefix("agent-")] = _entries(file, tally)
        except SkillClawError:
            tally.add("sub-agent files that could not be read")
    roots: dict[str, str] = {}
    for entry in entries:
        if entry.get("isSidechain") is True:
            uuid, parent = as_str(entry.get("uuid")), as_str(entry.get("parentUuid"))
            roots[uuid] = as_str(entry.get("agentId")) or roots.get(parent) or uuid
            groups.setdefault(roots[uuid], []).append(entry)
    made = []
    agents = dict(root.agents)
    readers = [root]
    for name, own in sorted(groups.items()):
        reader = _Reader(tally)
        reader.read(path_to_leaf(own, tally))
        agents |= reader.agents
        readers.append(reader)
        for skill in reader.out.offered:
            root.out.skill(skill, "offered", None)
        sub = subagent(reader.out, agent=agent, version=reader.version, native_id=name, models=reader.models)
        if sub is not None:
            made.append(sub)
            meta = path.with_suffix("") / "subagents" / f"agent-{name}.meta.json"
            if name not in agents:
                call = _meta_call(meta)
                for candidate in readers:
                    candidate.out.refer(call, [name])
    return made


def _meta_call(path: Path) -> str:
    try:
        value = lines.json_value(path.read_bytes()[:65536])
    except (OSError, SkillClawError):
        return ""
    return as_str(value.get("toolUseId")) if isinstance(value, dict) else ""


def _no_exit(detail: dict[str, Any]) -> bool:
    """True when a shell result that is no error says nothing of an exit code 0."""
    return bool(
        detail.get("interrupted") or detail.get("backgroundTaskId") or detail.get("returnCodeInterpretation")
    )


def _usage(usage: object) -> Metrics | None:
    if not isinstance(usage, dict):
        return None
    given = [as_int(usage.get(key)) for key in ("input_tokens", "cache_creation_input_tokens")]
    cached = as_int(usage.get("cache_read_input_tokens"))
    return Metrics(
        prompt_tokens=sum(n for n in (*given, cached) if n),
        completion_tokens=as_int(usage.get("output_tokens")),
        cached_tokens=cached,
    )


def _first_stamp(entries: list[dict[str, Any]]) -> str:
    return as_str(next((e["timestamp"] for e in entries if as_str(e.get("timestamp"))), ""))


def is_own(path: Path, env: Env) -> bool:
    """Whether the beginning of a session says that it is SkillClaw's own; `read` decides of the others."""
    return env.is_own(lines.first_text(path, "cwd"))
