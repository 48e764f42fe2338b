"""OpenClaw's own words around the user's, its hidden tools, and its sessions' names in the prompt.

As 2026.9.6 sends them (run over Chat Completions, Responses and Messages, in one process and through its
gateway, with sub-agents and a compaction). Each message of the user begins with the minute
(`[Mon 2026-11-23 01:07 UTC] `). One line names the session: `Runtime: agent=.. | session=<key> |
sessionId=<uuid> | ..`; it ends the system prompt, and over Chat Completions the first message of the user,
which after a compaction is the summary. A message of internal context floats behind all others. The context
blocks of chat channels are from its source only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from skillclaw.trajectory.model import text_of
from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict
from skillclaw.wire.once import once_a_text
from skillclaw.wire.records import Identity, Item

__all__ = ["identity", "is_flush", "is_prompt", "outcome", "own_words", "split", "unwrapped"]

SIGN = re.compile(r"<!-- openclaw:attempt:|\brunning inside (?:OpenClaw|Moltbot|Clawdbot)\b")
STAMP = re.compile(r"\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d [^\]\n]{1,40}\] ")
RUNTIME = re.compile(r"(?m)^Runtime: ((?:name|agent|session)=[^\n]{1,4000})$")
REQUESTER = re.compile(r"(?m)^- Requester session: (\S{1,300}?)\.$")
LONGEST = 200
"""Characters that an id may have."""

# Blocks that a channel's adapter puts before the message: who wrote it, what it answers.
CONTEXT = re.compile(
    r"\s*(?=\S)[^\n]{1,200}(?:⟦openclaw:ctx⟧|\(untrusted[^\n)]{0,80}\):)[ \t]*\n"
    r"(?:```json\n.{0,65536}?\n```|[^\n]+(?:\n[^\n]+){0,200})(?:\n+|\Z)",
    re.DOTALL,
)
HOST = re.compile(
    r"\s*(?:\[Subagent Context\]|\[Inter-session message\]|Turn yielded\.\n\n\[Context:"
    r"|\[OpenClaw (?:heartbeat poll|exec completion|cron wake|session event)\]"
    r"|Follow the heartbeat monitor scratch context when provided\.|Read HEARTBEAT\.md if it exists\b"
    r"|Runtime: (?:name|agent|session)=|Pre-compaction memory flush\b|<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>)"
)
TASK, BEGIN = "[Subagent Task]\n\n", "\n\nBegin. Execute the assigned task to completion."
FLOATING = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>"
FLUSH = re.compile(r"\s*Pre-compaction memory flush\b")
WRAPPED = re.compile(r'\{\s*"(?:tool": \{\s*"id": "openclaw:|status": "error",\s*"tool": "tool_call")')


def split(text: str) -> list[tuple[str, bool]]:
    """A text in the user's place as (text, injected) pieces. The minute before it goes: steps have a time."""
    stamp = STAMP.match(text)
    text = text[stamp.end() :] if stamp else text
    pieces: list[tuple[str, bool]] = []
    while (block := CONTEXT.match(text)) is not None:
        pieces.append((block[0].strip("\n"), True))
        text = text[block.end() :]
    at = text.rfind("\n\nRuntime: ")
    tail = text[at + 2 :] if at >= 0 and RUNTIME.fullmatch(text, at + 2) else ""
    text = text[:at] if tail else text
    if text.startswith("[Subagent Context] You are running as a subagent") and TASK in text:
        start = text.index(TASK) + len(TASK)
        end = text.rfind(BEGIN)
        end = end if end >= start else len(text)
        pieces += [(text[:start].strip("\n"), True), (text[start:end], False), (text[end:].strip("\n"), True)]
    else:
        pieces.append((text, HOST.match(text) is not None))
    return [pair for pair in [*pieces, (tail, True)] if pair[0].strip()]


def is_flush(text: str) -> bool:
    """Whether OpenClaw asks its model to note what is to be remembered before the history is shortened."""
    return FLUSH.match(text) is not None


@once_a_text
def is_prompt(text: str) -> bool:
    """Whether a system prompt is one of OpenClaw's."""
    return SIGN.search(text) is not None


def own_words(items: list[Item], reply: list[Item]) -> tuple[list[Item], list[Item]]:
    """A request of OpenClaw, and its answer, with the user's own words apart and the calls under their own
    names; those of other agents as they are.
    """
    if not any(item.role == "system" and is_prompt(text_of(item.content)) for item in items):
        return items, reply
    made: list[Item] = []
    for item in _settled(items):
        plain = item.role == "user" and item.kind == "text" and isinstance(item.content, str)
        if not plain or item.injected or item.compaction:
            made.append(_called(item))
            continue
        made += [
            msgspec.structs.replace(item, content=text, injected=injected)
            for text, injected in split(text_of(item.content))
        ]
    return made, [_called(item) for item in reply]


def unwrapped(name: str, arguments: object) -> tuple[str, object]:
    """A call of a tool that is hidden behind `tool_call`, under its own name; any other as it is."""
    if name != "tool_call" or not isinstance(arguments, dict):
        return name, arguments
    inner = arguments.get("args")
    own = arguments.get("id")
    own = own.rpartition(":")[2].strip() if isinstance(own, str) else ""
    return (own, inner) if own and isinstance(inner, dict) else (name, arguments)


def outcome(text: str) -> tuple[int | None, bool | None]:
    """(exit code, whether it failed) of the result of a hidden tool, as far as it says so."""
    if not WRAPPED.match(text):
        return None, None
    value = as_dict(load_json(text))
    details = as_dict(as_dict(value.get("result")).get("details"))
    code = details.get("exitCode")
    known = code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**31 else None
    if known is not None:
        return known, known != 0
    return None, True if "error" in (value.get("status"), details.get("status")) else None


def identity(items: Iterable[Item]) -> Identity | None:
    """The session that the prompt names, with OpenClaw's own names for it and for the one that started it: a
    sub-agent knows its parent by that name only.
    """
    fields: dict[str, str] = {}
    parent = ""
    for item in items:
        if item.role == "agent":
            break
        if item.role != "system" and not item.injected:
            continue
        text = text_of(item.content)
        found = RUNTIME.search(text) if not fields and "sessionId=" in text else None
        if found is not None:
            fields = dict(part.split("=", 1) for part in found[1].split(" | ") if "=" in part)
        if not parent and (named := REQUESTER.search(text)) is not None:
            parent = named[1]
    own = fields.get("sessionId", "").strip()
    if not own or len(own) > LONGEST:
        return None
    key = fields.get("session", "")
    return Identity(root=own, thread=own, key=key, parent_key=parent if ":subagent:" in key else "")


def _settled(items: list[Item]) -> list[Item]:
    """The internal context behind the system prompt: it stands behind the words that it came with, or at the
    end, in another place each time.
    """
    first = next((at for at, item in enumerate(items) if item.role != "system"), len(items))
    told: dict[bool, list[Item]] = {True: [], False: []}
    for item in items[first:]:
        said = item.role == "user" and item.kind == "text"
        told[said and text_of(item.content).startswith(FLOATING)].append(item)
    return [*items[:first], *told[True], *told[False]]


def _called(item: Item) -> Item:
    if item.kind != "call" or item.name != "tool_call":
        return item
    name, arguments = unwrapped(item.name, item.arguments)
    inner: dict[str, Any] = arguments if isinstance(arguments, dict) else item.arguments
    return msgspec.structs.replace(item, name=name, arguments=inner)
