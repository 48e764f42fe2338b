"""OpenAI Responses: requests, plain and streamed responses -> items.

Source of the format: the Responses API reference and what Codex 0.169 sends (namespaced tools, custom tools,
tools as an input item, messages between agents, compaction items).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_list, as_str, join, json_text, tool_summary, usage_of
from skillclaw.wire.growing import grow, grown
from skillclaw.wire.records import Item
from skillclaw.wire.reply import Reply
from skillclaw.wire.responses_items import entry_items
from skillclaw.wire.sse import parse
from skillclaw.wire.websocket import messages

__all__ = ["offered", "read_reply", "request_items", "socket_reply", "stream_reply", "tools"]


def request_items(body: dict[str, Any]) -> list[Item]:
    """The conversation of a request, the instructions first."""
    items: list[Item] = []
    instructions = as_str(body.get("instructions"))
    if instructions.strip():
        items.append(Item(role="system", kind="text", content=instructions))
    given = body.get("input")
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    told: dict[str, int] = {}
    for group, entry in enumerate(as_list(given), 1):
        for item in entry_items(entry, group):
            before = told.get(item.call_id) if item.kind == "result" and item.call_id else None
            if before is None:
                items.append(item)
            elif any(between.role == "agent" for between in items[before:]):
                items.append(Item(role="user", kind="text", content=item.content, group=group, injected=True))
            else:
                # More of a result, which the agent gets together with it: Codex's scripts `notify`.
                first = items[before]
                items[before] = msgspec.structs.replace(first, content=join(first.content, item.content))
            if item.kind == "result":
                told.setdefault(item.call_id, len(items) - 1)
            elif item.kind == "call":
                told.pop(item.call_id, None)
    return items


def offered(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of a request as they are: those of `tools`, then those of its `additional_tools` items.

    Codex gives its newest models their tools in such an item and leaves `tools` out.
    """
    given = body.get("input")
    items = map(as_dict, given) if isinstance(given, list) else ()
    more = [as_list(item.get("tools")) for item in items if item.get("type") == "additional_tools"]
    return [as_dict(tool) for tools in (as_list(body.get("tools")), *more) for tool in tools]


def tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of a request, shortened; those of a namespace by their joined names."""
    found = []
    for known in offered(body):
        name = as_str(known.get("name")) or as_str(known.get("type"))
        if known.get("type") == "namespace":
            for inner in as_list(known.get("tools")):
                child = as_dict(inner)
                if as_str(child.get("name")):
                    found.append(tool_summary(f"{name}.{child['name']}", as_str(child.get("description"))))
        elif name:
            found.append(tool_summary(name, as_str(known.get("description"))))
    return found


def read_reply(data: bytes) -> Reply:
    """A response that came in one piece."""
    reply = Reply()
    body = as_dict(load_json(data))
    _finish(reply, body)
    for group, entry in enumerate(as_list(body.get("output"))):
        reply.items += entry_items(entry, group)
    reply.ended = "output" in body
    return reply


def _finish(reply: Reply, body: dict[str, Any]) -> None:
    reply.id = as_str(body.get("id")) or reply.id
    reply.model = as_str(body.get("model")) or reply.model
    status = as_str(body.get("status"))
    reason = as_str(as_dict(body.get("incomplete_details")).get("reason"))
    reply.stop_reason = reason or status or reply.stop_reason
    error = body.get("error")
    if error:
        reply.error = as_str(as_dict(error).get("message")) or json_text(error)
    usage = as_dict(body.get("usage"))
    cached = as_dict(usage.get("input_tokens_details")).get("cached_tokens")
    reply.usage = usage_of(usage.get("input_tokens"), usage.get("output_tokens"), cached) or reply.usage


def stream_reply(data: bytes) -> Reply:
    """A streamed response, whole or cut off; unfinished items are made from their deltas."""
    return _from({"type": event.type, **as_dict(load_json(event.data))} for event in parse(data))


def socket_reply(data: bytes) -> Reply:
    """What the server's messages of one turn of a WebSocket connection say."""
    return _from(messages(data))


def _from(values: Iterable[dict[str, Any]]) -> Reply:
    reply = Reply()
    entries: dict[int, dict[str, Any]] = {}
    last: dict[str, Any] = {}
    for value in values:
        kind = as_str(value.get("type"))
        index = value.get("output_index")
        place = index if isinstance(index, int) and not isinstance(index, bool) else 0
        if kind in ("response.output_item.added", "response.output_item.done"):
            entries[place] = dict(as_dict(value.get("item")))
        elif kind.endswith(".delta"):
            _delta(entries.setdefault(place, {}), kind, as_str(value.get("delta")))
        elif kind in ("response.completed", "response.failed", "response.incomplete", "response.created"):
            last = as_dict(value.get("response"))
            _finish(reply, last)
            reply.ended = reply.ended or kind != "response.created"
        elif kind == "error":
            error = as_dict(value.get("error"))
            reply.error = as_str(value.get("message")) or as_str(error.get("message")) or json_text(value)
            status = value.get("status", value.get("status_code"))
            reply.status = status if isinstance(status, int) and not isinstance(status, bool) else 0
    output = as_list(last.get("output"))
    chosen = [_whole(entries[place]) for place in sorted(entries)] if len(entries) >= len(output) else output
    for group, entry in enumerate(chosen):
        reply.items += entry_items(entry, group)
    return reply


def _delta(entry: dict[str, Any], kind: str, text: str) -> None:
    if kind in ("response.output_text.delta", "response.refusal.delta"):
        entry.setdefault("type", "message")
        entry.setdefault("role", "assistant")
        _append(entry, "content", "output_text", text)
    elif kind == "response.function_call_arguments.delta":
        entry.setdefault("type", "function_call")
        grow(entry, "arguments", text)
    elif kind == "response.custom_tool_call_input.delta":
        entry.setdefault("type", "custom_tool_call")
        grow(entry, "input", text)
    elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
        entry.setdefault("type", "reasoning")
        _append(entry, "summary" if "summary" in kind else "content", "summary_text", text)


def _append(entry: dict[str, Any], key: str, kind: str, text: str) -> None:
    parts = as_list(entry.get(key))
    if not parts or not isinstance(parts[-1], dict):
        parts = entry[key] = [{"type": kind}]
    grow(parts[-1], "text", text)


def _whole(entry: dict[str, Any]) -> dict[str, Any]:
    """An item with what its deltas brought."""
    return {
        key: [grown(part) if isinstance(part, dict) else part for part in value]
        if key in ("content", "summary") and isinstance(value, list)
        else value
        for key, value in grown(entry).items()
    }
