"""`Ask` -> an Anthropic Messages request."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.translate.form import Ask, Call, Document, Image, Piece, Result, Text, Thought, Turn
from skillclaw.wire.translate.models import claude_max_tokens, claude_thinking
from skillclaw.wire.translate.names import Names, plain_id
from skillclaw.wire.translate.schemas import claude_answer
from skillclaw.wire.translate.settle import (
    described,
    leading,
    object_of,
    parameters,
    picked,
    reminder,
    settle,
)

__all__ = ["write"]

CACHE = {"type": "ephemeral"}
BUDGETS = {"low": 4096, "medium": 16384, "high": 24576, "xhigh": 24576, "max": 24576}
"""Tokens for thinking where a model takes a budget; they leave room for the answer."""
LEAST_BUDGET = 1024
"""Anthropic refuses less."""
ONLY_JSON = "Answer with one JSON object and nothing else."
FIRST = "(start)"
"""Anthropic wants the user to speak first, and refuses empty words."""
SEARCH_TYPE = "web_search_20250305"


def write(ask: Ask, names: Names) -> dict[str, Any]:
    """The body of the request."""
    system, turns = leading(settle(ask.turns))
    if ask.answer is not None and not ask.answer["schema"]:
        system.append(ONLY_JSON)
    body: dict[str, Any] = {
        "model": ask.model,
        "max_tokens": ask.max_tokens or claude_max_tokens(ask.model),
        "messages": _messages(turns, names),
    }
    if system:
        body["system"] = [{"type": "text", "text": text} for text in system]
    tools = _tools(ask, names)
    choice = _choice(ask, names)
    if not tools and (called := _called(turns, names)):
        # A history with calls is refused without tools (Codex asks for a summary that way).
        tools = [{"name": name, "input_schema": {"type": "object"}} for name in called]
        choice = {"type": "none"}
    if tools:
        body["tools"] = tools
        if choice:
            body["tool_choice"] = choice
        _mark_cache(body)
    _thinking(ask, turns, body)
    if ask.answer is not None and ask.answer["schema"]:
        form = {"type": "json_schema", "schema": claude_answer(ask.answer["schema"])}
        body["output_config"] = {**body.get("output_config", {}), "format": form}
    if ask.stops:
        body["stop_sequences"] = ask.stops
    if ask.user:
        body["metadata"] = {"user_id": ask.user}
    if ask.stream:
        body["stream"] = True
    return body


def _messages(turns: list[Turn], names: Names) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for turn in turns:
        role = "assistant" if turn.role == "agent" else "user"
        pieces: list[Piece] = [reminder(turn)] if turn.role == "system" else turn.pieces
        blocks = [block for piece in pieces if (block := _block(piece, names)) is not None]
        if not blocks:
            continue
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": role, "content": blocks})
    if not messages or messages[0]["role"] != "user":
        messages.insert(0, {"role": "user", "content": [{"type": "text", "text": FIRST}]})
    last = messages[-1]["content"][-1]
    if messages[-1]["role"] == "assistant" and last["type"] == "text":
        # An answer to be gone on with must not end with blanks.
        last["text"] = last["text"].rstrip()
    return messages


def _block(piece: Piece, names: Names) -> dict[str, Any] | None:
    if isinstance(piece, Text):
        return {"type": "text", "text": piece.text} if piece.text.strip() else None
    if isinstance(piece, Thought):
        return _thought(piece)
    if isinstance(piece, Call):
        name = names.wire(piece.namespace, piece.name)
        return {"type": "tool_use", "id": plain_id(piece.call_id), "name": name, "input": object_of(piece)}
    if isinstance(piece, Result):
        shown = [block for child in piece.content if (block := _block(child, names)) is not None]
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": plain_id(piece.call_id)}
        if len(shown) == 1 and shown[0]["type"] == "text":
            result["content"] = shown[0]["text"]
        elif shown:
            result["content"] = shown
        return {**result, "is_error": True} if piece.is_error else result
    return _file(piece)


def _thought(piece: Thought) -> dict[str, Any] | None:
    if piece.seal.get("from") != "anthropic":
        return None
    if "redacted" in piece.seal:
        return {"type": "redacted_thinking", "data": piece.seal["redacted"]}
    return {"type": "thinking", "thinking": piece.seal["text"], "signature": piece.seal["signature"]}


def _file(piece: Image | Document) -> dict[str, Any]:
    kind = "image" if isinstance(piece, Image) else "document"
    if piece.url:
        return {"type": kind, "source": {"type": "url", "url": piece.url}}
    media_type = {"image/jpg": "image/jpeg", "": "image/png"}.get(piece.media_type, piece.media_type)
    block: dict[str, Any] = {
        "type": kind,
        "source": {"type": "base64", "media_type": media_type, "data": piece.data},
    }
    if isinstance(piece, Document) and piece.name:
        block["title"] = piece.name
    return block


def _tools(ask: Ask, names: Names) -> list[dict[str, Any]]:
    tools = []
    for tool in ask.tools:
        name = names.wire(tool.namespace, tool.name)
        if tool.kind == "search":
            tools.append({"type": SEARCH_TYPE, "name": name})
            continue
        known: dict[str, Any] = {"name": name, "input_schema": parameters(tool)}
        if described(tool):
            known["description"] = described(tool)
        tools.append(known)
    return tools


def _choice(ask: Ask, names: Names) -> dict[str, Any]:
    chosen = picked(ask)
    if chosen is not None:
        choice = {"type": "tool", "name": names.wire(chosen.namespace, chosen.name)}
    else:
        choice = {"type": ask.choice if ask.choice in ("any", "none") else "auto"}
    if ask.parallel is False and choice["type"] != "none":
        return {**choice, "disable_parallel_tool_use": True}
    return {} if choice == {"type": "auto"} else choice


def _called(turns: list[Turn], names: Names) -> list[str]:
    calls = [piece for turn in turns for piece in turn.pieces if isinstance(piece, Call)]
    return list(dict.fromkeys(names.wire(call.namespace, call.name) for call in calls))


def _mark_cache(body: dict[str, Any]) -> None:
    """Break points at the end of the prompt and of the history: OpenAI caches unasked, Anthropic does not."""
    head = body.get("system") or body["tools"]
    head[-1] = {**head[-1], "cache_control": CACHE}
    last = body["messages"][-1]["content"]
    if last[-1]["type"] not in ("thinking", "redacted_thinking"):
        last[-1] = {**last[-1], "cache_control": CACHE}


def _thinking(ask: Ask, turns: list[Turn], body: dict[str, Any]) -> None:
    """Sets thinking, effort, temperature and top_p, which exclude each other in parts."""
    mode = claude_thinking(ask.model)
    forced = ask.choice not in ("auto", "none")
    on = bool(ask.thinks) and mode != "" and not forced
    budget = min(ask.budget or BUDGETS.get(ask.effort, BUDGETS["medium"]), body["max_tokens"] * 3 // 4)
    if on and mode == "budget":
        on = budget >= LEAST_BUDGET and not _thoughtless(turns)
        if on:
            body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif on:
        body["thinking"] = {"type": "adaptive"}
        if ask.effort:
            body["output_config"] = {"effort": "high" if ask.effort == "xhigh" else ask.effort}
    if on or mode == "adaptive":
        return
    if ask.temperature is not None:
        # OpenAI's goes to 2, Anthropic's to 1; newer models refuse both settings at once.
        body["temperature"] = min(max(ask.temperature, 0), 1)
    elif ask.top_p is not None:
        body["top_p"] = ask.top_p


def _thoughtless(turns: list[Turn]) -> bool:
    """Whether the last answer called tools without a thought of Anthropic's: a budget is then refused."""
    last = next((turn for turn in reversed(turns) if turn.role == "agent"), None)
    if last is None or not any(isinstance(piece, Call) for piece in last.pieces):
        return False
    first = last.pieces[0]
    return not (isinstance(first, Thought) and first.seal.get("from") == "anthropic")
