"""Anthropic Messages: requests, plain and streamed responses -> items.

Source of the format: the Messages API reference (blocks, streaming events) and what Claude Code 2.1 sends.
Blocks that are not known are kept as the text of their JSON.
"""

from __future__ import annotations

from typing import Any

from skillclaw.trajectory.model import Part
from skillclaw.wire.body import load_json
from skillclaw.wire.content import (
    arguments_of,
    as_dict,
    as_list,
    as_str,
    compact,
    image_part,
    json_text,
    tool_summary,
    usage_of,
)
from skillclaw.wire.growing import grow, grown
from skillclaw.wire.injected import user_items
from skillclaw.wire.records import Item, Usage
from skillclaw.wire.reply import Reply
from skillclaw.wire.sse import parse

__all__ = ["read_reply", "request_items", "stream_reply", "tools"]

BILLING = "x-anthropic-billing-header:"
"""Claude Code's first system block: it differs per request and says nothing about the session."""

SYNTHETIC = "No response requested."
"""What Claude Code puts in the agent's place when it goes on after a local command; no model said it."""

BLOCKS = 1_000_000
"""Numbers kept free between messages for their blocks."""


def request_items(body: dict[str, Any]) -> list[Item]:
    """The conversation of a request, the system prompt first."""
    items: list[Item] = []
    system = body.get("system")
    for block in [system] if isinstance(system, str) else as_list(system):
        text = block if isinstance(block, str) else as_str(as_dict(block).get("text")) or json_text(block)
        if text.strip() and not text.startswith(BILLING):
            items.append(Item(role="system", kind="text", content=text))
    for group, message in enumerate(as_list(body.get("messages")), 1):
        items += _message(message, group)
    return items


def _message(message: Any, group: int) -> list[Item]:
    if not isinstance(message, dict):
        return [Item(role="user", kind="text", content=json_text(message), group=group)]
    role = message.get("role")
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else as_list(content)
    if content is not None and not isinstance(content, str | list):
        blocks = [content]
    items: list[Item] = []
    image = False
    for number, block in enumerate(blocks):
        if role == "assistant":
            items += _agent_block(block, group)
            continue
        # Claude Code sends what were several messages of user and host as the blocks of one: each text
        # stands for itself, an image goes with the text beside it.
        was_image, image = image, as_dict(block).get("type") == "image"
        own = items[-1].group if items and (image or was_image) else group * BLOCKS + number
        items += _texts("system", block, own) if role == "system" else _user_block(block, own)
    return items


def _user_block(block: Any, group: int) -> list[Item]:
    if isinstance(block, dict) and as_str(block.get("type")).endswith("tool_result"):
        return [_result(block, group)]
    return _texts("user", block, group)


def _texts(role: Any, block: Any, group: int) -> list[Item]:
    if isinstance(block, str):
        block = {"type": "text", "text": block}
    if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
        if role != "user":
            return [Item(role=role, kind="text", content=block["text"], group=group)] if block["text"] else []
        return user_items(block["text"], group)
    part = _part(block)
    content: str | list[Part] = (part.text or "") if part.type == "text" else [part]
    return [Item(role=role, kind="text", content=content, group=group)]


def _part(block: Any) -> Part:
    known = as_dict(block)
    if known.get("type") == "text" and isinstance(known.get("text"), str):
        return Part(type="text", text=known["text"])
    if known.get("type") == "image":
        source = as_dict(known.get("source"))
        data = as_str(source.get("data")) or as_str(source.get("url"))
        part = image_part(as_str(source.get("media_type")), data) if data else None
        if part is not None:
            return part
    return Part(type="text", text=json_text(_without_bytes(block)))


def _without_bytes(block: Any) -> Any:
    """Documents and odd images: their base64 bytes by length, the rest as it is."""
    if isinstance(block, dict) and isinstance(block.get("source"), dict):
        source = block["source"]
        if source.get("type") == "base64" and isinstance(source.get("data"), str):
            return {**block, "source": {**source, "data": f"({len(source['data'])} characters of base64)"}}
    return block


def _result(block: dict[str, Any], group: int, *, provider: bool = False) -> Item:
    content = block.get("content")
    shown: str | list[Part]
    if isinstance(content, str):
        shown = content
    elif isinstance(content, list):
        shown = compact(_part(child) for child in content)
    else:
        shown = "" if content is None else json_text(content)
    is_error = block.get("is_error")
    return Item(
        role="agent" if provider else "user",
        kind="result",
        content=shown,
        group=group,
        call_id=as_str(block.get("tool_use_id")),
        is_error=is_error if isinstance(is_error, bool) else None,
        provider=provider,
    )


