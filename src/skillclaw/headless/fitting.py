"""What a request of an agent in a room may ask of a provider. Pure.

A provider's own tools (search, fetching pages, other servers' tools, its own sandboxes) act outside the room:
what the agent puts into a search, its provider sends on. They are taken out of the request, and so is every
field that is not known to do no more than shape an answer: gateways and providers have many that search,
fetch, or lead the request to another model or server. The model is the one that the user chose.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["NotPassedError", "fitted"]

OWN_TOOLS = ("bash_", "text_editor_", "memory_", "tool_search_tool_")
"""How tools of Anthropic's begin that the agent runs itself, or that look among its own tools."""
KEPT_TYPES = frozenset({"", "function", "custom", "namespace", "local_shell", "shell", "apply_patch"})
"""Types of tools that the agent runs itself; absent with Anthropic."""
PASSING = frozenset(
    {
        *("model", "messages", "system", "input", "instructions", "stream", "stream_options", "stop"),
        *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "include", "store"),
        *("max_tokens", "max_output_tokens", "max_completion_tokens", "truncation", "stop_sequences"),
        *("temperature", "top_p", "top_k", "min_p", "seed", "presence_penalty", "frequency_penalty"),
        *("repetition_penalty", "thinking", "think", "enable_thinking", "reasoning", "reasoning_effort"),
        *("verbosity", "text", "response_format", "output_config", "output_format", "context_management"),
        *("prompt_cache_key", "prompt_cache_retention", "cache_control", "chat_template_kwargs"),
    }
)
"""Fields of a request that pass, of all protocols. Left out are, of those that are known, searches and data
of others (`web_search_options`, `search_parameters`, `enable_search`, `data_sources`, `plugins`), servers and
rooms of the provider (`mcp_servers`, `container`), other models, servers and prices (`models`, `fallbacks`,
`api_base`, `provider`, `service_tier`, `n`), and what the provider keeps (`metadata`, `conversation`)."""
LINKS = ("url", "image_url", "file_url", "video_url")
"""Fields of a part of a message that may name what the provider is to fetch."""
LIMITS = ("max_tokens", "max_output_tokens", "max_completion_tokens")
MOST = 8_000
"""Tokens that an answer is expected to take at most, where a request allows more: no agent's step uses what
it allows itself."""


LEFT_OUT = "(a link that would be fetched was left out)"
"""In the place of a part that names one."""


class NotPassedError(Exception):
    """The request is none that may pass; the text says why."""


def fitted(body: bytes, model: str, encoding: str = "") -> tuple[bytes, int]:
    """The request as it may go on, and the tokens that its answer is expected to take at most.

    Raises NotPassedError for what cannot be read.
    """
    if encoding.strip().lower() not in ("", "identity"):
        raise NotPassedError("a packed request cannot be looked into")
    try:
        asked = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotPassedError("the request is not JSON") from error
    if not isinstance(asked, dict):
        raise NotPassedError("the request is no JSON object")
    asked = {name: value for name, value in asked.items() if name in PASSING}
    asked["model"] = model
    tools = asked.get("tools")
    if tools is not None:
        kept = _own_tools(tools)
        asked["tools"] = kept
        if not kept:
            asked = {name: value for name, value in asked.items() if name not in ("tools", "tool_choice")}
    try:
        for name in ("messages", "input", "system"):
            if name in asked:
                asked[name] = _without_links(asked[name])
    except RecursionError as error:
        raise NotPassedError("the request is too deep") from error
    most = next((asked[name] for name in LIMITS if _count(asked.get(name))), MOST)
    return msgspec.json.encode(asked), min(int(most), MOST)


def _without_links(value: Any) -> Any:
    """The conversation without parts that the provider would fetch from elsewhere. What stands in texts, and
    in what a tool is called with, stays: nobody fetches that."""
    if isinstance(value, list):
        return [_without_links(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "tool_use":
        return value
    for name in LINKS:
        link = value.get(name)
        link = link.get("url") if isinstance(link, dict) else link
        if isinstance(link, str) and not link.startswith("data:"):
            return {"type": "input_text" if "input" in str(value.get("type")) else "text", "text": LEFT_OUT}
    if isinstance(value.get("source"), dict) and value["source"].get("type") == "url":
        return {"type": "text", "text": LEFT_OUT}
    # Some items bring tools along that are found or loaded later.
    return {name: _own_tools(one) if name == "tools" else _without_links(one) for name, one in value.items()}


def _own_tools(tools: Any) -> list[Any]:
    """Those of `tools` that the agent runs itself; also within a group of tools."""
    kept: list[Any] = []
    for tool in tools if isinstance(tools, list) else []:
        if not _own(tool):
            continue
        within = _own_tools(tool["tools"]) if "tools" in tool else None
        kept.append(tool if within is None else {**tool, "tools": within})
    return kept


def _own(tool: Any) -> bool:
    if not isinstance(tool, dict):
        return False
    kind = tool.get("type") or ""
    place = tool.get("environment")
    if place is not None and not (isinstance(place, dict) and place.get("type") == "local"):
        return False  # a shell in a room of the provider's, which may have a network
    if kind == "":
        return isinstance(tool.get("name"), str) or isinstance(tool.get("function"), dict)
    return isinstance(kind, str) and (kind in KEPT_TYPES or kind.startswith(OWN_TOOLS))


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
