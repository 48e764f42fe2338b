"""Events -> a Chat Completions reply, streamed and whole."""

from __future__ import annotations

from typing import Any

from skillclaw.wire.content import as_dict, as_str
from skillclaw.wire.translate.errors import openai_error
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
from skillclaw.wire.translate.freeform import Freeform
from skillclaw.wire.translate.names import Names, made_id
from skillclaw.wire.translate.seal import pack

__all__ = ["Writer"]

REASONS: dict[Reason, str] = {
    "end": "stop",
    "tool": "tool_calls",
    "length": "length",
    "sequence": "stop",
    "refusal": "content_filter",
    "context": "length",
    "pause": "stop",
}
BETWEEN = "\n\n"


class _Call:
    """A call while it is said."""

    def __init__(self, index: int, call_id: str, name: str, custom: bool, raw: bool) -> None:
        self.index = index
        self.call_id = call_id
        self.name = name
        self.custom = custom
        self.freeform = Freeform() if custom and not raw else None
        self.parts: list[str] = []

    def said(self) -> dict[str, Any]:
        field, key = ("custom", "input") if self.custom else ("function", "arguments")
        inner = {"name": self.name, key: "".join(self.parts)}
        return {"id": self.call_id, "type": field, field: inner}


class Writer:
    """Says one reply to the agent. Reasoning goes into `reasoning_content`, which most agents read."""

    def __init__(self, names: Names, request: dict[str, Any], now: int) -> None:
        self._names = names
        self._model = as_str(request.get("model"))
        self._usage_wanted = as_dict(request.get("stream_options")).get("include_usage") is True
        self._now = now
        self._head: dict[str, Any] = {}
        self._kinds: dict[int, str] = {}
        self._text: dict[str, list[str]] = {"content": [], "refusal": [], "reasoning_content": []}
        self._details: list[dict[str, Any]] = []
        self._calls: dict[int, _Call] = {}
        self._reason = ""
        self._tokens = Tokens()

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
            return b"data: %s\n\n" % encode(openai_error(event))
        return b": ping\n\n" if isinstance(event, Ping) else b""

    def whole(self) -> dict[str, Any]:
        """The reply in one piece, once all was said."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self._text["content"]) or None,
            "refusal": "".join(self._text["refusal"]) or None,
        }
        if self._text["reasoning_content"]:
            message["reasoning_content"] = "".join(self._text["reasoning_content"])
        if self._details:
            message["reasoning_details"] = self._details
        if self._calls:
            message["tool_calls"] = [call.said() for call in self._calls.values()]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._reason}
        head = {**self._head, "object": "chat.completion"}
        return {**head, "choices": [choice], "usage": _usage(self._tokens)}

    def _start(self, event: Start) -> bytes:
        if self._head:
            return b""
        tail = event.id.removeprefix("msg_").removeprefix("resp_").removeprefix("chatcmpl-")
        self._head = {
            "id": f"chatcmpl-{tail or made_id(event.model, event.created)}",
            "object": "chat.completion.chunk",
            "created": event.created or self._now,
            "model": self._model or event.model or "unknown",
        }
        return self._chunk({"role": "assistant", "content": ""})

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return b"data: %s\n\n" % encode({**self._head, "choices": [choice]})

    def _open(self, event: Open) -> bytes:
        self._kinds[event.key] = event.kind
        if event.kind == "thought" and self._text["reasoning_content"]:
            return self._words("reasoning_content", BETWEEN)
        if event.kind != "call":
            return b""
        tool = self._names.own(event.name)
        custom = event.raw or tool.kind == "custom"
        call = _Call(len(self._calls), event.call_id, tool.name, custom, event.raw)
        self._calls[event.key] = call
        return self._chunk({"tool_calls": [{"index": call.index, **call.said()}]})

    def _words(self, field: str, text: str) -> bytes:
        self._text[field].append(text)
        return self._chunk({field: text})

    def _delta(self, event: Delta) -> bytes:
        kind = self._kinds.get(event.key)
        fields = {"text": "content", "refusal": "refusal", "thought": "reasoning_content"}
        if kind in fields:
            return self._words(fields[kind], event.text)
        call = self._calls.get(event.key)
        if call is None:
            return b""
        text = event.text if call.freeform is None else call.freeform.feed(event.text)
        return self._arguments(call, text)

    def _arguments(self, call: _Call, text: str) -> bytes:
        if not text:
            return b""
        call.parts.append(text)
        field, key = ("custom", "input") if call.custom else ("function", "arguments")
        return self._chunk({"tool_calls": [{"index": call.index, field: {key: text}}]})

    def _sealed(self, event: Sealed) -> bytes:
        if "item" in event.seal and not as_dict(event.seal["item"]).get("encrypted_content"):
            return b""
        detail = {
            "type": "reasoning.encrypted",
            "data": pack(event.seal),
            "format": "skillclaw-v1",
            "index": len(self._details),
        }
        self._details.append(detail)
        return self._chunk({"reasoning_details": [detail]})

    def _close(self, event: Close) -> bytes:
        call = self._calls.get(event.key)
        if call is None or call.freeform is None:
            return b""
        rest, _ = call.freeform.close()
        return self._arguments(call, rest)

    def _stop(self, event: Stop) -> bytes:
        head = self._start(Start("", "", 0, event.tokens))
        self._reason = REASONS[event.reason]
        self._tokens = event.tokens
        out = head + self._chunk({}, self._reason)
        if self._usage_wanted:
            last = {**self._head, "choices": [], "usage": _usage(event.tokens)}
            out += b"data: %s\n\n" % encode(last)
        return out + b"data: [DONE]\n\n"


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "completion_tokens_details": {"reasoning_tokens": tokens.thought},
    }
