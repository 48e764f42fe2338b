"""Tool calls for a model whose server has none: compact prompts in, a grammar, and the answer read back.

The model writes `{"TOOL":{ARGUMENTS}}` or `{"answer":"TEXT"}`, one object on one line. The grammar is GBNF as
llama.cpp has it (its docs: grammars/README.md); it leaves no room for white space, which small models fill
without end. What another server lets through is read leniently: fenced JSON, the usual `name`/`arguments`
shapes, a fenced shell block.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skillclaw.headless.agents.tool_lines import members
from skillclaw.headless.tasks.model import Message
from skillclaw.trajectory.model import Record

__all__ = ["Said", "grammar", "plain", "read", "schema"]

RULES = (
    "Each reply is one JSON object on one line: a call of a tool, or "
    '{"answer":"TEXT"} when all of the task is done and checked. Only calls change anything.\nTools:'
)
RESULT = "Result:"
ANSWER = "answer"
SHELLS = frozenset(
    {"bash", "exec", "exec_command", "execute", "run", "run_command", "sh", "shell", "terminal"}
)
NAMES = ("tool", "name", "function", "tool_name")
ARGUMENTS = ("arguments", "parameters", "args", "input")
FENCE = re.compile(r"```([\w-]*)[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
UNFINISHED = re.compile(r'\s*\{\s*"answer"\s*:\s*"(.*)\Z', re.DOTALL)


class Said(Record, frozen=True, kw_only=True):
    """What the model wrote: a call of the tool `name`, or the text of an answer where `name` is empty."""

    name: str = ""
    arguments: dict[str, Any] = {}
    text: str = ""


def plain(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The conversation without tool fields: rules and tools first, as they change least, then the rest.

    What the model called before stands there as it would write it; results and users' texts that follow one
    another are one message, since many chat templates want the roles to take turns.
    """
    heads = [_text(m.get("content")) for m in messages if m.get("role") in ("system", "developer")]
    if tools:
        heads.insert(0, "\n".join([RULES, *map(_tool_line, tools)]))
    turns: list[Message] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            continue
        content = _text(message.get("content"))
        if role == "assistant":
            calls = [_written(call) for call in message.get("tool_calls") or []]
            content = "\n".join(calls) if calls else _object({ANSWER: content}) if tools else content
        elif role in ("tool", "function"):
            content = f"{RESULT}\n{content}"
        said = "assistant" if role == "assistant" else "user"
        if turns and turns[-1]["role"] == said:
            turns[-1]["content"] += f"\n{content}"
        else:
            turns.append({"role": said, "content": content})
    head = "\n\n".join(text for text in heads if text)
    return [{"role": "system", "content": head}, *turns] if head else turns


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _object(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _written(call: Any) -> str:
    function = call.get("function") or {}
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (ValueError, RecursionError):
        arguments = {}
    return _object({str(function.get("name", "")): arguments})


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function = tool.get("function")
    return function if isinstance(function, Mapping) else {}


def _tool_line(tool: Mapping[str, Any]) -> str:
    function = _function(tool)
    about = " ".join(str(function.get("description") or "").split())
    told = members(function.get("parameters") or {})
    return f'- {{"{function.get("name")}":{{{told}}}}} {about}'.rstrip()


# --- what the model may write

BASE = r"""
str ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" hex hex hex hex))* "\""
hex ::= [0-9a-fA-F]
int ::= "-"? ("0" | [1-9] [0-9]*)
num ::= int ("." [0-9]+)? ([eE] [-+]? [0-9]+)?
bool ::= "true" | "false"
list ::= "[" (value ("," value)*)? "]"
dict ::= "{" (str ":" value ("," str ":" value)*)? "}"
value ::= str | num | bool | "null" | list | dict
"""


def grammar(tools: Sequence[Mapping[str, Any]], *, answer: bool = True) -> str:
    """The grammar of a reply: a call of one of the tools, or (with `answer`) an answer."""
    kinds = [_literal('{"answer":') + ' str "}"'] if answer else []
    for tool in tools:
        function = _function(tool)
        start = _literal("{" + json.dumps(str(function.get("name", ""))) + ":")
        kinds.append(f'{start} {_members(function.get("parameters") or {})} "}}"')
    rules = [f"r{number} ::= {kind}" for number, kind in enumerate(kinds)]
    root = " | ".join(f"r{number}" for number in range(len(kinds)))
    return "\n".join([f"root ::= {root}", *rules]) + BASE


def schema(tools: Sequence[Mapping[str, Any]], *, answer: bool = True) -> dict[str, Any]:
    """The same as a JSON Schema, for servers with `response_format` and no grammar."""
    shapes: dict[str, Any] = {ANSWER: {"type": "string"}} if answer else {}
    for tool in tools:
        function = _function(tool)
        given = dict(function.get("parameters") or {"type": "object"})
        shapes[str(function.get("name", ""))] = {**given, "additionalProperties": False}
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {name: shape},
                "required": [name],
                "additionalProperties": False,
            }
            for name, shape in shapes.items()
        ]
    }


