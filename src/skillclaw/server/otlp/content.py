"""Excerpts of what was said, as the conventions have messages on spans: JSON in a string. Pure.

What comes here is masked already; it is cut after that, so that no secret is cut into two halves that no rule
knows.
"""

from __future__ import annotations

from typing import Any

import msgspec

from skillclaw.trajectory.model import Part, Result, Step, ToolCall, call_meta, text_of

__all__ = ["NO_CONTENT", "Content", "Excerpts"]

LONGEST = 2000
"""Characters of one text."""
PARTS = 20
"""Texts that one attribute holds, the last ones."""
_ROLES = {"user": "user", "system": "system", "agent": "assistant"}


class Content:
    """What spans say of content: nothing. `Excerpts` says more."""

    def fresh(self) -> Content:
        """The same for a sub-agent."""
        return self

    def begin(self) -> None:
        """A session, or a sub-agent's, begins."""

    def said(self, step: Step) -> None:
        """A step that is no answer of the model."""

    def answered(self, step: Step) -> dict[str, Any]:
        """Attributes of the model's answer: what it was told since the one before, and what it said."""
        return {}

    def called(self, call: ToolCall, results: list[Result]) -> dict[str, Any]:
        """Attributes of a call."""
        return {}


NO_CONTENT = Content()


class Excerpts(Content):
    """Texts cut at `LONGEST` characters, on the spans of answers and calls."""

    def __init__(self) -> None:
        self._told: list[dict[str, Any]] = []

    def fresh(self) -> Excerpts:
        return Excerpts()

    def begin(self) -> None:
        self._told = []

    def said(self, step: Step) -> None:
        self._told += _message(_ROLES[step.source], _texts(step.message))

    def answered(self, step: Step) -> dict[str, Any]:
        told, self._told = self._told[-PARTS:], []
        parts = []
        if step.reasoning_content:
            parts.append({"type": "reasoning", "content": _cut(step.reasoning_content)})
        parts += _texts(step.message)
        for call in step.tool_calls or ():
            asked = {"type": "tool_call", "id": call.tool_call_id, "name": call.function_name}
            parts.append(asked | {"arguments": _cut(_arguments(call))})
        for result in step.observation.results if step.observation else ():
            answer: dict[str, Any] = {"type": "tool_call_response", "response": _cut(text_of(result.content))}
            if result.source_call_id:
                answer["id"] = result.source_call_id
            self._told += _message("tool", [answer])
        found = {}
        if told:
            found["gen_ai.input.messages"] = _json(told)
        if parts:
            found["gen_ai.output.messages"] = _json(
                [{"role": "assistant", "parts": parts[:PARTS], "finish_reason": _why(step)}]
            )
        return found

    def called(self, call: ToolCall, results: list[Result]) -> dict[str, Any]:
        found = {"gen_ai.tool.call.arguments": _cut(_arguments(call))}
        if results:
            found["gen_ai.tool.call.result"] = _cut("\n".join(text_of(one.content) for one in results))
        return found


def _why(step: Step) -> str:
    return "tool_call" if step.tool_calls else "stop"


def _message(role: str, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": role, "parts": parts}] if parts else []


def _texts(message: str | list[Part]) -> list[dict[str, Any]]:
    text = text_of(message)
    return [{"type": "text", "content": _cut(text)}] if text else []


def _arguments(call: ToolCall) -> str:
    raw = call_meta(call).raw_arguments
    return raw if raw is not None else _json(call.arguments)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text) - LONGEST} more characters)"


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
