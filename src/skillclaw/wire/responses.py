"""OpenAI Responses: requests, plain and streamed responses -> items.

Source of the format: the Responses API reference and what Codex 0.169 sends (namespaced tools, custom tools,
compaction items). Items that are not known are kept as the text of their JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from skillclaw.wire.injected import is_compaction, split_injected
from skillclaw.wire.records import Item
from skillclaw.wire.reply import Reply
from skillclaw.wire.sse import parse
from skillclaw.wire.websocket import messages

__all__ = ["read_reply", "request_items", "socket_reply", "stream_reply", "tools"]

CALLS = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "local_shell_call",
        "shell_call",
        "computer_call",
        "mcp_call",
        "apply_patch_call",
    }
)
PROVIDER_CALLS = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_list_tools",
        "tool_search_call",
    }
)


def request_items(body: dict[str, Any]) -> list[Item]:
    """The conversation of a request, the instructions first."""
    items: list[Item] = []
    instructions = as_str(body.get("instructions"))
    if instructions.strip():
        items.append(Item(role="system", kind="text", content=instructions))
    given = body.get("input")
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": given}]
    for group, entry in enumerate(as_list(given), 1):
        items += _entry(entry, group)
    return items


def _entry(entry: Any, group: int) -> list[Item]:
    known = as_dict(entry)
    kind = as_str(known.get("type")) or ("message" if "role" in known else "")
    if kind == "message":
        return _message(known, group)
    if kind == "reasoning":
        text = "\n".join(
            text
            for key in ("content", "summary")
            for text in [as_str(as_dict(part).get("text")) for part in as_list(known.get(key))]
            if text
        )
        return [Item(role="agent", kind="reasoning", content=text, group=group)] if text.strip() else []
    if kind in CALLS:
        return _call(known, kind, group)
    if kind.endswith("_output"):
        return [_result(known, group)]
    if kind in PROVIDER_CALLS:
        return _provider_call(known, kind, group)
    if kind in ("compaction", "compaction_summary", "context_compaction"):
        # Encrypted by the provider: only that it was there can be told.
        return [
            Item(
                role="user",
                kind="text",
                content="(compacted history, encrypted by the provider)",
                group=group,
                injected=True,
                compaction=True,
            )
        ]
    return [Item(role="agent", kind="text", content=json_text(entry), group=group)]


def _message(known: dict[str, Any], group: int) -> list[Item]:
    role = known.get("role")
    content = known.get("content")
    blocks = [content] if isinstance(content, str) else as_list(content)
    items: list[Item] = []
    for block in blocks:
        part = _part(block)
        if part.type != "text":
            owner: Any = "agent" if role == "assistant" else "user"
            items.append(Item(role=owner, kind="text", content=[part], group=group))
            continue
        text = part.text or ""
        if not text:
            continue
        if role == "assistant":
            items.append(Item(role="agent", kind="text", content=text, group=group))
        elif role in ("system", "developer"):
            items.append(Item(role="system", kind="text", content=text, group=group))
        else:
            items += [
                Item(
                    role="user",
                    kind="text",
                    content=piece,
                    group=group,
                    injected=injected,
                    compaction=is_compaction(piece),
                )
                for piece, injected in split_injected(text)
            ]
    return items


def _part(block: Any) -> Part:
    if isinstance(block, str):
        return Part(type="text", text=block)
    known = as_dict(block)
    kind = known.get("type")
    if kind in ("input_text", "output_text", "text", "summary_text") and isinstance(known.get("text"), str):
        return Part(type="text", text=known["text"])
    if kind == "refusal" and isinstance(known.get("refusal"), str):
        return Part(type="text", text=known["refusal"])
    if kind in ("input_image", "image_url"):
        url = known.get("image_url")
        url = as_str(as_dict(url).get("url")) if isinstance(url, dict) else as_str(url)
        part = image_part("image/png", url) if url else None
        if part is not None:
            return part
    if isinstance(known.get("file_data"), str):
        block = {**known, "file_data": f"({len(known['file_data'])} characters of base64)"}
    return Part(type="text", text=json_text(block))


def _call(known: dict[str, Any], kind: str, group: int) -> list[Item]:
    name = as_str(known.get("name"))
    space = as_str(known.get("namespace")) or as_str(known.get("server_label"))
    if name and space:
        name = f"{space}.{name}"
    if kind in ("function_call", "mcp_call"):
        arguments, raw = arguments_of(known.get("arguments"))
    elif kind == "custom_tool_call":
        text = as_str(known.get("input"))
        arguments, raw = {"input": text}, text
    else:
        arguments, raw = arguments_of(known.get("action") or known.get("operation"))
        name = name or kind.removesuffix("_call")
    call_id = as_str(known.get("call_id")) or as_str(known.get("id"))
    call = Item(
        role="agent",
        kind="call",
        group=group,
        call_id=call_id,
        name=name or "unknown",
        arguments=arguments,
        raw=raw,
        provider=kind == "mcp_call",
    )
    if kind == "mcp_call" and (known.get("output") is not None or known.get("error") is not None):
        failed = known.get("error") is not None
        output = known.get("error") if failed else known.get("output")
        text = output if isinstance(output, str) else json_text(output)
        return [
            call,
            Item(
                role="agent",
                kind="result",
                content=text,
                group=group,
                call_id=call_id,
                is_error=failed,
                provider=True,
            ),
        ]
    return [call]


def _provider_call(known: dict[str, Any], kind: str, group: int) -> list[Item]:
    rest = {key: value for key, value in known.items() if key not in ("type", "id", "status", "result")}
    action = known.get("action")
    arguments = action if isinstance(action, dict) else rest
    return [
        Item(
            role="agent",
            kind="call",
            group=group,
            call_id=as_str(known.get("id")),
            name=kind.removesuffix("_call"),
            arguments=arguments,
            provider=True,
        )
    ]


def _result(known: dict[str, Any], group: int) -> Item:
    output = known.get("output")
    is_error: bool | None = None
    if isinstance(output, dict) and ("content" in output or "success" in output):
        success = output.get("success")
        is_error = not success if isinstance(success, bool) else None
        output = output.get("content", "")
    content: str | list[Part]
    if isinstance(output, str):
        content = output
    elif isinstance(output, list):
        content = compact(_part(part) for part in output)
    else:
        content = "" if output is None else json_text(output)
    return Item(
        role="user",
        kind="result",
        content=content,
        group=group,
        call_id=as_str(known.get("call_id")) or as_str(known.get("id")),
        is_error=is_error,
    )


def tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of a request, shortened; those of a namespace by their joined names."""
    found = []
    for tool in as_list(body.get("tools")):
        known = as_dict(tool)
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
        reply.items += _entry(entry, group)
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
    chosen = [entry for _, entry in sorted(entries.items())] if len(entries) >= len(output) else output
    for group, entry in enumerate(chosen):
        reply.items += _entry(entry, group)
    return reply


def _delta(entry: dict[str, Any], kind: str, text: str) -> None:
    if kind in ("response.output_text.delta", "response.refusal.delta"):
        entry.setdefault("type", "message")
        entry.setdefault("role", "assistant")
        _append(entry, "content", "output_text", text)
    elif kind == "response.function_call_arguments.delta":
        entry.setdefault("type", "function_call")
        entry["arguments"] = as_str(entry.get("arguments")) + text
    elif kind == "response.custom_tool_call_input.delta":
        entry.setdefault("type", "custom_tool_call")
        entry["input"] = as_str(entry.get("input")) + text
    elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
        entry.setdefault("type", "reasoning")
        _append(entry, "summary" if "summary" in kind else "content", "summary_text", text)


def _append(entry: dict[str, Any], key: str, kind: str, text: str) -> None:
    parts = as_list(entry.get(key))
    if parts and isinstance(parts[-1], dict):
        parts[-1] = {**parts[-1], "text": as_str(parts[-1].get("text")) + text}
    else:
        parts = [{"type": kind, "text": text}]
    entry[key] = parts
