"""The index of installed skills in the system prompt of a request, for agents without skills folders. Pure.

The text is put at the end of what the agent itself says first, in the place that its protocol has for it; all
else keeps its bytes. One text for all turns of a conversation keeps the provider's prompt cache warm.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from skillclaw.proxy import Speech
from skillclaw.proxy.asked import RawHeaders
from skillclaw.proxy.configured.bodies import Body
from skillclaw.trajectory.model import text_of
from skillclaw.wire import aider
from skillclaw.wire.body import load_json
from skillclaw.wire.identity import identify
from skillclaw.wire.records import Item

__all__ = ["inject", "session_of"]


def inject(body: Body, speech: Speech, text: str) -> None:
    """Put `text` into the system prompt. A body whose prompt has a shape of its own is left as it is."""
    if speech == "anthropic":
        _extend(body, "system", text, "text")
    elif speech == "responses":
        _extend(body, "instructions", text, "")
    elif speech == "chat":
        _chat(body, text)
    else:
        _gemini(body, text)


def session_of(body: Body, speech: Speech, agent: str, headers: RawHeaders) -> str:
    """The conversation that a request belongs to, as a SHA-256 (hex).

    By the id that the agent sends, else by how the conversation begins: its system prompt and the first thing
    that the user said.
    """
    named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    fields = {name: body.get(name) for name in ("metadata", "prompt_cache_key")}
    identity = identify(named, fields)
    if identity is not None:
        what: list[str] = ["id", identity.root]
    else:
        what = ["begin", *_beginning(body, speech)]
    return hashlib.sha256(msgspec.json.encode([agent, *what])).hexdigest()


def _extend(body: Body, name: str, text: str, block: str) -> None:
    """Add to a member that is a text or (where `block` names their type) a list of blocks."""
    old = body.get(name)
    if old is None or old == "":
        body.set(name, text)
    elif isinstance(old, str):
        body.set(name, f"{old}\n\n{text}")
    elif isinstance(old, list) and block:
        body.set(name, [*body.items(name), {"type": block, "text": text}])


def _chat(body: Body, text: str) -> None:
    messages = body.items("messages")
    first = _decoded(messages[0]) if messages else None
    if not isinstance(first, dict):
        return
    content = first.get("content")
    if first.get("role") not in ("system", "developer"):
        body.set("messages", [{"role": "system", "content": text}, *messages])
    elif isinstance(content, str):
        body.set("messages", [{**first, "content": f"{content}\n\n{text}"}, *messages[1:]])
    elif isinstance(content, list):
        more = {**first, "content": [*content, {"type": "text", "text": text}]}
        body.set("messages", [more, *messages[1:]])


def _gemini(body: Body, text: str) -> None:
    name = "system_instruction" if body.get("system_instruction") is not None else "systemInstruction"
    old = body.get(name)
    if old is None:
        body.set(name, {"parts": [{"text": text}]})
    elif isinstance(old, dict) and isinstance(old.get("parts"), list):
        body.set(name, {**old, "parts": [*old["parts"], {"text": text}]})


def _beginning(body: Body, speech: Speech) -> tuple[str, str]:
    """(system prompt, first words of the user), as plain text."""
    system, messages = {
        "anthropic": ("system", "messages"),
        "chat": ("", "messages"),
        "responses": ("instructions", "input"),
        "gemini": ("systemInstruction", "contents"),
    }[speech]
    said = [_texts(body.get(system))] if system else []
    if speech == "gemini":
        said.append(_texts(body.get("system_instruction")))
    given = body.get(messages) if speech == "responses" else None
    if isinstance(given, str):
        return "\n".join(said), given
    for raw in body.items(messages):
        message = _decoded(raw)
        if not isinstance(message, dict):
            continue
        text = _texts(message.get("content", message.get("parts")))
        if message.get("role") in ("system", "developer"):
            said.append(text)
        elif message.get("role") in ("user", None):
            prompt = "\n".join(said)
            if aider.is_aider(prompt or text):
                return prompt, _aiders(prompt, body, messages)
            return prompt, text
    return "\n".join(said), ""


def _aiders(prompt: str, body: Body, messages: str) -> str:
    """The user's first words in a request of aider's, which begins every conversation with the same texts."""
    items = [Item(role="system", kind="text", content=prompt)] if prompt else []
    for raw in body.items(messages):
        message = _decoded(raw)
        if isinstance(message, dict) and message.get("role") in ("user", "assistant"):
            text = _texts(message.get("content"))
            role: Literal["user", "agent"] = "user" if message["role"] == "user" else "agent"
            items.append(Item(role=role, kind="text", content=text))
    words = (item for item in aider.own_words(items) if item.role == "user" and not item.injected)
    return next((text_of(item.content).strip() for item in words), "")


def _decoded(value: Any) -> Any:
    # text that is no UTF-8 is not looked at until here
    return load_json(bytes(value)) if isinstance(value, msgspec.Raw) else value


def _texts(value: Any) -> str:
    """All text in a content, whether a string, a block or a list of blocks; marks of caching are not text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_texts, value)))
    if isinstance(value, dict):
        return _texts(value.get("text", value.get("parts", "")))
    return ""
