"""An Anthropic Messages reply, streamed or whole -> events."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_dict, as_str
from skillclaw.wire.translate.errors import failure
from skillclaw.wire.translate.form import (
    CannotTranslate,
    Close,
    Delta,
    Event,
    Open,
    Ping,
    Reason,
    Sealed,
    Start,
    Stop,
    Tokens,
    to_json,
    whole_number,
)
from skillclaw.wire.translate.names import made_id, upstream_id

__all__ = ["Reader"]

REASONS: dict[str, Reason] = {
    "end_turn": "end",
    "tool_use": "tool",
    "max_tokens": "length",
    "stop_sequence": "sequence",
    "refusal": "refusal",
    "model_context_window_exceeded": "context",
    "pause_turn": "pause",
}


class _Block:
    """A block while it comes."""

    def __init__(self, key: int, block: dict[str, Any], kind: str) -> None:
        self.key = key
        self.kind = kind
        self.block = block
        self.text = False
        self.thought: list[str] = []
        self.signature = as_str(block.get("signature"))


class Reader:
    """Reads one reply. `salt` makes ids for calls without one."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self._blocks: dict[int, _Block] = {}
        self._key = 0
        self._reason = ""
        self._sequence: str | None = None
        self._explained = ""
        self._spoke = False
        self._tokens = Tokens()

    def whole(self, body: dict[str, Any]) -> list[Event]:
        """The events of a reply in one piece; raises CannotTranslate when it is none."""
        if body.get("type") == "error" or ("error" in body and "content" not in body):
            raise CannotTranslate(f"The upstream failed: {failure(body.get('error')).message}")
        if not isinstance(body.get("content"), list):
            raise CannotTranslate("The upstream answered with something that is no Anthropic message.")
        events = self._start(body)
        for index, block in enumerate(body["content"]):
            events += self._open(index, as_dict(block))
            events += self._close(index)
        self._note(body)
        return [*events, *self._stop()]

    def take(self, kind: str, data: str) -> list[Event]:
        """The events that one server-sent event stands for."""
        value = as_dict(load_json(data))
        kind = as_str(value.get("type")) or kind
        index = whole_number(value.get("index")) or 0
        if kind == "message_start":
            return self._start(as_dict(value.get("message")))
        if kind == "content_block_start":
            return self._open(index, as_dict(value.get("content_block")))
        if kind == "content_block_delta":
            return self._delta(index, as_dict(value.get("delta")))
        if kind == "content_block_stop":
            return self._close(index)
        if kind == "message_delta":
            self._note({**value, **as_dict(value.get("delta"))})
        if kind == "message_stop":
            return self._stop()
        if kind == "ping":
            return [Ping()]
        if kind == "error":
            return [failure(value.get("error") or value)]
        return []

    def end(self) -> list[Event]:
        """What the end of a stream means that the transport calls whole: a stop where its reason was told."""
        return self._stop() if self._reason else []

    def _start(self, message: dict[str, Any]) -> list[Event]:
        self._note({"usage": message.get("usage")})
        return [Start(as_str(message.get("id")), as_str(message.get("model")), 0, self._tokens)]

    def _note(self, value: dict[str, Any]) -> None:
        self._reason = as_str(value.get("stop_reason")) or self._reason
        self._sequence = as_str(value.get("stop_sequence")) or self._sequence
        self._explained = as_str(as_dict(value.get("stop_details")).get("explanation")) or self._explained
        usage = as_dict(value.get("usage"))
        old = self._tokens
        cached = whole_number(usage.get("cache_read_input_tokens"))
        written = whole_number(usage.get("cache_creation_input_tokens"))
        fresh = whole_number(usage.get("input_tokens"))
        cached = old.cached if cached is None else max(cached, old.cached)
        written = old.written if written is None else max(written, old.written)
        before = old.prompt - old.cached - old.written
        fresh = before if fresh is None else max(fresh, before)
        completion = whole_number(usage.get("output_tokens"))
        thought = whole_number(as_dict(usage.get("output_tokens_details")).get("thinking_tokens"))
        self._tokens = Tokens(
            prompt=fresh + cached + written,
            completion=old.completion if completion is None else completion,
            cached=cached,
            written=written,
            thought=old.thought if thought is None else thought,
        )

    def _open(self, index: int, block: dict[str, Any]) -> list[Event]:
        kind = as_str(block.get("type"))
        if index in self._blocks:
            return []
        key = self._key
        self._key += 1
        events: list[Event] = []
        if kind == "text":
            self._spoke = True
            events.append(Open(key, "text"))
        elif kind in ("thinking", "redacted_thinking"):
            events.append(Open(key, "thought"))
        elif kind == "tool_use":
            self._spoke = True
            call_id = upstream_id(as_str(block.get("id"))) or f"call_{made_id(self._salt, key)}"
            events.append(Open(key, "call", call_id, as_str(block.get("name"))))
        elif kind == "server_tool_use" and block.get("name") == "web_search":
            events.append(Open(key, "search", as_str(block.get("id")), "web_search"))
        else:
            # What else the provider ran by itself: the model's words about it follow.
            return []
        known = _Block(key, block, kind)
        self._blocks[index] = known
        for field, delta in (("text", "text_delta"), ("thinking", "thinking_delta")):
            if as_str(block.get(field)):
                events += self._delta(index, {"type": delta, field: block[field]})
        return events

    def _delta(self, index: int, delta: dict[str, Any]) -> list[Event]:
        block = self._blocks.get(index)
        kind = delta.get("type")
        if block is None:
            return []
        if kind == "signature_delta":
            block.signature += as_str(delta.get("signature"))
            return []
        field = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
        text = as_str(delta.get(field.get(as_str(kind), "")))
        if not text:
            return []
        block.text = True
        if kind == "thinking_delta":
            block.thought.append(text)
        return [Delta(block.key, text)]

    def _close(self, index: int) -> list[Event]:
        block = self._blocks.pop(index, None)
        if block is None:
            return []
        # The number is free again only in a broken stream, which may use it twice.
        events: list[Event] = []
        given = block.block.get("input")
        if block.kind in ("tool_use", "server_tool_use") and not block.text:
            events.append(Delta(block.key, to_json({} if given is None else given)))
        if block.kind == "thinking" and block.signature:
            text = "".join(block.thought)
            seal = {"from": "anthropic", "text": text, "signature": block.signature}
            events.append(Sealed(block.key, seal))
        if block.kind == "redacted_thinking" and as_str(block.block.get("data")):
            events.append(Sealed(block.key, {"from": "anthropic", "redacted": block.block["data"]}))
        return [*events, Close(block.key)]

    def _stop(self) -> list[Event]:
        events: list[Event] = []
        for index in list(self._blocks):
            events += self._close(index)
        reason = REASONS.get(self._reason, "end")
        if reason == "refusal" and not self._spoke and self._explained:
            events += [Open(self._key, "refusal"), Delta(self._key, self._explained), Close(self._key)]
        return [*events, Stop(reason, self._sequence, self._tokens)]
