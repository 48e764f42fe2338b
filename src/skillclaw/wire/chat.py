"""OpenAI Chat Completions: requests, plain and streamed responses -> items.

Source of the format: the Chat Completions reference; `reasoning_content` and `reasoning` are the forms of
DeepSeek, vLLM, OpenRouter, blocks of `thinking` in the content that of Mistral. Parts that are not known are
kept as the text of their JSON.
"""

from __future__ import annotations

from typing import Any

from skillclaw.trajectory.model import Part
from skillclaw.wire.body import load_json
from skillclaw.wire.chat_calls import Calls, Piece, piece_of
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
    given = message.get("content")
    thoughts = [block for block in as_list(given) if _is_thought(block)]
    reasoning = as_str(message.get("reasoning_content")) or as_str(message.get("reasoning"))
    for text in (reasoning, "".join(_thought(block.get("thinking")) for block in thoughts)):
        if text.strip():
            items.append(Item(role="agent", kind="reasoning", content=text, group=group))
    parts = _parts([block for block in as_list(given) if not _is_thought(block)] if thoughts else given)
    if as_str(message.get("refusal")):
        parts.append(Part(type="text", text=message["refusal"]))
    content = compact(parts)
    if content:
        items.append(Item(role="agent", kind="text", content=content, group=group))
    for call in as_list(message.get("tool_calls")):
        known = as_dict(call)
        function = as_dict(known.get("function") or known.get("custom"))
        asked = function.get("arguments", function.get("input"))
        items.append(_call(as_str(known.get("id")), as_str(function.get("name")), asked, group))
    if isinstance(message.get("function_call"), dict):
        legacy = message["function_call"]
        name = as_str(legacy.get("name"))
        items.append(_call(name, name, legacy.get("arguments"), group))
    return items


def _is_thought(block: Any) -> bool:
    """Whether it is a block of Mistral's reasoning models, whose content is a list."""
    return as_dict(block).get("type") == "thinking" and isinstance(block.get("thinking"), str | list)


def _thought(held: Any) -> str:
    if isinstance(held, str):
        return held
    return "".join(as_str(as_dict(part).get("text")) for part in held)


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
    said = _Said()
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
            said.add(as_dict(known.get("delta")))
    reply.ended = reply.ended or bool(reply.stop_reason)
    reply.items = _agent(said.whole(), 0)
    return reply


class _Call:
    """A call while it comes; `place` is where it stands among the others."""

    def __init__(self, call_id: str, place: int) -> None:
        self.call_id = call_id
        self.place = place
        self.raw = False
        self._name: list[str] = []
        self._named = 0
        self._given: list[str] = []

    def add(self, piece: Piece) -> None:
        self.call_id = self.call_id or piece.call_id
        self.raw = self.raw or piece.raw
        # Some servers repeat the name with every piece. Texts of two lengths are not compared, nor joined.
        if len(piece.name) != self._named or piece.name != "".join(self._name):
            self._name.append(piece.name)
            self._named += len(piece.name)
        given = json_text(piece.given) if isinstance(piece.given, dict) else as_str(piece.given)
        self._given.append(given)

    def whole(self) -> dict[str, Any]:
        kind, key = ("custom", "input") if self.raw else ("function", "arguments")
        return {"id": self.call_id, kind: {"name": "".join(self._name), key: "".join(self._given)}}


class _Said:
    """The message that the deltas of a stream make."""

    def __init__(self) -> None:
        self._words: dict[str, list[str]] = {"refusal": [], "reasoning": []}
        self._parts: list[Any] = []
        self._text: list[str] = []
        self._calls = Calls(self._begun)
        self._last = 0
        self._legacy: _Call | None = None

    def _begun(self, piece: Piece) -> _Call:
        self._last = self._last if piece.at is None else piece.at
        return _Call(piece.call_id, self._last)

    def add(self, delta: dict[str, Any]) -> None:
        content = delta.get("content")
        for part in [content] if isinstance(content, str) else as_list(content):
            self._part(part)
        self._words["refusal"].append(as_str(delta.get("refusal")))
        thought = as_str(delta.get("reasoning_content")) or as_str(delta.get("reasoning"))
        self._words["reasoning"].append(thought)
        for call in as_list(delta.get("tool_calls")):
            piece = piece_of(as_dict(call))
            self._calls.of(piece).add(piece)
        if isinstance(delta.get("function_call"), dict):
            self._legacy = self._legacy or _Call("", 0)
            self._legacy.add(piece_of({"function": delta["function_call"]}))

    def _part(self, part: Any) -> None:
        """A piece of the content; texts that follow each other are one."""
        shown = _part(part)
        if isinstance(part, str) or (shown.type == "text" and as_dict(part).get("text") == shown.text):
            self._text.append(shown.text or "")
        else:
            self._end_text()
            self._parts.append(part)

    def _end_text(self) -> None:
        text = "".join(self._text)
        self._parts += [text] if text else []
        self._text = []

    def whole(self) -> dict[str, Any]:
        self._end_text()
        ordered = sorted(self._calls, key=lambda call: call.place)
        return {
            "content": self._parts,
            **{name: "".join(pieces) for name, pieces in self._words.items()},
            "tool_calls": [call.whole() for call in ordered],
            "function_call": self._legacy.whole()["function"] if self._legacy else None,
        }
