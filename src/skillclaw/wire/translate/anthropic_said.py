"""Events -> an Anthropic Messages reply, streamed and whole."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_str
from skillclaw.wire.translate.errors import anthropic_error
from skillclaw.wire.translate.form import (
    Close,
    Delta,
    Event,
    Fail,
    Open,
    Ping,
    Reason,
    Sealed,
    Start,
    Stop,
    Tokens,
    encode,
)
from skillclaw.wire.translate.names import Names, made_id, plain_id
from skillclaw.wire.translate.seal import pack

__all__ = ["Writer"]

REASONS: dict[Reason, str] = {
    "end": "end_turn",
    "tool": "tool_use",
    "length": "max_tokens",
    "sequence": "stop_sequence",
    "refusal": "refusal",
    "context": "model_context_window_exceeded",
    "pause": "pause_turn",
}


class _Block:
    """A block while it is said. Words open theirs with the first word: Anthropic refuses empty ones."""

    def __init__(self, opened: Open) -> None:
        self.kind = opened.kind
        self.index = -1
        self.parts: list[str] = []
        self.block: dict[str, Any] = {}


class Writer:
    """Says one reply to the agent."""

    def __init__(self, names: Names, request: dict[str, Any], now: int) -> None:
        del now
        self._names = names
        self._model = as_str(request.get("model"))
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._content: list[dict[str, Any]] = []

    def say(self, event: Event) -> bytes:
        """The server-sent events for one event."""
        if isinstance(event, Start):
            return self._start(event)
        if isinstance(event, Open):
            return self._open(event)
        if isinstance(event, Delta):
            return self._delta(event)
        if isinstance(event, Sealed):
            return self._sealed(event)
        if isinstance(event, Close):
            return self._close(event)
        if isinstance(event, Stop):
            return self._stop(event)
        if isinstance(event, Fail):
            return _sse(anthropic_error(event))
        return _sse({"type": "ping"}) if isinstance(event, Ping) else b""

    def whole(self) -> dict[str, Any]:
        """The reply in one piece, once all was said."""
        return {**self._message, "content": self._content}

    def _start(self, event: Start) -> bytes:
        if self._message:
            return b""
        tail = event.id.removeprefix("chatcmpl-").removeprefix("resp_").removeprefix("msg_")
        self._message = {
            "id": f"msg_{tail or made_id(event.model, event.created)}",
            "type": "message",
            "role": "assistant",
            # Claude Code forgets the thoughts of an answer whose model is not the one it asked for.
            "model": self._model or event.model or "unknown",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(event.tokens),
        }
        return _sse({"type": "message_start", "message": self._message})

    def _begin(self, block: _Block, content: dict[str, Any]) -> bytes:
        block.index = len(self._content)
        block.block = content
        self._content.append(content)
        return _sse({"type": "content_block_start", "index": block.index, "content_block": content})

    def _open(self, event: Open) -> bytes:
        block = self._blocks[event.key] = _Block(event)
        if event.kind == "call":
            tool = self._names.own(event.name)
            call = {"type": "tool_use", "id": plain_id(event.call_id), "name": tool.name, "input": {}}
            return self._begin(block, call)
        if event.kind == "search":
            search_id = f"srvtoolu_{plain_id(event.call_id).removeprefix('ws_')}"
            use = {"type": "server_tool_use", "id": search_id, "name": "web_search", "input": {}}
            return self._begin(block, use)
        return b""

    def _delta(self, event: Delta) -> bytes:
        block = self._blocks.get(event.key)
        if block is None or not event.text:
            return b""
        head = b""
        if block.kind == "thought":
            if block.index < 0:
                head = self._begin(block, {"type": "thinking", "thinking": "", "signature": ""})
            delta = {"type": "thinking_delta", "thinking": event.text}
        elif block.kind in ("call", "search"):
            delta = {"type": "input_json_delta", "partial_json": event.text}
        else:
            if block.index < 0:
                head = self._begin(block, {"type": "text", "text": ""})
            delta = {"type": "text_delta", "text": event.text}
        block.parts.append(event.text)
        return head + _sse({"type": "content_block_delta", "index": block.index, "delta": delta})

    def _sealed(self, event: Sealed) -> bytes:
        block = self._blocks.get(event.key)
        if block is None:
            return b""
        if block.index < 0:
            if not _worth(event):
                return b""
            return self._begin(block, {"type": "redacted_thinking", "data": pack(event.seal)})
        block.block["signature"] = pack(event.seal)
        delta = {"type": "signature_delta", "signature": block.block["signature"]}
        return _sse({"type": "content_block_delta", "index": block.index, "delta": delta})

    def _close(self, event: Close) -> bytes:
        block = self._blocks.pop(event.key, None)
        if block is None or block.index < 0:
            return b""
        text = "".join(block.parts)
        kind = block.block["type"]
        tail = _sse({"type": "content_block_stop", "index": block.index})
        if kind == "thinking":
            block.block["thinking"] = text
        elif kind == "text":
            block.block["text"] = text
        elif kind in ("tool_use", "server_tool_use"):
            given = load_json(text) if text.strip() else {}
            # What is no object can be shown to a whole reply only under a name.
            block.block["input"] = given if isinstance(given, dict) else {"input": text}
        if kind == "server_tool_use":
            tail += self._searched(block.block["id"])
        return tail

    def _searched(self, search_id: str) -> bytes:
        """OpenAI keeps what its search found to itself; the answer's words tell of it."""
        found = _Block(Open(-1, "search"))
        result = {"type": "web_search_tool_result", "tool_use_id": search_id, "content": []}
        return self._begin(found, result) + _sse({"type": "content_block_stop", "index": found.index})

    def _stop(self, event: Stop) -> bytes:
        head = self._start(Start("", "", 0, event.tokens))
        for key in list(self._blocks):
            head += self._close(Close(key))
        self._message["stop_reason"] = REASONS[event.reason]
        self._message["stop_sequence"] = event.sequence
        self._message["usage"] = _usage(event.tokens)
        delta = {"stop_reason": REASONS[event.reason], "stop_sequence": event.sequence}
        return (
            head
            + _sse({"type": "message_delta", "delta": delta, "usage": _usage(event.tokens)})
            + _sse({"type": "message_stop"})
        )


def _worth(event: Sealed) -> bool:
    """Whether a thought without words has anything that its provider could read."""
    seal = event.seal
    return bool(seal.get("details") or as_dict(seal.get("item")).get("encrypted_content"))


def _usage(tokens: Tokens) -> dict[str, Any]:
    """Anthropic's input tokens are those beside the cache; OpenAI's are all."""
    return {
        "input_tokens": max(tokens.prompt - tokens.cached - tokens.written, 0),
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.completion,
    }


def _sse(value: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (value["type"].encode(), encode(value))
