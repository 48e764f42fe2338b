"""One call to an LLM API, as bytes -> the conversation in it."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from skillclaw.trajectory.model import text_of
from skillclaw.wire import (
    aider,
    anthropic,
    chat,
    completions,
    gemini,
    openclaw,
    responses,
    routes,
    websocket,
)
from skillclaw.wire.body import header, known_encoding, load_json, plain
from skillclaw.wire.content import as_dict, as_str
from skillclaw.wire.identity import codex_metadata, identify
from skillclaw.wire.injected import told_apart, without_summary
from skillclaw.wire.kinds import kind_of
from skillclaw.wire.place import place
from skillclaw.wire.records import Call, Decoded, Item, Protocol, Reason, Unread
from skillclaw.wire.remote import told_remote
from skillclaw.wire.reply import Reply
from skillclaw.wire.results import with_facts
from skillclaw.wire.routes import Route, protocol_of
from skillclaw.wire.thoughts import thoughts_apart
from skillclaw.wire.unnamed import named

__all__ = ["decode", "protocol_of", "read"]

MODULES: dict[Protocol, ModuleType] = {
    "anthropic": anthropic,
    "responses": responses,
    "chat": chat,
    "completions": completions,
    "gemini": gemini,
}
ERROR_TEXT = 2000
"""Characters kept of an error body that is no JSON (gateways answer with pages)."""

# Codex: `codex_exec/0.169.0 (Debian 12.0.0; x86_64) ...`.
AGENT_OS = re.compile(r"^\S+/\S+ \(([A-Za-z][A-Za-z ]{0,30}?) ?[\d.]*; ")


def decode(call: Call) -> Decoded | None:
    """What the call said, or None when it is no LLM conversation or could not be read; see `read`."""
    found = read(call)
    return found if isinstance(found, Decoded) else None


def read(call: Call) -> Decoded | Unread | None:
    """What the call said; why it could not be read; or None where it is known to be no LLM conversation.

    Never raises on what others sent. A response that was cut off gives what came; a failed one gives its
    status and the error text; one that cannot be read leaves the request, with the reason in `unread`.
    """
    try:
        if routes.is_socket(call.method, call.status, call.request_headers):
            return _read_socket(call)
        route = protocol_of(call.method, call.path)
        if route is None:
            return _read_unknown(call)
        return _read_known(call, route)
    except RecursionError:
        return _unread(call, "damaged body")


def _unread(call: Call, reason: Reason) -> Unread:
    return Unread(reason=reason, path=routes.shown_path(call.path))


def _read_known(call: Call, route: Route) -> Decoded | Unread | None:
    encoding = header(call.request_headers, "content-encoding")
    if not call.request_body:
        # Nothing was asked, unless the record of it ends before it begins.
        return None if call.complete else _unread(call, "cut-off body")
    data = plain(call.request_body, encoding)
    body = load_json(data) if data else None
    if not isinstance(body, dict):
        if not known_encoding(encoding):
            return _unread(call, "unknown encoding")
        return _unread(call, "damaged body" if call.complete else "cut-off body")
    return _decode(call, route, body)


def _read_socket(call: Call) -> Decoded | Unread | None:
    if not call.request_body and not call.response_body:
        return None
    # The same paths as with POST; no other protocol is known to be spoken over WebSocket.
    if protocol_of("POST", call.path) != Route("responses", "turn"):
        return _unread(call, "unknown WebSocket")
    body = websocket.asked(call.request_body)
    if body is None:
        return _unread(call, "unknown WebSocket" if call.complete else "cut-off body")
    return _decode(call, Route("responses", "turn"), body, over_socket=True)


def _read_unknown(call: Call) -> Unread | None:
    """A request on a path of no known protocol, if it talks to an LLM and was not refused."""
    if call.method.upper() != "POST" or call.status >= 400 or routes.is_other(call.path):
        return None
    data = plain(call.request_body, header(call.request_headers, "content-encoding"))
    if not data or data.lstrip()[:1] != b"{" or not routes.looks_like_talk(load_json(data)):
        return None
    return _unread(call, "unknown protocol")


def _decode(call: Call, route: Route, body: dict[str, Any], *, over_socket: bool = False) -> Decoded:
    protocol, kind = route
    module = MODULES[protocol]
    own = gemini.unwrapped(body) if protocol == "gemini" else body
    told = told_apart(aider.own_words(thoughts_apart(module.request_items(own))))
    request: list[Item] = [part for item in told for part in without_summary(item)]
    offered: list[dict[str, Any]] = module.tools(own)
    reply = _reply(call, module, over_socket=over_socket) if kind != "count" else Reply()
    reply.items = thoughts_apart(reply.items)
    if protocol == "gemini":
        request, reply.items = named(request, reply.items)
    request, reply.items = openclaw.own_words(request, reply.items)
    called = {item.call_id: item for item in request if item.kind == "call"}
    called |= {item.call_id: item for item in reply.items if item.kind == "call"}
    request = [with_facts(item, called) for item in request]
    hosts = [text_of(item.content) for item in request if item.role == "system" or item.injected]
    cwd, env = place(hosts)
    if remote := told_remote(hosts, codex_metadata(call.request_headers, body), cwd):
        env["git_remote"] = remote
    stainless = header(call.request_headers, "x-stainless-os")
    if stainless and "os" not in env:
        env["os"] = stainless.lower()
    if "os" not in env and (found := AGENT_OS.search(header(call.request_headers, "user-agent"))):
        env["os"] = found[1].lower()
    if kind == "turn":
        kind = kind_of(call, own, request, offered)
    return Decoded(
        protocol=protocol,
        kind=kind,
        request=request,
        response=[with_facts(item, called) for item in reply.items],
        usage=reply.usage,
        model=reply.model or as_str(own.get("model")) or routes.model_of(call.path),
        effort=_effort(own),
        stop_reason=reply.stop_reason,
        status=(reply.status or 200) if over_socket else call.status,
        error=reply.error,
        complete=call.complete and reply.ended and not reply.error,
        tools=offered,
        identity=identify(call.request_headers, body, request),
        agent=header(call.request_headers, "user-agent").partition(" ")[0],
        cwd=cwd,
        env=env,
        response_id=reply.id,
        previous=as_str(own.get("previous_response_id")),
        unread=reply.unread,
    )


def _effort(body: dict[str, Any]) -> str | None:
    thinking = as_dict(as_dict(body.get("generationConfig")).get("thinkingConfig"))
    effort = (
        as_dict(body.get("output_config")).get("effort")
        or as_dict(body.get("reasoning")).get("effort")
        or body.get("reasoning_effort")
        or thinking.get("thinkingLevel")
    )
    return effort if isinstance(effort, str) else None


def _reply(call: Call, module: ModuleType, *, over_socket: bool) -> Reply:
    if over_socket:
        told: Reply = responses.socket_reply(call.response_body)
        return told
    encoding = header(call.response_headers, "content-encoding")
    data = plain(call.response_body, encoding)
    reply = Reply()
    if data is None:
        reply.error = "the response has an encoding that cannot be read"
        reply.unread = "damaged answer" if known_encoding(encoding) else "unknown encoding"
        return reply
    kind = header(call.response_headers, "content-type").lower()
    head = data[:200].lstrip()
    streamed = "event-stream" in kind or ("json" not in kind and head.startswith((b"event:", b"data:", b":")))
    if call.status < 400 and data:
        reply = module.stream_reply(data) if streamed else module.read_reply(data)
        silent = not (reply.items or reply.error or reply.usage or reply.ended)
        if silent and call.complete and not (reply.model or reply.id):
            reply.unread = "damaged answer"
    elif data:
        reply.error = _error_text(data)
    if not reply.error and (call.status >= 400 or call.status == 0):
        reply.error = call.error or (f"HTTP {call.status}" if call.status else "no response")
    return reply


def _error_text(data: bytes) -> str:
    value = load_json(data)
    if isinstance(value, list) and value:
        value = value[0]  # Gemini's streams are arrays, also when they fail
    error = as_dict(value).get("error", value)
    message = as_str(as_dict(error).get("message")) or as_str(as_dict(value).get("message")) or as_str(error)
    return message or data[:ERROR_TEXT].decode("utf-8", "replace").strip()
