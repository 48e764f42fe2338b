"""Gemini: generateContent, streamGenerateContent and countTokens -> items.

Source of the format: the Gemini API reference (v1beta; Vertex is alike) and what gemini-cli 0.61 sends, which
with a Google login wraps it (`{"request": ..}`, `{"response": ..}`). Names may be camelCase or snake_case, as
in all JSON of Google's. A stream is server-sent events (`alt=sse`), else one JSON array sent piece by piece.
Parts that are not known are kept as the text of their JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from skillclaw.trajectory.model import Part
from skillclaw.wire.body import json_stream, load_json
from skillclaw.wire.content import (
    IMAGE_TYPES,
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
from skillclaw.wire.records import Item, Usage
from skillclaw.wire.reply import Reply
from skillclaw.wire.sse import parse

__all__ = ["read_reply", "request_items", "stream_reply", "tools", "unwrapped"]

CODE = "code_execution"
"""The tool that the model runs at the provider's."""
UPPER = re.compile(r"(?<=[a-z])([A-Z])")
TOKENS = (
    "promptTokenCount",
    "toolUsePromptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
)


def _get(holder: dict[str, Any], name: str) -> Any:
    """A member by its camelCase name, however it is written."""
    if name in holder:
        return holder[name]
    return holder.get(UPPER.sub(lambda found: f"_{found[1].lower()}", name))


def unwrapped(body: dict[str, Any]) -> dict[str, Any]:
    """The request itself, without what Code Assist and countTokens put around it."""
    for name in ("request", "generateContentRequest"):
        inner = _get(body, name)
        if isinstance(inner, dict) and "contents" not in body:
            return {**inner, "model": inner.get("model") or body.get("model")}
    return body


def request_items(body: dict[str, Any]) -> list[Item]:
    """The conversation of a request, the system instruction first."""
    items: list[Item] = []
    for part in _parts(_get(body, "systemInstruction")):
        text = part if isinstance(part, str) else as_str(as_dict(part).get("text")) or json_text(part)
        if text.strip():
            items.append(Item(role="system", kind="text", content=text))
    contents = body.get("contents")
    for group, content in enumerate([contents] if isinstance(contents, dict | str) else as_list(contents), 1):
        is_agent = as_dict(content).get("role") == "model"
        for part in _parts(content):
            items += _agent_part(part, group) if is_agent else _user_part(part, group)
    return items


def _parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [content]
    parts = as_dict(content).get("parts")
    if isinstance(parts, dict | str):
        return [parts]
    return as_list(parts)


def _user_part(part: Any, group: int) -> list[Item]:
    known = {"text": part} if isinstance(part, str) else as_dict(part)
    response = _get(known, "functionResponse")
    if isinstance(response, dict):
        return [_result(response, group)]
    if isinstance(known.get("text"), str):
        return user_items(known["text"], group)
    return [_media("user", part, group)]


def _agent_part(part: Any, group: int) -> list[Item]:
    known = {"text": part} if isinstance(part, str) else as_dict(part)
    call = _get(known, "functionCall")
    code, ran = _get(known, "executableCode"), _get(known, "codeExecutionResult")
    if isinstance(call, dict):
        arguments, raw = arguments_of(call.get("args"))
        name = as_str(call.get("name")) or "unknown"
        call_id = as_str(call.get("id"))
        return [
            Item(
                role="agent",
                kind="call",
                group=group,
                call_id=call_id,
                name=name,
                arguments=arguments,
                raw=raw,
            )
        ]
    if isinstance(code, dict):
        asked = {key: code[key] for key in ("language", "code") if key in code}
        call_id = as_str(code.get("id"))
        return [
            Item(
                role="agent",
                kind="call",
                group=group,
                call_id=call_id,
                name=CODE,
                arguments=asked,
                provider=True,
            )
        ]
    if isinstance(ran, dict):
        return [
            Item(
                role="agent",
                kind="result",
                content=as_str(ran.get("output")),
                group=group,
                call_id=as_str(ran.get("id")),
                name=CODE,
                is_error=as_str(ran.get("outcome")) != "OUTCOME_OK",
                provider=True,
            )
        ]
    if isinstance(known.get("text"), str):
        text = known["text"]
        if known.get("thought") is True:
            return [Item(role="agent", kind="reasoning", content=text, group=group)] if text.strip() else []
        return [Item(role="agent", kind="text", content=text, group=group)] if text else []
    if set(known) <= {"thought", "thoughtSignature", "thought_signature"}:
        # Encrypted: there is nothing in it that anyone but the provider can read.
        return []
    return [_media("agent", part, group)]


def _media(role: Any, part: Any, group: int) -> Item:
    shown = _part(part)
    content: str | list[Part] = (shown.text or "") if shown.type == "text" else [shown]
    return Item(role=role, kind="text", content=content, group=group)


