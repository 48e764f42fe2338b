"""A Chat Completions reply, streamed or whole -> events."""

from __future__ import annotations

from typing import Any, Literal

from skillclaw.wire.body import load_json
from skillclaw.wire.chat_calls import Calls, piece_of
from skillclaw.wire.content import as_dict, as_list, as_str
from skillclaw.wire.translate.errors import failure
from skillclaw.wire.translate.form import (
    CannotTranslate,
    Close,
    Delta,
    Event,
    Open,
    Reason,
    Seal,
    Sealed,
    Start,
    Stop,
    Tokens,
    to_json,
    whole_number,
)
from skillclaw.wire.translate.names import made_id

__all__ = ["Reader"]

REASONS: dict[str, Reason] = {
    "stop": "end",
    "tool_calls": "end",
    "function_call": "end",
    "length": "length",
    "content_filter": "refusal",
}
Words = Literal["text", "refusal", "thought"]


class _Call:
    """A call while it comes."""

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self.name = ""
        self.raw = False
        self.key = -1
        self.parts: list[str] = []
        self.closed = False

    def is_whole(self) -> bool:
        return self.key >= 0 and (self.raw or isinstance(load_json("".join(self.parts)), dict))


class Reader:
    """Reads one reply. The protocol marks no ends of pieces: one ends when another begins."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self._started = False
        self._key = 0
        self._words: dict[Words, int] = {}
        self._calls = Calls(lambda piece: _Call(piece.call_id or self._own_id()))
        self._field = "reasoning_content"
        self._details: list[dict[str, Any]] = []
        self._reason = ""
        self._refused = False
        self._tokens = Tokens()

    def whole(self, body: dict[str, Any]) -> list[Event]:
        """The events of a reply in one piece; raises CannotTranslate when it is none."""
        if body.get("error"):
            raise CannotTranslate(f"The upstream failed: {failure(body['error']).message}")
        choices = as_list(body.get("choices"))
        message = as_dict(as_dict(choices[0]).get("message")) if choices else {}
        if not message:
            raise CannotTranslate("The upstream answered with something that is no chat completion.")
        calls = [{**as_dict(c), "index": n} for n, c in enumerate(as_list(message.get("tool_calls")))]
        choice = {**as_dict(choices[0]), "index": 0, "delta": {**message, "tool_calls": calls}}
        return [*self._chunk({**body, "choices": [choice]}), *self._stop()]

    def take(self, kind: str, data: str) -> list[Event]:
        """The events that one server-sent event stands for."""
        if data.strip() == "[DONE]":
            return self._stop() if self._started else []  # an end of nothing is a broken answer
        chunk = as_dict(load_json(data))
        if chunk.get("error") or kind == "error":
            return [failure(chunk.get("error") or chunk)]
        return self._chunk(chunk) if chunk else []

    def end(self) -> list[Event]:
        """What the end of a stream means that the transport calls whole: a stop where its reason was told."""
        return self._stop() if self._reason else []

    def _chunk(self, chunk: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        self._usage(as_dict(chunk.get("usage")))
        if not self._started:
            self._started = True
            created = whole_number(chunk.get("created")) or 0
            events.append(Start(as_str(chunk.get("id")), as_str(chunk.get("model")), created, self._tokens))
        for choice in map(as_dict, as_list(chunk.get("choices"))):
            if choice.get("index") not in (0, None):
                continue
            events += self._delta(as_dict(choice.get("delta")))
            self._reason = as_str(choice.get("finish_reason")) or self._reason
        return events

    def _usage(self, usage: dict[str, Any]) -> None:
        if not usage:
            return
        given = as_dict(usage.get("prompt_tokens_details"))
        # DeepSeek's own field beside OpenAI's.
        cached = whole_number(given.get("cached_tokens"))
        cached = whole_number(usage.get("prompt_cache_hit_tokens")) if cached is None else cached
        prompt = whole_number(usage.get("prompt_tokens")) or 0
        cached = min(cached or 0, prompt)
        thought = as_dict(usage.get("completion_tokens_details")).get("reasoning_tokens")
        self._tokens = Tokens(
            prompt=prompt,
            completion=whole_number(usage.get("completion_tokens")) or 0,
            cached=cached,
            written=min(whole_number(given.get("cache_write_tokens")) or 0, prompt - cached),
            thought=whole_number(thought) or 0,
        )

    def _delta(self, delta: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        for field in ("reasoning_content", "reasoning"):
            if as_str(delta.get(field)):
                self._field = field
                events += self._say("thought", delta[field])
                break
        details = [as_dict(one) for one in as_list(delta.get("reasoning_details"))]
        if details:
            events += self._say("thought", "")
            self._gather(details)
        content = delta.get("content")
        for part in [content] if isinstance(content, str) else map(as_dict, as_list(content)):
            events += self._say("text", part if isinstance(part, str) else as_str(part.get("text")))
        if as_str(delta.get("refusal")):
            self._refused = True
            events += self._say("refusal", delta["refusal"])
        for call in map(as_dict, as_list(delta.get("tool_calls"))):
            events += self._call(call)
        return events

    def _gather(self, details: list[dict[str, Any]]) -> None:
        """OpenRouter streams its details in pieces: those of one index belong together."""
        for one in details:
            last = self._details[-1] if self._details else {}
            same = all(last.get(key) == one.get(key) for key in ("type", "index"))
            if last and same and one.get("index") is not None:
                for key, value in one.items():
                    joined = key in ("text", "summary", "data") and isinstance(value, str)
                    last[key] = as_str(last.get(key)) + value if joined else value or last.get(key)
            else:
                self._details.append(dict(one))

    def _say(self, kind: Words, text: str) -> list[Event]:
        if not text and kind != "thought":
            return []
        events: list[Event] = []
        if kind not in self._words:
            events += self._close_others()
            self._words[kind] = self._key
            events.append(Open(self._key, kind))
            self._key += 1
        return [*events, Delta(self._words[kind], text)] if text else events

    def _call(self, delta: dict[str, Any]) -> list[Event]:
        piece = piece_of(delta)
        call = self._calls.of(piece)
        events: list[Event] = []
        if call.key < 0 and piece.name:
            call.name, call.raw = piece.name, piece.raw
            events += self._close_others()
            call.key = self._key
            self._key += 1
            events.append(Open(call.key, "call", call.call_id, call.name, raw=call.raw))
            if call.parts:
                events.append(Delta(call.key, "".join(call.parts)))
        given = piece.given
        text = given if isinstance(given, str) else to_json(given) if isinstance(given, dict) else ""
        if text and not call.closed:
            call.parts.append(text)
            if call.key >= 0:
                events.append(Delta(call.key, text))
        return events

    def _own_id(self) -> str:
        return f"call_{made_id(self._salt, len(self._calls))}"

    def _close_others(self) -> list[Event]:
        """Ends what is open. A call whose arguments are no object yet may still go on, so it stays open."""
        events = self._close_words()
        for call in self._calls:
            if not call.closed and call.is_whole():
                call.closed = True
                events.append(Close(call.key))
        return events

    def _close_words(self) -> list[Event]:
        events: list[Event] = []
        for kind, key in self._words.items():
            if kind == "thought":
                seal: Seal = {"from": "chat", "field": self._field}
                if self._details:
                    seal["details"] = self._details
                    self._details = []
                events.append(Sealed(key, seal))
            events.append(Close(key))
        self._words = {}
        return events

    def _stop(self) -> list[Event]:
        events = self._close_words()
        for call in self._calls:
            if call.key >= 0 and not call.closed:
                call.closed = True
                if not "".join(call.parts).strip() and not call.raw:
                    events.append(Delta(call.key, "{}"))
                events.append(Close(call.key))
        reason = REASONS.get(self._reason, "end")
        if reason == "end":
            called = any(call.key >= 0 for call in self._calls)
            reason = "tool" if called else "refusal" if self._refused else "end"
        return [*events, Stop(reason, None, self._tokens)]
