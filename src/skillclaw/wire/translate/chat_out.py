"""`Ask` -> an OpenAI Chat Completions request, in the part of the protocol that all its servers know."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.translate.form import Ask, Call, Document, Image, Piece, Result, Text, Thought, Tool, Turn
from skillclaw.wire.translate.models import openai_effort, openai_fixed_sampling, openai_made, reasons
from skillclaw.wire.translate.names import Names, openai_id
from skillclaw.wire.translate.settle import (
    described,
    error_text,
    leading,
    object_text,
    parameters,
    picked,
    reminder,
    settle,
    strictable,
    without_search,
    words,
)

__all__ = ["OPEN_ENDED", "image_url", "write"]

OPEN_ENDED = 8192
"""Anthropic's agents must name max_tokens and name the most that a Claude can say (Claude Code: 32,000 and
more), which other models refuse. Up to this many the agent means a limit; more is left to the upstream."""
STOPS = 4
"""OpenAI takes no more stop sequences."""
NO_OUTPUT = "(no output)"
DESCRIPTION = 1024
"""Characters that OpenAI and Azure take on Chat Completions as a function's description: they refuse more
(`string too long. Expected a string with maximum length 1024`), and agents' tools have many times that."""
ELSEWHERE = "The whole description of this tool is in the system message."


def write(ask: Ask, names: Names) -> dict[str, Any]:
    """The body of the request; raises CannotTranslate when all that is wanted is a web search."""
    system, turns = leading(settle(ask.turns))
    messages: list[dict[str, Any]] = []
    tools = [_tool(tool, names) for tool in without_search(ask)]
    if openai_made(ask.model):
        system += _long_descriptions(tools)
    if system:
        messages.append({"role": "system", "content": "\n\n".join(system)})
    for turn in turns:
        for message in _turn(turn, names):
            _append(messages, message)
    body: dict[str, Any] = {"model": ask.model, "messages": messages}
    if tools:
        body["tools"] = tools
        chosen = picked(ask)
        if chosen is not None:
            name = names.wire(chosen.namespace, chosen.name)
            body["tool_choice"] = {"type": "function", "function": {"name": name}}
        elif ask.choice in ("any", "none"):
            body["tool_choice"] = "required" if ask.choice == "any" else "none"
        if ask.parallel is False:
            body["parallel_tool_calls"] = False
    _settings(ask, body)
    if ask.answer is not None:
        body["response_format"] = _answer(ask.answer)
    if ask.user:
        body["user"] = ask.user
    if ask.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def _append(messages: list[dict[str, Any]], message: dict[str, Any]) -> None:
    """Adds a message; two of the user's in a row become one, since some chat templates want turns."""
    last = messages[-1] if messages else {}
    if not last.get("role") == message["role"] == "user":
        messages.append(message)
        return
    old, new = last["content"], message["content"]
    if isinstance(old, str) and isinstance(new, str):
        last["content"] = f"{old}\n\n{new}"
        return
    parts = [[{"type": "text", "text": one}] if isinstance(one, str) else one for one in (old, new)]
    last["content"] = [*parts[0], *parts[1]]


def _settings(ask: Ask, body: dict[str, Any]) -> None:
    fixed = openai_fixed_sampling(ask.model)
    if ask.max_tokens is not None and ask.max_tokens <= OPEN_ENDED:
        body["max_completion_tokens" if fixed else "max_tokens"] = ask.max_tokens
    if not fixed:
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        if ask.top_p is not None:
            body["top_p"] = ask.top_p
        if ask.stops:
            body["stop"] = ask.stops[:STOPS]
    if ask.thinks and reasons(ask.model, chat=True):
        body["reasoning_effort"] = openai_effort(ask.effort, ask.budget)


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer["schema"]:
        return {"type": "json_object"}
    schema = answer["schema"]
    strict = answer["strict"] and strictable(schema)
    return {
        "type": "json_schema",
        "json_schema": {"name": answer["name"], "schema": schema, "strict": strict},
    }