def _literal(text: str) -> str:
    return json.dumps(text)  # GBNF's strings have JSON's escapes for what can stand in a name


def _members(shape: Mapping[str, Any]) -> str:
    properties = shape.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return "dict"
    needed = shape.get("required") or []
    pairs = {name: f"{_literal(json.dumps(name) + ':')} {_value(kind)}" for name, kind in properties.items()}
    must = [pair for name, pair in pairs.items() if name in needed]
    may = [pair for name, pair in pairs.items() if name not in needed]
    if must:
        inner = ' "," '.join(must) + "".join(f' ("," {pair})?' for pair in may)
        return f'"{{" {inner} "}}"'
    starts = [" ".join([pair, *(f'("," {p})?' for p in may[i + 1 :])]) for i, pair in enumerate(may)]
    return f'"{{" ({" | ".join(starts)})? "}}"'


def _value(kind: Any) -> str:
    if not isinstance(kind, Mapping):
        return "value"
    if isinstance(kind.get("enum"), list):
        return f"({' | '.join(_literal(json.dumps(value)) for value in kind['enum'])})"
    if kind.get("type") == "array" and "items" in kind:
        item = _value(kind["items"])
        return f'"[" ({item} ("," {item})*)? "]"'
    if kind.get("type") == "object":
        return _members(kind)
    named = {"string": "str", "integer": "int", "number": "num", "boolean": "bool"}
    return named.get(str(kind.get("type")), "value")


# --- what it wrote


def read(text: str, tools: Sequence[Mapping[str, Any]]) -> Said:
    """A call or an answer. What is neither is an answer as it stands; half a call is never made a whole
    one."""
    known = {str(_function(tool).get("name")): _function(tool) for tool in tools}
    for value in _objects(text):
        said = _as_said(value, known)
        if said is not None:
            return said
    shell = _shell(known)
    for found in FENCE.finditer(text):
        if shell and found[1].lower() in ("bash", "sh", "shell", "console") and found[2].strip():
            return Said(name=shell[0], arguments={shell[1]: found[2].strip()})
    unfinished = UNFINISHED.match(text)
    if unfinished:
        return Said(text=_unescaped(unfinished[1]))
    return Said(text=text.strip())


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in the text, from its start on, none of them inside another."""
    decoder = json.JSONDecoder(strict=False)
    at = text.find("{")
    tries = 0
    while at >= 0 and tries < 50:
        tries += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
        else:
            if isinstance(value, dict):
                yield value
        at = text.find("{", at)


def _as_said(value: dict[str, Any], known: Mapping[str, Any]) -> Said | None:
    if len(value) == 1:
        (name, given), *_ = value.items()
        if name in known and isinstance(given, dict):
            return Said(name=name, arguments=given)
        if name == ANSWER and ANSWER not in known:
            return Said(text=given if isinstance(given, str) else json.dumps(given, ensure_ascii=False))
    name = next((value[key] for key in NAMES if isinstance(value.get(key), str)), "")
    if name in known:
        given = next((value[key] for key in ARGUMENTS if key in value), None)
        if isinstance(given, str):
            try:
                given = json.loads(given)
            except (ValueError, RecursionError):
                given = None
        if not isinstance(given, dict):
            given = {key: part for key, part in value.items() if key not in (*NAMES, *ARGUMENTS)}
        return Said(name=name, arguments=given)
    shell = _shell(known)
    if shell and isinstance(value.get(shell[1]), str):
        return Said(name=shell[0], arguments={shell[1]: value[shell[1]]})
    return None


def _shell(known: Mapping[str, Any]) -> tuple[str, str] | None:
    """The one tool that takes a command, and the name of that argument."""
    found: list[tuple[str, str]] = []
    for name, function in known.items():
        required = (function.get("parameters") or {}).get("required") or []
        if name.lower() in SHELLS and len(required) == 1:
            found.append((name, str(required[0])))
    return found[0] if len(found) == 1 else None


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text.rstrip(chr(92))}"', strict=False))
    except ValueError:
        return text
