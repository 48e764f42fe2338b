"""What the writers share: results behind their calls, schemas, freeform tools as functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.translate.form import (
    Ask,
    Call,
    CannotTranslate,
    Piece,
    Result,
    Text,
    Tool,
    Turn,
    to_json,
)

__all__ = [
    "described",
    "error_text",
    "leading",
    "object_of",
    "object_text",
    "parameters",
    "picked",
    "reminder",
    "settle",
    "strictable",
    "without_search",
    "words",
]

NO_RESULT = "No result of this call was recorded."
INPUT = "input"
"""The one argument of a function that stands for a freeform tool."""


def settle(turns: list[Turn]) -> list[Turn]:
    """The turns with every call answered directly behind the turn that made it, in the order of the calls.

    All three APIs refuse a call without a result, and Chat Completions one with anything in between; agents
    leave such holes when a user stops them. A result without its call becomes words of the user. More of a
    result (what a script of Codex's tells by `notify` comes so) joins it until the agent speaks again; then
    it has seen the result as it was, and more of it becomes words of the user too.
    """
    waiting: dict[str, list[tuple[int, int]]] = {}
    results: dict[tuple[int, int], Result] = {}
    fresh: dict[str, tuple[int, int]] = {}
    rests: list[list[Piece]] = []
    for at, turn in enumerate(turns):
        if turn.role == "agent":
            fresh = {}
        rest: list[Piece] = []
        for number, piece in enumerate(turn.pieces):
            if isinstance(piece, Call):
                waiting.setdefault(piece.call_id, []).append((at, number))
            elif isinstance(piece, Result):
                places = waiting.get(piece.call_id)
                place = fresh.get(piece.call_id)
                if places:
                    fresh[piece.call_id] = place = places.pop(0)
                    results[place] = piece
                elif place is not None:
                    results[place] = _joined(results[place], piece)
                else:
                    rest += [Text(text="A tool call that is no longer shown gave:"), *piece.content]
                continue
            rest.append(piece)
        rests.append(rest)
    settled: list[Turn] = []
    for at, turn in enumerate(turns):
        if not rests[at]:
            continue
        previous = settled[-1] if settled else None
        open_agent = previous is not None and previous.role == "agent" == turn.role
        if open_agent and previous is not None:
            settled[-1] = Turn(role="agent", pieces=[*previous.pieces, *rests[at]])
        else:
            settled.append(Turn(role=turn.role, pieces=rests[at]))
        answers: list[Piece] = [
            results.get((at, number)) or _missing(piece)
            for number, piece in enumerate(turn.pieces)
            if isinstance(piece, Call)
        ]
        if answers:
            settled.append(Turn(role="user", pieces=answers))
    return settled


def _joined(one: Result, more: Result) -> Result:
    content = [*one.content, *more.content]
    return Result(call_id=one.call_id, content=content, is_error=one.is_error or more.is_error)


def _missing(call: Call) -> Result:
    return Result(call_id=call.call_id, content=[Text(text=NO_RESULT)], is_error=True)


def leading(turns: list[Turn]) -> tuple[list[str], list[Turn]]:
    """(texts of the system turns at the beginning, the other turns)."""
    texts: list[str] = []
    for at, turn in enumerate(turns):
        if turn.role != "system":
            return texts, turns[at:]
        texts += [piece.text for piece in turn.pieces if isinstance(piece, Text) and piece.text.strip()]
    return texts, []


def reminder(turn: Turn) -> Text:
    """A system turn in the middle as words of the user, in the dress that Claude Code gave them before.

    Many upstreams take such a message only at the beginning.
    """
    return Text(text=f"<system-reminder>\n{words(turn.pieces)}\n</system-reminder>")


def words(pieces: Sequence[Piece], between: str = "\n\n") -> str:
    """The texts of pieces as one."""
    return between.join(piece.text for piece in pieces if isinstance(piece, Text) and piece.text)


def error_text(text: str, is_error: bool) -> str:
    """A result's text that says of itself that the call failed, for protocols with no field for it."""
    told = text.lstrip().lower().startswith(("error", "<tool_use_error>"))
    return f"Error: {text}" if is_error and not told else text


def object_of(call: Call) -> dict[str, Any]:
    """A call's arguments as an object; what is none is put under `input`."""
    if call.raw:
        return {INPUT: call.arguments}
    given = load_json(call.arguments) if call.arguments.strip() else {}
    return given if isinstance(given, dict) else {INPUT: call.arguments}


def object_text(call: Call) -> str:
    """A call's arguments as the text of an object, unchanged where they are one."""
    if not call.raw and call.arguments and isinstance(load_json(call.arguments), dict):
        return call.arguments
    return to_json(object_of(call))


def described(tool: Tool) -> str:
    """The description of a tool as a function; that of a freeform tool says what its input must be."""
    if tool.kind != "custom":
        return tool.description
    grammar = tool.grammar.get("definition")
    if not isinstance(grammar, str):
        return tool.description
    syntax = tool.grammar.get("syntax", "lark")
    return f"{tool.description}\n\n`{INPUT}` must follow this {syntax} grammar:\n{grammar}".strip()


def parameters(tool: Tool) -> dict[str, Any]:
    """The schema of a tool as a function."""
    if tool.kind == "custom":
        about = {"type": "string", "description": "The whole input of the tool, as plain text."}
        return {
            "type": "object",
            "properties": {INPUT: about},
            "required": [INPUT],
            "additionalProperties": False,
        }
    if tool.schema.get("type") == "object":
        return tool.schema if "properties" in tool.schema else {**tool.schema, "properties": {}}
    return {**tool.schema, "type": "object", "properties": tool.schema.get("properties") or {}}


def strictable(schema: Any) -> bool:
    """Whether OpenAI takes a schema as strict: every object closed, every property required."""
    if isinstance(schema, list):
        return all(strictable(child) for child in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        required = schema.get("required")
        names = set(properties) if isinstance(properties, dict) else set()
        known = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        if schema.get("additionalProperties") is not False or names != known:
            return False
    return all(strictable(child) for child in schema.values())


def picked(ask: Ask) -> Tool | None:
    """The one tool that must be called, if the choice names one on offer."""
    if not ask.choice.startswith("="):
        return None
    name = ask.choice[1:]
    return next((tool for tool in ask.tools if tool.name == name), None)


def without_search(ask: Ask) -> list[Tool]:
    """The tools for an upstream that has no web search of its own."""
    kept = [tool for tool in ask.tools if tool.kind != "search"]
    chosen = picked(ask)
    if len(kept) < len(ask.tools) and (not kept or (chosen is not None and chosen.kind == "search")):
        raise CannotTranslate("The request wants the provider's web search; the upstream has none.")
    return kept
