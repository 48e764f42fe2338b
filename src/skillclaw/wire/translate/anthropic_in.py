"""An Anthropic Messages request -> `Ask`."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.anthropic import BILLING
from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_list, as_str, json_text, number
from skillclaw.wire.translate.form import (
    Ask,
    Call,
    CannotTranslate,
    Document,
    Image,
    Piece,
    Result,
    Text,
    Thought,
    Tool,
    Turn,
    to_json,
    whole_number,
)
from skillclaw.wire.translate.names import upstream_id
from skillclaw.wire.translate.seal import foreign, unpack

__all__ = ["read", "tools"]

STRING = {"type": "string"}
OWN_TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "bash_": (
        "Run a command in a bash shell that lives on between calls.",
        {"type": "object", "properties": {"command": STRING, "restart": {"type": "boolean"}}},
    ),
    "text_editor_": (
        "View, create and edit files.",
        {
            "type": "object",
            "properties": {
                "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
                "path": STRING,
                "file_text": STRING,
                "old_str": STRING,
                "new_str": STRING,
                "insert_line": {"type": "integer"},
                "insert_text": STRING,
                "view_range": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["command", "path"],
        },
    ),
}
"""Tools that Claude knows by their dated type and the agent runs: others must be told their schema."""

PROVIDER_BLOCKS = ("server_tool_use", "mcp_tool_use", "container_upload", "fallback")


def read(body: dict[str, Any]) -> Ask:
    """The request; raises CannotTranslate on what only Anthropic can answer."""
    if as_list(body.get("mcp_servers")):
        raise CannotTranslate("The request uses MCP servers that only an Anthropic upstream can call.")
    turns: list[Turn] = []
    system = body.get("system")
    for block in [system] if isinstance(system, str) else as_list(system):
        text = block if isinstance(block, str) else as_str(as_dict(block).get("text"))
        # Claude Code's billing line differs from request to request and would break every prefix cache.
        if text.strip() and not text.startswith(BILLING):
            turns.append(Turn(role="system", pieces=[Text(text=text)]))
    for message in as_list(body.get("messages")):
        turns.append(_turn(as_dict(message)))
    given = [as_dict(tool) for tool in as_list(body.get("tools"))]
    named = _referenced(body) if any(tool.get("defer_loading") is True for tool in given) else set()
    lost: list[str] = []
    offered = _tools(given, named, lost)
    choice, parallel = _choice(as_dict(body.get("tool_choice")))
    hosted = [as_str(tool.get("name")) for tool in given if _is_hosted(tool) and not _is_search(tool)]
    if hosted and (not offered or choice.removeprefix("=") in hosted):
        raise CannotTranslate(f"The tool {hosted[0]} runs at Anthropic; the upstream has none like it.")
    thinks, effort, budget = _thinking(body)
    config = as_dict(body.get("output_config"))
    form = as_dict(config.get("format")) or as_dict(body.get("output_format"))
    answer = None
    if form.get("type") == "json_schema":
        answer = {"name": "answer", "schema": as_dict(form.get("schema")), "strict": True}
    user, cache_key = _user(as_str(as_dict(body.get("metadata")).get("user_id")))
    if body.get("top_k") is not None:
        lost.append("top_k")
    return Ask(
        model=as_str(body.get("model")),
        turns=turns,
        tools=offered,
        choice=choice,
        parallel=parallel,
        max_tokens=whole_number(body.get("max_tokens")),
        temperature=number(body.get("temperature")),
        top_p=number(body.get("top_p")),
        stops=[stop for stop in as_list(body.get("stop_sequences")) if isinstance(stop, str) and stop],
        stream=body.get("stream") is True,
        thinks=thinks,
        effort=effort,
        budget=budget,
        answer=answer,
        user=user,
        cache_key=cache_key,
        lost=lost,
    )


def tools(body: dict[str, Any]) -> list[Tool]:
    """The tools of a request, those that wait to be found included."""
    return _tools([as_dict(tool) for tool in as_list(body.get("tools"))], None, [])


def _tools(given: list[dict[str, Any]], named: set[str] | None, lost: list[str]) -> list[Tool]:
    """The tools on offer. One with `defer_loading` is hidden from the model until a result names it."""
    found = []
    for tool in given:
        name = as_str(tool.get("name"))
        kind = as_str(tool.get("type"))
        if not name:
            continue
        if named is not None and tool.get("defer_loading") is True and name not in named:
            continue
        if _is_search(tool):
            found.append(Tool(name=name, kind="search"))
            continue
        if isinstance(tool.get("input_schema"), dict):
            found.append(
                Tool(
                    name=name,
                    description=as_str(tool.get("description")),
                    schema=tool["input_schema"],
                    strict=tool.get("strict") is True,
                )
            )
            continue
        known = next((own for start, own in OWN_TOOLS.items() if kind.startswith(start)), None)
        if known is None:
            lost.append(f"tool {name} ({kind})")
        else:
            found.append(Tool(name=name, description=known[0], schema=known[1]))
    return found


def _is_search(tool: dict[str, Any]) -> bool:
    return as_str(tool.get("type")).startswith("web_search_")


def _is_hosted(tool: dict[str, Any]) -> bool:
    kind = as_str(tool.get("type"))
    return kind not in ("", "custom") and not kind.startswith(tuple(OWN_TOOLS)) and "input_schema" not in tool


def _referenced(body: dict[str, Any]) -> set[str]:
    """Names of tools that results of a tool search gave to the model."""
    names: set[str] = set()
    waiting: list[Any] = list(as_list(body.get("messages")))
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if value.get("type") == "tool_reference":
                names.add(as_str(value.get("tool_name")))
            waiting += [value.get("content"), value.get("tool_references")]
    return names


def _choice(choice: dict[str, Any]) -> tuple[str, bool | None]:
    kind = choice.get("type")
    parallel = not choice["disable_parallel_tool_use"] if "disable_parallel_tool_use" in choice else None
    if kind == "tool" and as_str(choice.get("name")):
        return f"={choice['name']}", parallel
    return (kind if kind in ("any", "none") else "auto"), parallel


def _thinking(body: dict[str, Any]) -> tuple[bool | None, str, int]:
    thinking = as_dict(body.get("thinking"))
    kind = thinking.get("type")
    effort = as_str(as_dict(body.get("output_config")).get("effort"))
    effort = effort if effort in ("low", "medium", "high", "xhigh", "max") else ""
    if kind == "disabled":
        return False, effort, 0
    if kind in ("enabled", "adaptive"):
        return True, effort, whole_number(thinking.get("budget_tokens")) or 0
    return None, effort, 0


def _user(user_id: str) -> tuple[str, str]:
    """(user, cache key). Claude Code's is JSON with device and account: only its session goes further."""
    inside = as_dict(load_json(user_id)) if user_id.startswith("{") else {}
    if inside:
        return "", as_str(inside.get("session_id"))[:64]
    return user_id[:64], ""


