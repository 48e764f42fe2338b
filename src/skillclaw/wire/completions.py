"""OpenAI legacy completions: prompts without roles, plain and streamed answers -> items.

Source of the format: the Completions reference; vLLM, llama.cpp and others answer alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_list, as_str, json_text, usage_of
from skillclaw.wire.growing import grow, grown
from skillclaw.wire.records import Item
from skillclaw.wire.reply import Reply
from skillclaw.wire.sse import parse

__all__ = ["read_reply", "request_items", "stream_reply", "tools"]


def request_items(body: dict[str, Any]) -> list[Item]:
    """The prompts of a request. Prompts given as token numbers are told by their length."""
    given = body.get("prompt")
    prompts: list[Any] = given if isinstance(given, list) and not _is_tokens(given) else [given]
    items = [
        Item(role="user", kind="text", content=_text(prompt), group=group)
        for group, prompt in enumerate(prompts, 1)
        if prompt not in (None, "", [])
    ]
    if as_str(body.get("suffix")):
        # What is to follow the answer: code completion sends it beside the prompt.
        items.append(
            Item(role="user", kind="text", content=body["suffix"], group=len(prompts) + 1, injected=True)
        )
    return items


def _is_tokens(value: Any) -> bool:
    return bool(value) and isinstance(value, list) and all(isinstance(one, int) for one in value)


def _text(prompt: Any) -> str:
    if _is_tokens(prompt):
        return f"({len(prompt)} tokens)"
    return prompt if isinstance(prompt, str) else json_text(prompt)


def tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """None: the protocol has no tools."""
    return []


def read_reply(data: bytes) -> Reply:
    """A response that came in one piece."""
    return _from([load_json(data)])


def stream_reply(data: bytes) -> Reply:
    """A streamed response, whole or cut off, as far as it came."""
    return _from({"[DONE]": True} if e.data.strip() == "[DONE]" else load_json(e.data) for e in parse(data))


def _from(values: Iterable[Any]) -> Reply:
    reply = Reply()
    texts: dict[int, str] = {}
    for value in values:
        body = as_dict(value)
        reply.ended = reply.ended or "[DONE]" in body
        reply.model = as_str(body.get("model")) or reply.model
        if body.get("error"):
            reply.error = as_str(as_dict(body["error"]).get("message")) or json_text(body["error"])
        usage = as_dict(body.get("usage"))
        cached = as_dict(usage.get("prompt_tokens_details")).get("cached_tokens")
        reply.usage = (
            usage_of(usage.get("prompt_tokens"), usage.get("completion_tokens"), cached) or reply.usage
        )
        for choice in as_list(body.get("choices")):
            known = as_dict(choice)
            index = known.get("index")
            place = index if isinstance(index, int) and not isinstance(index, bool) else 0
            grow(texts, place, as_str(known.get("text")))
            reason = as_str(known.get("finish_reason"))
            reply.stop_reason = reason or reply.stop_reason
    reply.ended = reply.ended or bool(reply.stop_reason)
    # One answer for each prompt of an array, or several for one: all of them were given.
    reply.items = [
        Item(role="agent", kind="text", content=text, group=place)
        for place, text in sorted(grown(texts).items())
        if text
    ]
    return reply