def _part(part: Any) -> Part:
    known = as_dict(part)
    if isinstance(known.get("text"), str):
        return Part(type="text", text=known["text"])
    inline, file = as_dict(_get(known, "inlineData")), as_dict(_get(known, "fileData"))
    data = as_str(inline.get("data"))
    if data:
        image = image_part(as_str(_get(inline, "mimeType")), data)
        if image is not None:
            return image
        held = {**inline, "data": f"({len(data)} characters of base64)"}
        rest = {key: value for key, value in known.items() if key not in ("inlineData", "inline_data")}
        return Part(type="text", text=json_text({**rest, "inlineData": held}))
    kind, uri = as_str(_get(file, "mimeType")), as_str(_get(file, "fileUri"))
    if kind in IMAGE_TYPES and uri:
        image = image_part(kind, uri)
        if image is not None:
            return image
    return Part(type="text", text=json_text(part))


def _result(response: dict[str, Any], group: int) -> Item:
    given = response.get("response")
    held = as_dict(given)
    error = held.get("error")
    shown = held.get("output", held.get("result", error)) if len(held) == 1 else given
    parts = (
        [Part(type="text", text=shown if isinstance(shown, str) else json_text(shown))]
        if shown is not None
        else []
    )
    parts += [_part(part) for part in as_list(response.get("parts"))]
    return Item(
        role="user",
        kind="result",
        content=compact(parts),
        group=group,
        call_id=as_str(response.get("id")),
        name=as_str(response.get("name")),
        is_error=True if error is not None and len(held) == 1 else None,
    )


def tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of a request, shortened; the provider's own by their names."""
    found = []
    given = body.get("tools")
    for tool in [given] if isinstance(given, dict) else as_list(given):
        known = as_dict(tool)
        declared = _get(known, "functionDeclarations")
        for one in [declared] if isinstance(declared, dict) else as_list(declared):
            function = as_dict(one)
            if as_str(function.get("name")):
                found.append(tool_summary(function["name"], as_str(function.get("description"))))
        found += [
            tool_summary(name, "")
            for name in known
            if name not in ("functionDeclarations", "function_declarations")
        ]
    return found


def read_reply(data: bytes) -> Reply:
    """A response that came in one piece, or as a JSON array of pieces, whole or cut off."""
    if data.lstrip()[:1] == b"[":
        return _from(json_stream(data))
    return _from([load_json(data)])


def stream_reply(data: bytes) -> Reply:
    """A response streamed as server-sent events, whole or cut off: what came is kept."""
    return _from(load_json(event.data) for event in parse(data))


def _from(values: Iterable[Any]) -> Reply:
    reply = Reply()
    counts: dict[str, int] = {}
    pieces: list[Item] = []
    for value in values:
        known = as_dict(value)
        known = as_dict(known.get("response")) or known
        _head(reply, known, counts)
        for candidate in as_list(known.get("candidates")):
            one = as_dict(candidate)
            if one.get("index") not in (0, None):
                continue
            for part in _parts(one.get("content")):
                pieces += _agent_part(part, 0)
            reason = as_str(_get(one, "finishReason"))
            if reason:
                reply.stop_reason, reply.ended = reason, True
    reply.items = _joined(pieces)
    reply.usage = _usage(counts)
    return reply


def _head(reply: Reply, value: dict[str, Any], counts: dict[str, int]) -> None:
    reply.model = as_str(_get(value, "modelVersion")) or reply.model
    usage = as_dict(_get(value, "usageMetadata"))
    for name in TOKENS:
        number = _get(usage, name)
        if isinstance(number, int) and not isinstance(number, bool):
            counts[name] = number
    error = value.get("error")
    if error:
        reply.error = as_str(as_dict(error).get("message")) or json_text(error)
    blocked = as_str(_get(as_dict(_get(value, "promptFeedback")), "blockReason"))
    if blocked:
        reply.stop_reason, reply.ended = blocked, True
        reply.error = reply.error or f"The prompt was blocked: {blocked}"


def _joined(items: list[Item]) -> list[Item]:
    """The pieces of a stream, a text that goes on as one: it is sent again as one part."""
    runs: list[list[Item]] = []
    for item in items:
        if runs and _goes_on(runs[-1][-1], item):
            runs[-1].append(item)
        else:
            runs.append([item])
    return [
        msgspec.structs.replace(run[0], content="".join(as_str(item.content) for item in run))
        if len(run) > 1
        else run[0]
        for run in runs
    ]


def _goes_on(last: Item, item: Item) -> bool:
    words = item.kind in ("text", "reasoning") and last.kind == item.kind
    return words and isinstance(last.content, str) and isinstance(item.content, str)


def _usage(counts: dict[str, int]) -> Usage | None:
    """Thoughts count as what the model gave, and what its own tools read as what it was given."""

    def total(*names: str) -> int | None:
        known = [counts[name] for name in names if name in counts]
        return sum(known) if known else None

    return usage_of(
        total("promptTokenCount", "toolUsePromptTokenCount"),
        total("candidatesTokenCount", "thoughtsTokenCount"),
        counts.get("cachedContentTokenCount"),
    )
