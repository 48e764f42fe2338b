"""OpenAI Chat Completions: requests, plain and streamed responses -> items.

Source of the format: the Chat Completions reference; `reasoning_content` and `reasoning` are the forms of
DeepSeek, vLLM, OpenRouter. Parts that are not known are kept as the text of their JSON.
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
from skillclaw.wire.injected import user_items
from skillclaw.wire.records import Item
from skillclaw.wire.reply import Reply
from skillclaw.wire.sse import parse

__all__ = ["read_reply", "request_items", "stream_reply", "tools"]


def request_items(body: dict[str, Any]) -> list[Item]:
    """The conversation of a request."""
    items: list[Item] = []
    for group, message in enumerate(as_list(body.get("messages")), 1):
        items += _message(message, group)
    return items


def _message(message: Any, group: int) -> list[Item]:
    if not isinstance(message, dict):
        return [Item(role="user", kind="text", content=json_text(message), group=group)]
    role = message.get("role")
    parts = _parts(message.get("content"))
    if role in ("tool", "function"):
        call_id = as_str(message.get("tool_call_id")) or as_str(message.get("name"))
        return [Item(role="user", kind="result", content=compact(parts), group=group, call_id=call_id)]
    if role == "assistant":
        return _agent(message, group)
    items: list[Item] = []
    for part in parts:
        if part.type != "text":
            items.append(Item(role="user", kind="text", content=[part], group=group))
        elif role in ("system", "developer"):
            if part.text:
                items.append(Item(role="system", kind="text", content=part.text, group=group))
        else:
            items += user_items(part.text or "", group)
    return items


def _agent(message: dict[str, Any], group: int) -> list[Item]:
    items: list[Item] = []
    reasoning = as_str(message.get("reasoning_content")) or as_str(message.get("reasoning"))
    if reasoning.strip():
        items.append(Item(role="agent", kind="reasoning", content=reasoning, group=group))
    parts = _parts(message.get("content"))
    if as_str(message.get("refusal")):
        parts.append(Part(type="text", text=message["refusal"]))
    content = compact(parts)
    if content:
        items.append(Item(role="agent", kind="text", content=content, group=group))
    for call in as_list(message.get("tool_calls")):
        known = as_dict(call)
        function = as_dict(known.get("function") or known.get("custom"))
        given = function.get("arguments", function.get("input"))
        items.append(_call(as_str(known.get("id")), as_str(function.get("name")), given, group))
    if isinstance(message.get("function_call"), dict):
        legacy = message["function_call"]
        name = as_str(legacy.get("name"))
        items.append(_call(name, name, legacy.get("arguments"), group))
    return items


def _call(call_id: str, name: str, given: Any, group: int) -> Item:
    arguments, raw = arguments_of(given)
    return Item(
        role="agent",
        kind="call",
        group=group,
        call_id=call_id,
        name=name or "unknown",
        arguments=arguments,
        raw=raw,
    )


def _parts(content: Any) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [Part(type="text", text=content)] if content else []
    if not isinstance(content, list):
        return [Part(type="text", text=json_text(content))]
    return [_part(block) for block in content]


def _part(block: Any) -> Part:
    if isinstance(block, str):
        return Part(type="text", text=block)
    known = as_dict(block)
    if known.get("type") in ("text", "input_text", "output_text") and isinstance(known.get("text"), str):
        return Part(type="text", text=known["text"])
    if known.get("type") == "image_url":
        url = known.get("image_url")
        url = as_str(as_dict(url).get("url")) if isinstance(url, dict) else as_str(url)
        part = image_part("image/png", url) if url else None
        if part is not None:
            return part
    audio = known.get("input_audio")
    if isinstance(audio, dict) and isinstance(audio.get("data"), str):
        block = {**known, "input_audio": {**audio, "data": f"({len(audio['data'])} characters of base64)"}}
    return Part(type="text", text=json_text(block))


def tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of a request, shortened."""
    found = []
    for tool in [*as_list(body.get("tools")), *as_list(body.get("functions"))]:
        known = as_dict(tool)
        function = as_dict(known.get("function") or known.get("custom")) or known
        if as_str(function.get("name")):
            found.append(tool_summary(function["name"], as_str(function.get("description"))))
    return found


def read_reply(data: bytes) -> Reply:
    """A response that came in one piece."""
    reply = Reply()
    body = as_dict(load_json(data))
    _head(reply, body)
    for choice in as_list(body.get("choices"))[:1]:
        known = as_dict(choice)
        reply.stop_reason = as_str(known.get("finish_reason"))
        reply.items = _agent(as_dict(known.get("message")), 0)
        reply.ended = True
    return reply


def _head(reply: Reply, body: dict[str, Any]) -> None:
    reply.model = as_str(body.get("model")) or reply.model
    if body.get("error"):
        reply.error = as_str(as_dict(body["error"]).get("message")) or json_text(body["error"])
    usage = as_dict(body.get("usage"))
    cached = as_dict(usage.get("prompt_tokens_details")).get("cached_tokens")
    if cached is None:
        cached = usage.get("prompt_cache_hit_tokens")
    reply.usage = usage_of(usage.get("prompt_tokens"), usage.get("completion_tokens"), cached) or reply.usage


def stream_reply(data: bytes) -> Reply:
    """A streamed response, whole or cut off: the first choice, as far as it came."""
    reply = Reply()
    message: dict[str, str] = {"content": "", "reasoning": "", "refusal": ""}
    calls: dict[int, dict[str, str]] = {}
    for event in parse(data):
        if event.data.strip() == "[DONE]":
            reply.ended = True
            continue
        chunk = as_dict(load_json(event.data))
        _head(reply, chunk)
        for choice in as_list(chunk.get("choices")):
            known = as_dict(choice)
            if known.get("index") not in (0, None):
                continue
            reply.stop_reason = as_str(known.get("finish_reason")) or reply.stop_reason
            delta = as_dict(known.get("delta"))
            message["content"] += as_str(delta.get("content"))
            message["refusal"] += as_str(delta.get("refusal"))
            message["reasoning"] += as_str(delta.get("reasoning_content")) or as_str(delta.get("reasoning"))
            for call in as_list(delta.get("tool_calls")):
                _delta(calls, as_dict(call))
    reply.ended = reply.ended or bool(reply.stop_reason)
    whole = {
        **message,
        "tool_calls": [
            {"id": call["id"], "function": {"name": call["name"], "arguments": call["arguments"]}}
            for _, call in sorted(calls.items())
        ],
    }
    reply.items = _agent(whole, 0)
    return reply


def _delta(calls: dict[int, dict[str, str]], delta: dict[str, Any]) -> None:
    index = delta.get("index")
    place = index if isinstance(index, int) and not isinstance(index, bool) else max(calls, default=0)
    call = calls.setdefault(place, {"id": "", "name": "", "arguments": ""})
    function = as_dict(delta.get("function"))
    call["id"] = as_str(delta.get("id")) or call["id"]
    call["name"] += as_str(function.get("name")) if function.get("name") != call["name"] else ""
    call["arguments"] += as_str(function.get("arguments"))
