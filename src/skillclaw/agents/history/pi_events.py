"""The session events of pi, which OpenClaw took over: a tree of entries, the last of which is the leaf.

Read from what pi 0.73.1 and OpenClaw 2026.9.6 wrote; versions 1 and 2 of the format from pi's own
description of it. The first entry is `session` (id, cwd, time); every other one has an `id` and a `parentId`
(version 1: neither, the entries follow each other). A message has the role `user`, `assistant`, `toolResult`,
`bashExecution` (a command that the user ran himself), `custom` or `hookMessage` (an extension's words).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from skillclaw.agents.history import lines, marks
from skillclaw.agents.history.drafts import Draft, message_of
from skillclaw.agents.history.steps import Transcript, as_int, as_str, image_part
from skillclaw.trajectory.model import Metrics, Part, ResultMeta

__all__ = ["VERSION", "Reader", "branch", "header_of", "looks_like", "parts_of"]

VERSION = 3
"""The newest version of the format that pi writes; OpenClaw's go on from 4."""

QUIET = frozenset({"session", "model_change", "custom", "label", "session_info", "leaf"})
"""Entries that nobody said or did. `custom` is an extension's own state, which no model sees."""

KINDS = QUIET | {"message", "thinking_level_change", "custom_message", "compaction", "branch_summary"}
SHELLS = frozenset({"bash", "exec"})
REWOUND = "lines of a branch that was rewound"
PRIVATE = "commands that the user kept from the model"

COMPACTED = "The conversation history before this point was compacted into the following summary:"
BRANCH = "The following is a summary of a branch that this conversation came back from:"

_SKILL = re.compile(r'\A<skill name="([^"\n]{1,128})" location="[^"\n]{0,4096}">\n(.*?)\n</skill>', re.DOTALL)
_EXITED = re.compile(r"^\(?Command exited with code (-?\d{1,10})\)?\s*\Z", re.MULTILINE)
_SKILL_FILE = re.compile(r"[/\\]SKILL\.md\b")


