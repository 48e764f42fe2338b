"""Keeping a conversation within what a model takes: what is too long is cut, what was read long ago goes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skillclaw.evolve.dossier.fence import cut
from skillclaw.evolve.models import as_tokens
from skillclaw.utf8 import without_halves

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart

__all__ = ["FULL", "bounded", "spare"]

FULL, ROOMY = 0.9, 0.5
"""Shares of the model's context: above the first, what was read earliest is left out, down to the second."""
GONE = "(Left out to save room. Call it again if you need it.)"
READS = frozenset({"list", "search", "read"})
WORDS, ARGUMENTS, CALLS = 8_000, 60_000, 32
"""What is kept of one answer: characters of its text, of what one call gives, and how many calls."""


def bounded(answer: ModelResponse) -> ModelResponse:
    """The answer without what no author needs to say: a call whose arguments are too long has none."""
    from pydantic_ai.messages import TextPart, ThinkingPart, ToolCallPart

    parts: list[Any] = []
    calls = 0
    for part in answer.parts:
        if isinstance(part, ToolCallPart):
            calls += 1
            if calls > CALLS:
                continue
            part = replace(part, args=without_halves(part.args))
            if not _fits(part):
                part = replace(part, args='{"too_long": true}')
        elif isinstance(part, TextPart) and len(part.content) > WORDS:
            part = replace(part, content=cut(part.content, WORDS))
        elif isinstance(part, ThinkingPart) and len(part.content) > ARGUMENTS:
            continue  # it may be signed, so it stays whole or goes
        parts.append(part)
    return replace(answer, parts=parts)


def _fits(call: ToolCallPart) -> bool:
    try:
        return len(call.args_as_json_str()) <= ARGUMENTS
    except (ValueError, RecursionError):  # nested too deep to be written
        return False


def spare(messages: list[ModelMessage], room: int) -> bool:
    """Leave out what was read earliest where the conversation comes near to `room` tokens; whether it did."""
    from pydantic_ai.messages import ModelRequest, ToolReturnPart

    size = sum(map(_tokens, messages))
    if size <= FULL * room:
        return False
    changed = False
    for at, message in enumerate(messages[:-2]):
        if size <= ROOMY * room:
            break
        if not isinstance(message, ModelRequest):
            continue
        parts = [
            ToolReturnPart(part.tool_name, GONE, tool_call_id=part.tool_call_id)
            if isinstance(part, ToolReturnPart) and part.tool_name in READS and part.content != GONE
            else part
            for part in message.parts
        ]
        if parts != list(message.parts):
            shorter = replace(message, parts=parts)
            size -= _tokens(message) - _tokens(shorter)
            messages[at] = shorter
            changed = True
    return changed


def _tokens(message: ModelMessage) -> int:
    """About how many tokens a message takes."""
    texts = []
    for part in message.parts:
        texts.append(str(getattr(part, "content", "") or ""))
        texts.append(str(getattr(part, "args", "") or ""))
    return as_tokens("".join(texts))
