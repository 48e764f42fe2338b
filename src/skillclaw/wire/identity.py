"""Which session a request belongs to, as far as the agent says so itself.

In this order, which covers every client that was driven: Claude Code's header, Codex's headers,
`x-session-id` (opencode, crush, configured qwen-code and Hermes), `session_id` (OpenClaw, pi),
`goose-session-id`, `metadata.user_id` (Anthropic), `prompt_cache_key` (OpenHands, Copilot), and at last ids
that stand in the prompt (OpenClaw, QwenPaw, Hermes). `x-session-affinity` is not one: nanobot makes it per
process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from skillclaw.trajectory.model import text_of
from skillclaw.wire.body import header, load_json
from skillclaw.wire.content import as_dict, as_str
from skillclaw.wire.records import Identity, Item

__all__ = ["codex_metadata", "identify"]

LEGACY_USER = re.compile(r"_session_([0-9a-fA-F-]{36})\Z")
OPENCLAW = re.compile(r"\bsessionId=([0-9a-fA-F-]{36})\b")
IN_PROMPT = re.compile(r"(?m)^(?:- )?Session ID: (\S{1,200})\s*$")
NUMBERED = re.compile(r"\A([0-9a-fA-F-]{36}):\d+\Z")
LONGEST = 200
"""Characters that an id may have; anything longer is not one."""


def identify(
    headers: list[tuple[str, str]], body: dict[str, Any], request: Iterable[Item] = ()
) -> Identity | None:
    """The identity that the request carries, or None."""
    for found in (_claude(headers), _codex(headers, body), _plain(headers)):
        if found is not None:
            return found
    for candidate in (
        # Code Assist: gemini-cli with a Google login.
        _short(as_dict(body.get("request")).get("session_id")),
        _user_id(as_dict(body.get("metadata")).get("user_id")),
        _cache_key(body.get("prompt_cache_key")),
        _in_text(request),
    ):
        if candidate:
            return Identity(root=candidate, thread=candidate)
    return None


def codex_metadata(headers: list[tuple[str, str]], body: dict[str, Any]) -> dict[str, Any]:
    """What Codex says about the turn (`x-codex-turn-metadata`): `request_kind`, `workspaces`, ...

    The body's word counts first: over WebSocket the headers are those of the connection's first request.
    """
    own = as_str(as_dict(body.get("client_metadata")).get("x-codex-turn-metadata"))
    return as_dict(load_json(own or header(headers, "x-codex-turn-metadata") or "null"))


def _value(headers: list[tuple[str, str]], name: str) -> str:
    return _short(header(headers, name))


def _short(given: Any) -> str:
    value = as_str(given).strip()
    # A placeholder stands where the journal took a value for a credential: it is nobody's id.
    return value if len(value) <= LONGEST and not value.startswith("<") else ""


def _claude(headers: list[tuple[str, str]]) -> Identity | None:
    root = _value(headers, "x-claude-code-session-id")
    if not root:
        return None
    agent = _value(headers, "x-claude-code-agent-id")
    if not agent:
        return Identity(root=root, thread=root)
    parent = _value(headers, "x-claude-code-parent-agent-id") or root
    return Identity(root=root, thread=agent, parent=parent, is_subagent=True)


def _codex(headers: list[tuple[str, str]], body: dict[str, Any]) -> Identity | None:
    told = as_dict(body.get("client_metadata"))
    root = _short(told.get("session_id")) or _value(headers, "session-id")
    if not root:
        return None
    thread = _short(told.get("thread_id")) or _value(headers, "thread-id") or root
    parent = (
        _short(told.get("x-codex-parent-thread-id")) or _value(headers, "x-codex-parent-thread-id") or None
    )
    kind = _short(told.get("x-openai-subagent")) or _value(headers, "x-openai-subagent")
    is_subagent = thread != root or parent is not None or kind in ("collab_spawn", "review")
    return Identity(
        root=root, thread=thread, parent=parent or (root if thread != root else None), is_subagent=is_subagent
    )


def _plain(headers: list[tuple[str, str]]) -> Identity | None:
    own = _value(headers, "x-session-id")
    parent = _value(headers, "x-parent-session-id")
    if own:
        return Identity(root=parent or own, thread=own, parent=parent or None, is_subagent=bool(parent))
    for name in ("session_id", "goose-session-id", "x-goose-session-id"):
        own = _value(headers, name)
        if own:
            return Identity(root=own, thread=own)
    return None


def _user_id(value: Any) -> str:
    text = as_str(value)
    found = LEGACY_USER.search(text)
    if found:
        return found[1]
    own = as_str(as_dict(load_json(text)).get("session_id")) if text.startswith("{") else ""
    return own if len(own) <= LONGEST else ""


def _cache_key(value: Any) -> str:
    key = as_str(value).strip()
    # `pck_` is Hermes' hash of prompt and tools: the same for many sessions.
    if not key or key.startswith(("pck_", "<")) or len(key) > LONGEST:
        return ""
    numbered = NUMBERED.match(key)
    return numbered[1] if numbered else key


def _in_text(request: Iterable[Item]) -> str:
    for item in request:
        if item.role == "agent":
            break
        text = text_of(item.content)
        pattern = IN_PROMPT if item.role == "system" else OPENCLAW if "Runtime:" in text else None
        if pattern is not None and (found := pattern.search(text)):
            return found[1]
    return ""