def header_of(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The entry that says which session this is; empty when there is none."""
    return next((entry for entry in entries if entry.get("type") == "session"), {})


def looks_like(value: dict[str, Any]) -> bool:
    """True for an entry of such a session that tells it from other agents' lines."""
    if value.get("type") == "session":
        return isinstance(value.get("id"), str) and "timestamp" in value and "cwd" in value
    if as_str(value.get("type")) not in KINDS:
        return False
    return "parentId" in value and isinstance(value.get("id"), str) and "sessionId" not in value


def branch(entries: list[dict[str, Any]], tally: lines.Tally) -> list[dict[str, Any]]:
    """The entries from the root to the last one, in order; what a rewind left beside them is counted."""
    known = [entry for entry in entries if entry.get("type") != "session"]
    if not any(as_str(entry.get("id")) and "parentId" in entry for entry in known):
        return known
    by_id = {as_str(entry.get("id")): entry for entry in known}
    before = {as_str(entry.get("id")): known[at - 1] if at else None for at, entry in enumerate(known)}
    chosen: dict[str, dict[str, Any]] = {}
    at: dict[str, Any] | None = known[-1] if known else None
    while at is not None and as_str(at.get("id")) not in chosen:
        name, parent = as_str(at.get("id")), as_str(at.get("parentId"))
        chosen[name] = at
        # A parent that is not there was in a damaged line; the line before is the best guess.
        at = (by_id[parent] if parent in by_id else before[name]) if parent else None
    tally.add(REWOUND, sum(e.get("type") == "message" for e in known if as_str(e.get("id")) not in chosen))
    return list(reversed(chosen.values()))


class Reader:
    """Turns the entries of one conversation into steps."""

    def __init__(self, tally: lines.Tally) -> None:
        self.tally = tally
        self.out = Transcript()
        self.models: Counter[str] = Counter()
        self._effort: str | None = None

    def read(self, entries: list[dict[str, Any]], start: str = "") -> None:
        """Take in the entries; what is older than `start`, the session's beginning, was copied."""
        for entry in entries:
            count = len(self.out.drafts)
            self._entry(entry)
            stamp = as_str(entry.get("timestamp"))
            for draft in self.out.drafts[count:]:
                draft.copied = bool(start and stamp and stamp < start)

    def _entry(self, entry: dict[str, Any]) -> None:
        stamp = entry.get("timestamp")
        match entry.get("type"):
            case "message":
                raw = entry.get("message")
                self.message(raw if isinstance(raw, dict) else {}, stamp)
            case "custom_message":
                self._host(parts_of(entry.get("content")), stamp)
            case "compaction" | "branch_summary" as kind:
                self._summary(kind == "branch_summary", entry.get("summary"), stamp)
            case "thinking_level_change":
                level = as_str(entry.get("thinkingLevel"))
                self._effort = level if level not in ("", "off") else None
            case kind if as_str(kind) in QUIET:
                pass
            case kind:
                self.tally.unknown(kind)

    def message(self, said: dict[str, Any], stamp: object) -> None:
        """One message of any role."""
        match said.get("role"):
            case "user":
                self.user(said, stamp)
            case "assistant":
                self._assistant(said, stamp)
            case "toolResult":
                self._result(said, stamp)
            case "bashExecution":
                self._own_command(said, stamp)
            case "custom" | "hookMessage":
                self._host(parts_of(said.get("content")), stamp)
            case "compactionSummary" | "branchSummary" as role:
                self._summary(role == "branchSummary", said.get("summary"), stamp)
            case role:
                self.tally.unknown(f"role {role}")

    def user(self, said: dict[str, Any], stamp: object) -> None:
        """What stands in the user's place; `/skill:name` puts the skill before what the user wrote."""
        own: list[Part] = []
        for part in parts_of(said.get("content")):
            found = _SKILL.match(part.text or "") if part.type == "text" else None
            if found is None:
                own.append(part)
                continue
            text = part.text or ""
            draft = self.out.add("user", stamp, [Part(type="text", text=found[0])], injected=True)
            self.out.skill(found[1], "invoked", draft)
            self.out.skill(found[1], "read", draft)
            rest = text[found.end() :].strip()
            if rest:
                own.append(Part(type="text", text=rest))
        if own:
            self.out.add("user", stamp, own)

    def _summary(self, of_branch: bool, summary: object, stamp: object) -> None:
        """In the words that the model is given it in, so that it is the same text on the wire."""
        if as_str(summary):
            head, end = (BRANCH, "") if of_branch else (COMPACTED, "\n")
            text = f"{head}\n\n<summary>\n{summary}{end}</summary>"
            self.out.add("user", stamp, [Part(type="text", text=text)], injected=True, kind="compaction")

    def _host(self, parts: list[Part], stamp: object) -> None:
        if parts:
            self.out.add("user", stamp, parts, injected=True)

    def _own_command(self, said: dict[str, Any], stamp: object) -> None:
        if said.get("excludeFromContext") is True:
            self.tally.add(PRIVATE)
            return
        output = as_str(said.get("output"))
        text = f"Ran `{as_str(said.get('command'))}`\n" + (f"```\n{output}\n```" if output else "(no output)")
        code = said.get("exitCode")
        if said.get("cancelled") is True:
            text += "\n\n(command cancelled)"
        elif as_int(code):
            text += f"\n\nCommand exited with code {code}"
        self._host([Part(type="text", text=text)], stamp)

    def _assistant(self, said: dict[str, Any], stamp: object) -> None:
        model = as_str(said.get("model"))
        draft = self.out.add("agent", stamp)
        draft.model = model or None
        draft.effort = self._effort
        content = said.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks if isinstance(blocks, list) else []:
            if isinstance(block, dict):
                self._block(draft, block)
        stopped = said.get("stopReason")
        if not draft.empty:
            draft.metrics = _usage(said.get("usage"))
            if model:
                self.models[model] += 1
        if stopped in ("error", "aborted"):
            text = as_str(said.get("errorMessage")) or f"The answer was {stopped}."
            self.out.add("system", stamp, [Part(type="text", text=text)], injected=True)

    def _block(self, draft: Draft, block: dict[str, Any]) -> None:
        match block.get("type"):
            case "text":
                draft.text(as_str(block.get("text")))
            case "thinking":
                if as_str(block.get("thinking")):
                    draft.reasoning.append(as_str(block.get("thinking")))
            case "toolCall":
                name, arguments = self.call_of(block)
                self.out.call(draft, block.get("id"), name, arguments)
                if name in (*SHELLS, "read") and isinstance(arguments, dict):
                    for key in ("path", "file_path", "command"):
                        self.out.skill_files(as_str(arguments.get(key)), draft)
            case kind:
                self.tally.unknown(f"content {kind}")

    def call_of(self, block: dict[str, Any]) -> tuple[str, object]:
        """(tool, arguments) of a call."""
        return as_str(block.get("name")), block.get("arguments")

    def _result(self, said: dict[str, Any], stamp: object) -> None:
        call_id = as_str(said.get("toolCallId"))
        call = self.out.call_of(call_id)
        tool = call.function_name if call else as_str(said.get("toolName"))
        parts = parts_of(said.get("content"))
        content = message_of(parts) if parts else ""
        failed = said.get("isError") is True
        code = _exit_code(tool, self.details_of(said), content if isinstance(content, str) else "", failed)
        target = " ".join(as_str(value) for value in call.arguments.values()) if call else ""
        skill = "skill" if _SKILL_FILE.search(target) else None
        meta = ResultMeta(
            exit_code=code,
            is_error=failed or code not in (None, 0),
            taint=skill or (marks.taint_of(tool) if tool else None),
        )
        self.out.result(call_id, content, meta, stamp, self.children_of(call_id, said))

    def details_of(self, said: dict[str, Any]) -> dict[str, Any]:
        """What the tool tells of a result beside its text."""
        details = said.get("details")
        return details if isinstance(details, dict) else {}

    def children_of(self, call_id: str, said: dict[str, Any]) -> list[str]:
        """The ids of the sub-agents that a result stands for."""
        return []


def parts_of(content: object) -> list[Part]:
    """The parts of a message's or a result's content, text or a list of blocks; pictures leave their hash."""
    if isinstance(content, str):
        return [Part(type="text", text=content)] if content else []
    parts: list[Part] = []
    for block in content if isinstance(content, list) else []:
        if not isinstance(block, dict):
            continue
        if block.get("type") == "image":
            raw = block.get("source")
            source: dict[str, Any] = raw if isinstance(raw, dict) else block
            kind = source.get("mimeType") or source.get("media_type")
            parts.append(image_part(kind, source.get("data") or source.get("url")))
        elif as_str(block.get("text")):
            parts.append(Part(type="text", text=block["text"]))
    return parts


def _exit_code(tool: str, details: dict[str, Any], text: str, failed: bool) -> int | None:
    """From the details (OpenClaw) or the text's end (pi); pi says nothing of a command that ended with 0."""
    if tool not in SHELLS:
        return None
    given = details.get("exitCode")
    if isinstance(given, int) and not isinstance(given, bool) and abs(given) < 2**31:
        return given
    found = _EXITED.search(text[-200:])
    if found:
        return int(found[1])
    # OpenClaw's tool is `exec`, and what it says without an exit code is of a command that still runs.
    return 0 if tool == "bash" and not failed else None


def _usage(usage: object) -> Metrics | None:
    if not isinstance(usage, dict):
        return None
    read = [as_int(usage.get(key)) for key in ("input", "cacheRead", "cacheWrite")]
    if all(number is None for number in (*read, as_int(usage.get("output")))):
        return None
    return Metrics(
        prompt_tokens=sum(number for number in read if number),
        completion_tokens=as_int(usage.get("output")),
        cached_tokens=as_int(usage.get("cacheRead")),
    )