def _tool(tool: Tool, names: Names) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": names.wire(tool.namespace, tool.name),
        "description": described(tool),
        "parameters": parameters(tool),
    }
    if tool.strict and strictable(tool.schema):
        function["strict"] = True
    return {"type": "function", "function": function}


def _long_descriptions(tools: list[dict[str, Any]]) -> list[str]:
    """Takes descriptions that are too long out of the tools, leaves their first paragraph, and gives them."""
    taken: list[str] = []
    for function in (tool["function"] for tool in tools):
        whole = function["description"]
        if len(whole) > DESCRIPTION:
            taken.append(f"# Tool {function['name']}\n\n{whole}")
            head = whole.partition("\n\n")[0][: DESCRIPTION // 2]
            function["description"] = f"{head}\n\n{ELSEWHERE}"
    return taken


def _turn(turn: Turn, names: Names) -> list[dict[str, Any]]:
    if turn.role == "system":
        return [{"role": "user", "content": reminder(turn).text}]
    if turn.role == "agent":
        return _agent(turn.pieces, names)
    messages: list[dict[str, Any]] = []
    late: list[Piece] = []
    for piece in turn.pieces:
        if isinstance(piece, Result):
            messages.append(_result(piece))
            files = [child for child in piece.content if not isinstance(child, Text)]
            if files:
                late += [Text(text=f"What the tool call {openai_id(piece.call_id)} showed:"), *files]
    late += [piece for piece in turn.pieces if not isinstance(piece, Result)]
    content = _content(late)
    return [*messages, {"role": "user", "content": content}] if content else messages


def _result(piece: Result) -> dict[str, Any]:
    text = words(piece.content)
    if not text:
        text = "(shown in the next message)" if piece.content else NO_OUTPUT
    # Only text may stand in a tool message: images follow in a message of the user, after all results.
    return {
        "role": "tool",
        "tool_call_id": openai_id(piece.call_id),
        "content": error_text(text, piece.is_error),
    }


def _content(pieces: list[Piece]) -> str | list[dict[str, Any]]:
    if all(isinstance(piece, Text) for piece in pieces):
        return words(pieces)
    parts: list[dict[str, Any]] = []
    for piece in pieces:
        if isinstance(piece, Text) and piece.text:
            parts.append({"type": "text", "text": piece.text})
        elif isinstance(piece, Image):
            image = {"url": image_url(piece)}
            if piece.detail in ("low", "high", "auto"):
                image["detail"] = piece.detail
            parts.append({"type": "image_url", "image_url": image})
        elif isinstance(piece, Document):
            parts.append(_document(piece))
    return parts


def _document(piece: Document) -> dict[str, Any]:
    if piece.url:
        # Chat Completions takes a file's bytes only: the model at least learns where it lies.
        return {"type": "text", "text": f"Document {piece.name}: {piece.url}"}
    data = f"data:{piece.media_type};base64,{piece.data}"
    return {"type": "file", "file": {"filename": piece.name or "document.pdf", "file_data": data}}


def image_url(piece: Image) -> str:
    """The image's URL, made of its bytes where it has none."""
    return piece.url or f"data:{piece.media_type or 'image/png'};base64,{piece.data}"


def _agent(pieces: list[Piece], names: Names) -> list[dict[str, Any]]:
    message: dict[str, Any] = {"role": "assistant", "content": words(pieces) or None}
    calls = [
        {
            "id": openai_id(piece.call_id),
            "type": "function",
            "function": {
                "name": names.wire(piece.namespace, piece.name),
                "arguments": object_text(piece),
            },
        }
        for piece in pieces
        if isinstance(piece, Call)
    ]
    if calls:
        message["tool_calls"] = calls
    if not calls and message["content"] is None:
        return []
    # Only what a Chat upstream gave goes back to one, in its own field: DeepSeek and Kimi want it, OpenAI
    # gives none and would refuse it.
    for piece in pieces:
        if isinstance(piece, Thought) and piece.seal.get("from") == "chat":
            field = piece.seal["field"]
            if piece.text:
                message[field] = message.get(field, "") + piece.text
            if "details" in piece.seal:
                message["reasoning_details"] = [*message.get("reasoning_details", []), *piece.seal["details"]]
    return [message]