def _turn(message: dict[str, Any]) -> Turn:
    role = message.get("role")
    content = message.get("content")
    blocks = [content] if isinstance(content, str | dict) else as_list(content)
    if role == "assistant":
        return Turn(role="agent", pieces=[piece for block in blocks for piece in _agent_block(block)])
    if role == "system":
        words = [_words(block) for block in blocks]
        return Turn(role="system", pieces=[Text(text=text) for text in words if text])
    return Turn(role="user", pieces=[piece for block in blocks for piece in _user_block(block)])


def _words(block: Any) -> str:
    return block if isinstance(block, str) else as_str(as_dict(block).get("text"))


def _agent_block(block: Any) -> list[Piece]:
    known = as_dict(block)
    kind = as_str(known.get("type"))
    if isinstance(block, str) or kind == "text":
        text = _words(block)
        return [Text(text=text)] if text else []
    if kind in ("thinking", "redacted_thinking"):
        return _thought(known, kind)
    if kind == "tool_use":
        given = known.get("input")
        return [
            Call(
                call_id=upstream_id(as_str(known.get("id"))),
                name=as_str(known.get("name")),
                arguments=given if isinstance(given, str) else to_json({} if given is None else given),
            )
        ]
    if kind in PROVIDER_BLOCKS or kind.endswith("_tool_result"):
        # What the provider ran itself, mostly encrypted: the model's words about it stay.
        return []
    text = as_str(known.get("content")) if kind == "compaction" else json_text(block)
    return [Text(text=text)] if text else []


def _thought(block: dict[str, Any], kind: str) -> list[Piece]:
    text = as_str(block.get("thinking"))
    envelope = as_str(block.get("signature" if kind == "thinking" else "data"))
    seal = unpack(envelope)
    if seal is not None:
        return [Thought(text=text or as_str(seal.get("text")), seal=seal)]
    if not envelope or foreign(envelope):
        return []
    if kind == "thinking":
        return [Thought(text=text, seal={"from": "anthropic", "text": text, "signature": envelope})]
    return [Thought(text="", seal={"from": "anthropic", "redacted": envelope})]


def _user_block(block: Any) -> list[Piece]:
    known = as_dict(block)
    if known.get("type") == "tool_result":
        content = known.get("content")
        inner = [content] if isinstance(content, str | dict) else as_list(content)
        return [
            Result(
                call_id=upstream_id(as_str(known.get("tool_use_id"))),
                content=[shown for child in inner if (shown := _shown(child)) is not None],
                is_error=known.get("is_error") is True,
            )
        ]
    shown = _shown(block)
    return [] if shown is None else [shown]


def _shown(block: Any) -> Text | Image | Document | None:
    known = as_dict(block)
    kind = known.get("type")
    if isinstance(block, str) or kind == "text":
        text = _words(block)
        return Text(text=text) if text else None
    if kind == "image":
        return _image(as_dict(known.get("source")))
    if kind == "document":
        return _document(known, as_dict(known.get("source")))
    if kind == "tool_reference":
        return Text(text=f"The tool {as_str(known.get('tool_name'))} can be called from now on.")
    if kind == "search_result":
        parts = [_words(child) for child in as_list(known.get("content"))]
        head = f"{as_str(known.get('title'))} ({as_str(known.get('source'))})"
        return Text(text="\n".join([head, *parts]))
    return Text(text=json_text(block))


def _image(source: dict[str, Any]) -> Image:
    if source.get("type") == "file":
        raise CannotTranslate("The request shows an image by a file id that only its own provider can read.")
    return Image(
        media_type=as_str(source.get("media_type")),
        data=as_str(source.get("data")),
        url=as_str(source.get("url")),
    )


def _document(block: dict[str, Any], source: dict[str, Any]) -> Text | Document:
    name = as_str(block.get("title"))
    kind = source.get("type")
    if kind == "file":
        raise CannotTranslate("The request shows a document by a file id that only its provider can read.")
    if kind in ("text", "content"):
        given = source.get("data", source.get("content"))
        parts = [given] if isinstance(given, str) else [_words(child) for child in as_list(given)]
        return Text(text="\n".join([f"Document: {name}", *parts] if name else parts) or "(empty document)")
    return Document(
        name=name,
        media_type=as_str(source.get("media_type")) or "application/pdf",
        data=as_str(source.get("data")),
        url=as_str(source.get("url")),
    )
