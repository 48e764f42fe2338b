"""One call to an LLM API, as bytes -> the conversation in it."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import msgspec

from skillclaw.trajectory.model import text_of
from skillclaw.wire import anthropic, chat, responses
from skillclaw.wire.body import header, load_json, plain
from skillclaw.wire.content import as_dict, as_list, as_str
from skillclaw.wire.identity import codex_metadata, identify
from skillclaw.wire.place import place
from skillclaw.wire.records import Call, Decoded, Item, Kind, Protocol
from skillclaw.wire.reply import Reply
from skillclaw.wire.results import facts

__all__ = ["decode", "protocol_of"]

MODULES: dict[Protocol, ModuleType] = {"anthropic": anthropic, "responses": responses, "chat": chat}
ERROR_TEXT = 2000
"""Characters kept of an error body that is no JSON (gateways answer with pages)."""

# What a host asks its model beside the conversation, by the words of its own prompts.
SIDE_SYSTEM = re.compile(
    r"(?i)\bgenerate a (?:concise|short|brief)[^\n]{0,80}\btitle\b|\btitle generator\b"
    r"|\banalyze if this message indicates a new conversation topic\b"
    r"|\bmanaged memory extraction subagent\b"
    r"|\bextract any file paths that this command reads or modifies\b"
    r"|\byou are an assistant for performing a web search tool use\b"
    r"|\bsummarize this coding conversation in under \d+ characters\b"
)
SIDE_USER = re.compile(r"\A\s*Review the conversation above and (?:update|consider|save)")
# Codex: `codex_exec/0.169.0 (Debian 12.0.0; x86_64) ...`.
AGENT_OS = re.compile(r"^\S+/\S+ \(([A-Za-z][A-Za-z ]{0,30}?) ?[\d.]*; ")
COMPACT_USER = re.compile(
    r"\A\s*CRITICAL: Respond with TEXT ONLY\. Do NOT call any tools\."
    r"|\A\s*Your task is to create a detailed summary of the conversation so far"
    r"|\A\s*You are performing a CONTEXT CHECKPOINT COMPACTION"
)


def protocol_of(method: str, path: str) -> tuple[Protocol, Kind] | None:
    """Which protocol a request speaks, by its path, and whether it only counts; None for other requests."""
    if method.upper() != "POST":
        return None
    bare = path.partition("?")[0].rstrip("/")
    if bare.endswith("/messages"):
        return "anthropic", "turn"
    if bare.endswith("/messages/count_tokens"):
        return "anthropic", "count"
    if bare.endswith("/chat/completions"):
        return "chat", "turn"
    if bare.endswith("/responses"):
        return "responses", "turn"
    if bare.endswith("/responses/compact"):
        return "responses", "compaction"
    if bare.endswith("/responses/input_tokens"):
        return "responses", "count"
    return None


def decode(call: Call) -> Decoded | None:
    """What the call said, or None when it is no LLM conversation (another path, an unreadable request).

    Never raises on what others sent. A response that was cut off gives what came; a failed one gives its
    status and the error text.
    """
    known = protocol_of(call.method, call.path)
    if known is None:
        return None
    try:
        return _decode(call, *known)
    except RecursionError:
        return None


def _decode(call: Call, protocol: Protocol, kind: Kind) -> Decoded | None:
    module = MODULES[protocol]
    data = plain(call.request_body, header(call.request_headers, "content-encoding"))
    body = load_json(data) if data else None
    if not isinstance(body, dict):
        return None
    request: list[Item] = module.request_items(body)
    offered: list[dict[str, Any]] = module.tools(body)
    reply = _reply(call, module) if kind != "count" else Reply()
    called = {item.call_id: item for item in request if item.kind == "call"}
    called |= {item.call_id: item for item in reply.items if item.kind == "call"}
    request = [_with_facts(item, called) for item in request]
    reply.items = [_with_facts(item, called) for item in reply.items]
    hosts = [text_of(item.content) for item in request if item.role == "system" or item.injected]
    cwd, env = place(hosts)
    stainless = header(call.request_headers, "x-stainless-os")
    if stainless and "os" not in env:
        env["os"] = stainless.lower()
    if "os" not in env and (found := AGENT_OS.search(header(call.request_headers, "user-agent"))):
        env["os"] = found[1].lower()
    if kind == "turn":
        kind = _kind(call, body, request, offered)
    effort = (
        as_dict(body.get("output_config")).get("effort")
        or as_dict(body.get("reasoning")).get("effort")
        or body.get("reasoning_effort")
    )
    return Decoded(
        protocol=protocol,
        kind=kind,
        request=request,
        response=reply.items,
        usage=reply.usage,
        model=reply.model or as_str(body.get("model")),
        effort=effort if isinstance(effort, str) else None,
        stop_reason=reply.stop_reason,
        status=call.status,
        error=reply.error,
        complete=call.complete and reply.ended and not reply.error,
        tools=offered,
        identity=identify(call.request_headers, body, request),
        agent=header(call.request_headers, "user-agent").partition(" ")[0],
        cwd=cwd,
        env=env,
    )


def _reply(call: Call, module: ModuleType) -> Reply:
    data = plain(call.response_body, header(call.response_headers, "content-encoding"))
    reply = Reply()
    if data is None:
        reply.error = "the response has an encoding that cannot be read"
        return reply
    kind = header(call.response_headers, "content-type").lower()
    head = data[:200].lstrip()
    streamed = "event-stream" in kind or ("json" not in kind and head.startswith((b"event:", b"data:", b":")))
    if call.status < 400 and data:
        reply = module.stream_reply(data) if streamed else module.read_reply(data)
    elif data:
        reply.error = _error_text(data)
    if not reply.error and (call.status >= 400 or call.status == 0):
        reply.error = call.error or (f"HTTP {call.status}" if call.status else "no response")
    return reply


def _error_text(data: bytes) -> str:
    value = load_json(data)
    error = as_dict(value).get("error", value)
    message = as_str(as_dict(error).get("message")) or as_str(as_dict(value).get("message")) or as_str(error)
    return message or data[:ERROR_TEXT].decode("utf-8", "replace").strip()


def _with_facts(item: Item, called: dict[str, Item]) -> Item:
    if item.kind != "result":
        return item
    call = called.get(item.call_id)
    name = call.name if call is not None else ""
    arguments = call.arguments if call is not None else {}
    known = facts(name, arguments, text_of(item.content), item.is_error)
    return msgspec.structs.replace(
        item, name=name, exit_code=known.exit_code, is_error=known.is_error, taint=known.taint
    )


def _kind(call: Call, body: dict[str, Any], request: list[Item], offered: list[dict[str, Any]]) -> Kind:
    """Turn, side request or compaction, by what is on the wire alone."""
    told = as_str(codex_metadata(call.request_headers).get("request_kind"))
    if told == "compaction" or header(call.request_headers, "x-openai-subagent") == "compact":
        return "compaction"
    if told and told != "turn":
        return "side"
    last = next((item for item in reversed(request) if item.role != "system"), None)
    last_text = text_of(last.content) if last is not None and last.role == "user" else ""
    if COMPACT_USER.match(last_text):
        return "compaction"
    if SIDE_USER.match(last_text) or body.get("generate") is False:
        return "side"
    limit = body.get("max_tokens") or body.get("max_output_tokens") or body.get("max_completion_tokens")
    if not offered and isinstance(limit, int) and limit <= 16:
        return "side"
    system = "\n".join(text_of(item.content)[:4000] for item in request if item.role == "system")
    if SIDE_SYSTEM.search(system):
        return "side"
    claude = header(call.request_headers, "x-claude-code-session-id") != ""
    if claude and not _own_tools(body):
        return "side"
    wants_json = as_dict(as_dict(body.get("output_config")).get("format")).get("type") == "json_schema"
    return "side" if wants_json and not offered else "turn"


def _own_tools(body: dict[str, Any]) -> bool:
    """Whether there is a tool that the client itself runs (server tools have a dated type)."""
    return any(
        not as_str(as_dict(tool).get("type")).startswith(("web_search_", "web_fetch_"))
        for tool in as_list(body.get("tools"))
    )
