"""`Ask` -> an OpenAI Responses request."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.translate.chat_out import OPEN_ENDED, image_url
from skillclaw.wire.translate.form import (
    Ask,
    Call,
    Document,
    Image,
    Piece,
    Result,
    Text,
    Thought,
    Tool,
    Turn,
)
from skillclaw.wire.translate.models import openai_effort, openai_fixed_sampling, reasons
from skillclaw.wire.translate.names import Names, openai_id
from skillclaw.wire.translate.settle import (
    described,
    error_text,
    leading,
    object_text,
    parameters,
    picked,
    settle,
    strictable,
    words,
)

__all__ = ["write"]

LEAST_TOKENS = 16
"""OpenAI refuses a smaller max_output_tokens; Claude Code asks for 1 to see whether its quota is spent."""


def write(ask: Ask, names: Names) -> dict[str, Any]:
    """The body of the request. Nothing is stored at the provider: agents send their history each time."""
    system, turns = leading(settle(ask.turns))
    items: list[dict[str, Any]] = []
    raw: set[str] = set()
    for turn in turns:
        items += _turn(turn, names, raw)
    body: dict[str, Any] = {"model": ask.model, "input": items, "store": False}
    if system:
        body["instructions"] = "\n\n".join(system)
    if ask.tools:
        body["tools"] = [_tool(tool, names) for tool in ask.tools]
        if choice := _choice(ask, names):
            body["tool_choice"] = choice
        if ask.parallel is not None:
            body["parallel_tool_calls"] = ask.parallel
    if ask.max_tokens is not None and ask.max_tokens <= OPEN_ENDED:
        body["max_output_tokens"] = max(ask.max_tokens, LEAST_TOKENS)
    if reasons(ask.model, chat=False):
        body["include"] = ["reasoning.encrypted_content"]
        if ask.thinks:
            body["reasoning"] = {"effort": openai_effort(ask.effort, ask.budget), "summary": "auto"}
    if not openai_fixed_sampling(ask.model):
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        if ask.top_p is not None:
            body["top_p"] = ask.top_p
    if ask.answer is not None:
        body["text"] = {"format": _answer(ask.answer)}
    if ask.user:
        body["user"] = ask.user
    if ask.cache_key:
        body["prompt_cache_key"] = ask.cache_key
    if ask.stream:
        body["stream"] = True
    return body


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer["schema"]:
        return {"type": "json_object"}
    strict = answer["strict"] and strictable(answer["schema"])
    return {"type": "json_schema", "name": answer["name"], "schema": answer["schema"], "strict": strict}


def _tool(tool: Tool, names: Names) -> dict[str, Any]:
    if tool.kind == "search":
        return {"type": "web_search"}
    name = names.wire(tool.namespace, tool.name)
    if tool.kind == "custom":
        custom: dict[str, Any] = {"type": "custom", "name": name, "description": tool.description}
        if tool.grammar:
            custom["format"] = {**tool.grammar, "type": "grammar"}
        return custom
    return {
        "type": "function",
        "name": name,
        "description": described(tool),
        "parameters": parameters(tool),
        # Left out, OpenAI would try to be strict and so change what is optional.
        "strict": tool.strict and strictable(tool.schema),
    }


def _choice(ask: Ask, names: Names) -> str | dict[str, Any]:
    chosen = picked(ask)
    if chosen is None:
        return {"any": "required", "none": "none"}.get(ask.choice, "")
    if chosen.kind == "search":
        return {"type": "web_search"}
    kind = "custom" if chosen.kind == "custom" else "function"
    return {"type": kind, "name": names.wire(chosen.namespace, chosen.name)}


def _turn(turn: Turn, names: Names, raw: set[str]) -> list[dict[str, Any]]:
    if turn.role == "system":
        text = {"type": "input_text", "text": words(turn.pieces)}
        return [{"type": "message", "role": "developer", "content": [text]}] if text["text"] else []
    items: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for piece in turn.pieces:
        if isinstance(piece, Text) and turn.role == "agent":
            # As one string: with parts, the reference wants the id that the answer had at the provider.
            items.append({"type": "message", "role": "assistant", "content": piece.text})
            continue
        if isinstance(piece, Text | Image | Document):
            parts += _part(piece)
            continue
        items += _said(parts)
        parts = []
        if isinstance(piece, Call):
            items.append(_call(piece, names, raw))
        elif isinstance(piece, Result):
            items.append(_result(piece, raw))
        else:
            items += _thought(piece)
    return items + _said(parts)


def _said(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "message", "role": "user", "content": parts}] if parts else []


def _part(piece: Piece) -> list[dict[str, Any]]:
    if isinstance(piece, Text):
        return [{"type": "input_text", "text": piece.text}]
    if isinstance(piece, Image):
        detail = piece.detail if piece.detail in ("low", "high") else "auto"
        return [{"type": "input_image", "image_url": image_url(piece), "detail": detail}]
    if isinstance(piece, Document) and piece.url:
        return [{"type": "input_file", "file_url": piece.url}]
    if isinstance(piece, Document):
        data = f"data:{piece.media_type};base64,{piece.data}"
        return [{"type": "input_file", "filename": piece.name or "document.pdf", "file_data": data}]
    return []


def _call(piece: Call, names: Names, raw: set[str]) -> dict[str, Any]:
    head = {"call_id": openai_id(piece.call_id), "name": names.wire(piece.namespace, piece.name)}
    if piece.raw:
        raw.add(piece.call_id)
        return {"type": "custom_tool_call", **head, "input": piece.arguments}
    return {"type": "function_call", **head, "arguments": object_text(piece)}


def _result(piece: Result, raw: set[str]) -> dict[str, Any]:
    kind = "custom_tool_call_output" if piece.call_id in raw else "function_call_output"
    output: str | list[dict[str, Any]]
    if all(isinstance(child, Text) for child in piece.content):
        output = error_text(words(piece.content, "\n"), piece.is_error)
    else:
        output = [part for child in piece.content for part in _part(child)]
        if piece.is_error:
            output.insert(0, {"type": "input_text", "text": "Error:"})
    return {"type": kind, "call_id": openai_id(piece.call_id), "output": output}


def _thought(piece: Thought) -> list[dict[str, Any]]:
    """A reasoning item goes back as it came; without its encrypted content OpenAI could not read it."""
    item = piece.seal.get("item")
    if piece.seal.get("from") != "responses" or not isinstance(item, dict):
        return []
    if not item.get("encrypted_content"):
        return []
    return [{"summary": [], **item, "type": "reasoning"}]