def _agent_block(block: Any, group: int) -> list[Item]:
    known = as_dict(block)
    kind = as_str(known.get("type"))
    if kind == "thinking":
        text = as_str(known.get("thinking"))
        return [Item(role="agent", kind="reasoning", content=text, group=group)] if text.strip() else []
    if kind == "redacted_thinking":
        # Encrypted: there is nothing in it that anyone but the provider can read.
        return []
    if kind.endswith("tool_use") and (known.get("name") or known.get("id")):
        arguments, raw = arguments_of(known.get("input"))
        return [
            Item(
                role="agent",
                kind="call",
                group=group,
                call_id=as_str(known.get("id")),
                name=as_str(known.get("name")) or "unknown",
                arguments=arguments,
                raw=raw,
                provider=kind != "tool_use",
            )
        ]
    if kind.endswith("tool_result"):
        return [_result(known, group, provider=True)]
    if known.get("text") == SYNTHETIC and kind == "text":
        return [Item(role="system", kind="text", content=SYNTHETIC, group=group, injected=True)]
    return _texts("agent", block, group)


def tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of a request, shortened."""
    found = []
    for tool in as_list(body.get("tools")):
        known = as_dict(tool)
        name = as_str(known.get("name")) or as_str(known.get("type"))
        if name:
            found.append(tool_summary(name, as_str(known.get("description"))))
    return found


def read_reply(data: bytes) -> Reply:
    """A response that came in one piece."""
    reply = Reply()
    message = as_dict(load_json(data))
    if "error" in message:
        reply.error = as_str(as_dict(message["error"]).get("message")) or json_text(message["error"])
        return reply
    reply.ended = message.get("type") == "message" or "content" in message
    _head(reply, message)
    for block in as_list(message.get("content")):
        reply.items += _agent_block(block, 0)
    return reply


def _head(reply: Reply, message: dict[str, Any]) -> None:
    reply.model = as_str(message.get("model")) or reply.model
    reply.stop_reason = as_str(message.get("stop_reason")) or reply.stop_reason
    _usage(reply, as_dict(message.get("usage")))


def _usage(reply: Reply, usage: dict[str, Any]) -> None:
    """Counts so far; ATIF's prompt tokens include what was read from and written to the cache."""
    old = reply.usage
    parts = [
        usage.get(key) for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    ]
    known = [n for n in parts if isinstance(n, int) and not isinstance(n, bool)]
    new = usage_of(sum(known) if known else None, usage.get("output_tokens"), parts[2])
    if new is None or old is None:
        reply.usage = new or old
        return
    reply.usage = Usage(
        prompt=old.prompt if new.prompt is None else max(new.prompt, old.prompt or 0),
        completion=old.completion if new.completion is None else new.completion,
        cached=old.cached if new.cached is None else new.cached,
    )


def stream_reply(data: bytes) -> Reply:
    """A streamed response, whole or cut off: what came is kept."""
    reply = Reply()
    blocks: dict[int, dict[str, Any]] = {}
    for event in parse(data):
        value = as_dict(load_json(event.data))
        kind = value.get("type") or event.type
        index = value.get("index")
        if kind == "message_start":
            _head(reply, as_dict(value.get("message")))
        elif kind == "content_block_start" and isinstance(index, int):
            blocks[index] = dict(as_dict(value.get("content_block")))
        elif kind == "content_block_delta" and isinstance(index, int):
            _delta(blocks.setdefault(index, {}), as_dict(value.get("delta")))
        elif kind == "message_delta":
            reply.stop_reason = as_str(as_dict(value.get("delta")).get("stop_reason")) or reply.stop_reason
            _usage(reply, as_dict(value.get("usage")))
        elif kind == "message_stop":
            reply.ended = True
        elif kind == "error":
            error = as_dict(value.get("error"))
            reply.error = as_str(error.get("message")) or json_text(value)
    for _, block in sorted((index, grown(block)) for index, block in blocks.items()):
        if "partial" in block:
            block["input"] = block.pop("partial") or block.get("input")
        reply.items += _agent_block(block, 0)
    return reply


def _delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = delta.get("type")
    if kind == "text_delta":
        block.setdefault("type", "text")
        grow(block, "text", as_str(delta.get("text")))
    elif kind == "thinking_delta":
        block.setdefault("type", "thinking")
        grow(block, "thinking", as_str(delta.get("thinking")))
    elif kind == "input_json_delta":
        block.setdefault("type", "tool_use")
        grow(block, "partial", as_str(delta.get("partial_json")))
