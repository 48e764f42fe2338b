"""Which session a request belongs to, as far as the agent says so itself.

In this order, which covers every client that was driven: Claude Code's header, Codex's headers, the line in
OpenClaw's prompt, `x-session-id` (opencode, crush, configured qwen-code and Hermes), `x-opencode-session`
(opencode with its own provider), `session_id` (pi), `goose-session-id`, `session_id` in the body (gemini-cli
with a Google login; over OpenRouter, Cline and Hermes), `metadata.user_id` (Anthropic), `metadata.sessionId`
(qwen-code over DashScope), `prompt_cache_key` where it is an id (OpenHands, Copilot), and at last ids that
stand in the prompt (QwenPaw, Hermes). `x-session-affinity` is not one: nanobot makes it per process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from skillclaw.trajectory.model import text_of
from skillclaw.wire import openclaw
from skillclaw.wire.body import header, load_json
from skillclaw.wire.content import as_dict, as_str
from skillclaw.wire.records import Identity, Item

__all__ = ["codex_metadata", "identify"]

LEGACY_USER = re.compile(r"_session_([0-9a-fA-F-]{36})\Z")
OPENCLAW = re.compile(r"\bsessionId=([0-9a-fA-F-]{36})\b")
# QwenPaw, beside the user's; Hermes, by the form of its ids: a line of a project's own file is neither.
IN_PROMPT = re.compile(
    r"(?m)^- User ID: [^\n]{0,400}\n- Session ID: (?P<a>\S{1,200})[ \t]*$"
    r"|^- Session ID: (?P<b>\S{1,200})[ \t]*\n- User ID: "
    r"|^Session ID: (?P<c>\d{8}_\d{6}_[0-9a-f]{4,12})[ \t]*$"
)
# gemini-cli names a sub-agent's requests by its id and a count; its own by the session's id and `########N`.
PROMPT = re.compile(r"\A([0-9a-fA-F-]{36})#\d+\Z")
SHARED = frozenset({"headless-task"})
"""What QwenPaw calls every session of `qwenpaw task`."""
NUMBERED = re.compile(r"\A([0-9a-fA-F-]{36}):\d+\Z")
OWN_ID = re.compile(r"\A(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})\Z", re.IGNORECASE)
"""OpenHands' ids of conversations and Copilot's of sessions."""
LONGEST = 200
"""Characters that an id may have; anything longer is not one."""


def identify(
    headers: list[tuple[str, str]], body: dict[str, Any], request: Iterable[Item] = ()
) -> Identity | None:
    """The identity that the request carries, or None."""
    items = list(request)
    plain = _plain(headers)
    named = openclaw.identity(items)
    if named is not None and plain is not None and named.root not in (plain.root, plain.thread):
        # A prompt holds files of the project too: it may add to what the agent says itself, not overrule it.
        named = None
    for found in (_claude(headers), _codex(headers, body), named, plain, _code_assist(body)):
        if found is not None:
            return found
    for candidate in (
        _short(body.get("session_id")),
        _user_id(as_dict(body.get("metadata")).get("user_id")),
        _short(as_dict(body.get("metadata")).get("sessionId")),
        _cache_key(body.get("prompt_cache_key")),
        _in_text(items),
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
    # opencode tells OpenAI its session under Codex's name too; only its own names tell of sub-agents.
    if not root or _value(headers, "x-session-id"):
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
    own = _value(headers, "x-session-id") or _value(headers, "x-opencode-session")
    parent = _value(headers, "x-parent-session-id")
    if own:
        return Identity(root=parent or own, thread=own, parent=parent or None, is_subagent=bool(parent))
    for name in ("session_id", "goose-session-id", "x-goose-session-id"):
        own = _value(headers, name)
        if own:
            # OpenClaw, told to name its sessions in headers, counts its compactions behind the id.
            numbered = NUMBERED.match(own)
            own = numbered[1] if numbered else own
            return Identity(root=own, thread=own)
    return None


def _code_assist(body: dict[str, Any]) -> Identity | None:
    """gemini-cli with a Google login: the session is in what Code Assist wraps, the sub-agent beside it."""
    root = _short(as_dict(body.get("request")).get("session_id"))
    if not root:
        return None
    prompt = PROMPT.match(as_str(body.get("user_prompt_id")))
    if prompt is None or prompt[1] == root:
        return Identity(root=root, thread=root)
    return Identity(root=root, thread=prompt[1], parent=root, is_subagent=True)


def _user_id(value: Any) -> str:
    text = as_str(value)
    found = LEGACY_USER.search(text)
    if found:
        return found[1]
    own = as_str(as_dict(load_json(text)).get("session_id")) if text.startswith("{") else ""
    return own if len(own) <= LONGEST else ""


def _cache_key(value: Any) -> str:
    """A cache key that has the form of an id: else it may be the same for all sessions of an agent.

    Such are PicoClaw's (the agent's name), Hermes' (`pck_`, a hash of prompt and tools) and what providers
    advise: requests with one beginning share a key.
    """
    key = as_str(value).strip()
    numbered = NUMBERED.match(key)
    key = numbered[1] if numbered else key
    return key if OWN_ID.match(key) else ""


def _in_text(request: Iterable[Item]) -> str:
    told = False
    for item in request:
        if item.role == "agent":
            break
        text = text_of(item.content)
        # What stands in the user's place may be a file or a page: only OpenClaw has its line there.
        told = told or (item.role == "system" and openclaw.is_prompt(text))
        pattern = IN_PROMPT if item.role == "system" else OPENCLAW if told and "Runtime:" in text else None
        found = pattern.search(text) if pattern is not None else None
        told_id = next((group for group in found.groups() if group), "") if found else ""
        if told_id and told_id not in SHARED:
            return told_id
    return ""
