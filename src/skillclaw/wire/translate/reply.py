"""Requests and replies of one protocol -> those of another."""

from __future__ import annotations

import time
from typing import Any, Protocol

import msgspec

from skillclaw.wire.body import load_json
from skillclaw.wire.content import as_list
from skillclaw.wire.sse import Event as ServerSentEvent
from skillclaw.wire.sse import Parser
from skillclaw.wire.translate import (
    anthropic_heard,
    anthropic_in,
    anthropic_out,
    anthropic_said,
    chat_heard,
    chat_in,
    chat_out,
    chat_said,
    responses_heard,
    responses_in,
    responses_out,
    responses_said,
    responses_tools,
)
from skillclaw.wire.translate.form import (
    Ask,
    CannotTranslate,
    Event,
    Fail,
    Speech,
    Start,
    Stop,
    Tool,
    encode,
)
from skillclaw.wire.translate.names import Names, made_id

__all__ = ["ReplyTranslator", "lost", "path_of", "translate_request"]

PATHS: dict[Speech, str] = {
    "anthropic": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
}
BROKEN = "The upstream's stream broke off before its answer was whole."
OWN_ID = 20
"""Characters from which on an id is taken to be the reply's own."""
LARGEST = 64 << 20
"""Characters that one event of an upstream's stream may have."""
TOO_LARGE = "An event of the upstream's stream is too large."
TOO_DEEP = "The body is nested too deeply to be read."


class _Reader(Protocol):
    def whole(self, body: dict[str, Any]) -> list[Event]: ...
    def take(self, kind: str, data: str) -> list[Event]: ...
    def end(self) -> list[Event]: ...


class _Writer(Protocol):
    def say(self, event: Event) -> bytes: ...
    def whole(self) -> dict[str, Any]: ...


def path_of(target: Speech) -> str:
    """Where an upstream of this protocol takes requests, below its base URL."""
    return PATHS[target]


def translate_request(
    body: dict[str, Any], source: Speech, target: Speech, *, model: str | None = None
) -> dict[str, Any]:
    """A request of the agent's (which speaks `source`) for an upstream that speaks `target`.

    `model` is put in place of the agent's. The given body is not changed. Raises CannotTranslate.
    """
    if source == target:
        return {**body, "model": model} if model is not None else dict(body)
    try:
        ask = _read(body, source)
        if model is not None:
            ask = msgspec.structs.replace(ask, model=model)
        return _write(ask, Names(_tools(body, source)), target)
    except RecursionError:
        raise CannotTranslate(TOO_DEEP) from None


def lost(body: dict[str, Any], source: Speech, target: Speech) -> list[str]:
    """What of a request the upstream will not see, in words for a log. Raises CannotTranslate."""
    if source == target:
        return []
    ask = _read(body, source)
    words = list(ask.lost)
    if target == "chat" and any(tool.kind == "search" for tool in ask.tools):
        words.append("tool web_search")
    if target == "responses" and ask.stops:
        words.append("stop sequences")
    return words


class ReplyTranslator:
    """Turns one reply of the upstream into one for the agent, under the model that the agent asked for.

    `request` is the agent's own request, as the agent sent it; `now` the time of the reply in seconds since
    1970, where the upstream gives none. Use either `whole`, `streamed`, or `feed` and `close`.
    """

    def __init__(
        self, source: Speech, target: Speech, request: dict[str, Any], *, now: int | None = None
    ) -> None:
        self._same = source == target
        names = Names(_tools(request, source))
        turns = as_list(request.get("messages")) or as_list(request.get("input"))
        self._salt = str(len(turns))
        self._reader = _reader(target, self._salt)
        self._writer = _writer(source, names, request, int(time.time()) if now is None else now)
        self._parser = Parser(LARGEST)
        self._ended = False

    def whole(self, body: bytes) -> bytes:
        """A reply in one piece; raises CannotTranslate on something that is none."""
        if self._same:
            return body
        for event in self._events(body):
            self._writer.say(self._own(event))
        return encode(self._writer.whole())

    def streamed(self, body: bytes) -> bytes:
        """A reply in one piece for an agent that wanted it streamed; raises CannotTranslate as `whole`."""
        return b"".join(self._writer.say(self._own(event)) for event in self._events(body))

    def feed(self, chunk: bytes) -> bytes:
        """What the next bytes of the upstream's stream are for the agent; nothing is held back."""
        if self._same:
            return chunk
        if self._ended:
            return b""
        out = self._take(self._parser.feed(chunk))
        if self._parser.overrun and not self._ended:
            out += self._say([Fail("server", TOO_LARGE)])
        return out

    @property
    def overrun(self) -> bool:
        """Whether the stream was given up, since an event of it is larger than any that is held."""
        return self._parser.overrun

    def close(self, complete: bool) -> bytes:
        """What the end of the upstream's stream is for the agent.

        A stream that ended before its answer did (`complete` False: the transport broke) ends with the error
        of the agent's protocol, never with the mark of a whole answer.
        """
        if self._same or self._ended:
            return b""
        out = b""
        if complete:
            out = self._take(self._parser.close())
            if not self._ended:
                out += self._say(self._reader.end())
        if not self._ended:
            out += self._say([Fail("server", BROKEN)])
        return out

    def _own(self, event: Event) -> Event:
        """A start with an id of its own: small servers give all replies one, and Claude Code joins such."""
        if isinstance(event, Start) and len(event.id) < OWN_ID:
            return event._replace(id=made_id(event.id, event.created, self._salt))
        return event

    def _events(self, body: bytes) -> list[Event]:
        value = load_json(body)
        if not isinstance(value, dict):
            raise CannotTranslate("The upstream answered with something that is no JSON object.")
        try:
            return self._reader.whole(value)
        except RecursionError:
            raise CannotTranslate(TOO_DEEP) from None

    def _take(self, given: list[ServerSentEvent]) -> bytes:
        out = []
        for event in given:
            if self._ended:
                break
            try:
                out.append(self._say(self._reader.take(event.type, event.data)))
            except RecursionError:
                out.append(self._say([Fail("server", TOO_DEEP)]))
        return b"".join(out)

    def _say(self, events: list[Event]) -> bytes:
        out = []
        for event in events:
            if self._ended:
                break
            out.append(self._writer.say(self._own(event)))
            self._ended = isinstance(event, Stop | Fail)
        return b"".join(out)


def _read(body: dict[str, Any], source: Speech) -> Ask:
    if source == "anthropic":
        return anthropic_in.read(body)
    return chat_in.read(body) if source == "chat" else responses_in.read(body)


def _tools(body: dict[str, Any], source: Speech) -> list[Tool]:
    if source == "anthropic":
        return anthropic_in.tools(body)
    return chat_in.tools(body) if source == "chat" else responses_tools.tools(body)


def _write(ask: Ask, names: Names, target: Speech) -> dict[str, Any]:
    if target == "anthropic":
        return anthropic_out.write(ask, names)
    return chat_out.write(ask, names) if target == "chat" else responses_out.write(ask, names)


def _reader(target: Speech, salt: str) -> _Reader:
    if target == "anthropic":
        return anthropic_heard.Reader(salt)
    return chat_heard.Reader(salt) if target == "chat" else responses_heard.Reader(salt)


def _writer(source: Speech, names: Names, request: dict[str, Any], now: int) -> _Writer:
    if source == "anthropic":
        return anthropic_said.Writer(names, request, now)
    if source == "chat":
        return chat_said.Writer(names, request, now)
    return responses_said.Writer(names, request, now)
