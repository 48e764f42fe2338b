"""The one form between the protocols: a request as `Ask`, a reply as a run of events.

Three readers make it and three writers take it, so that no protocol knows another. What no second protocol
can say is left out of the form: it is dropped (and named in `Ask.lost`) or refused with `CannotTranslate`.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from skillclaw.trajectory.model import Record
from skillclaw.wire.content import whole_number

__all__ = [
    "Ask",
    "Call",
    "CannotTranslate",
    "Close",
    "Delta",
    "Document",
    "Event",
    "Fail",
    "Image",
    "Open",
    "Piece",
    "Ping",
    "Result",
    "Seal",
    "Sealed",
    "Speech",
    "Start",
    "Stop",
    "Text",
    "Thought",
    "Tokens",
    "Tool",
    "Turn",
    "encode",
    "to_json",
    "whole_number",
]

Speech = Literal["anthropic", "chat", "responses"]
Reason = Literal["end", "tool", "length", "sequence", "refusal", "context", "pause"]
ToolKind = Literal["function", "custom", "action", "search"]
Trouble = Literal["invalid", "auth", "permission", "missing", "too_large", "rate", "overloaded", "server"]

Seal: TypeAlias = dict[str, Any]
"""Where a thought came from and what its provider wants back with it (`seal.py`)."""


class CannotTranslate(Exception):  # noqa: N818 - the name says what it means
    """A request or reply that the other protocol has no way to say. `what` is one sentence for the user."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Text(Record, frozen=True, kw_only=True):
    """Words."""

    text: str


class Image(Record, frozen=True, kw_only=True):
    """An image by its base64 bytes, or by its URL."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""


class Document(Record, frozen=True, kw_only=True):
    """A file, mostly a PDF, by its base64 bytes or by its URL."""

    name: str = ""
    media_type: str = "application/pdf"
    data: str = ""
    url: str = ""


class Thought(Record, frozen=True, kw_only=True):
    """Reasoning, with what its provider wants back."""

    text: str
    seal: Seal


class Call(Record, frozen=True, kw_only=True):
    """A call of a tool. `arguments` is JSON text; for a freeform tool (`raw`) it is the input as it is."""

    call_id: str
    name: str
    namespace: str = ""
    arguments: str = ""
    raw: bool = False


class Result(Record, frozen=True, kw_only=True):
    """What a call gave back."""

    call_id: str
    content: list[Text | Image | Document]
    is_error: bool = False


Piece: TypeAlias = Text | Image | Document | Thought | Call | Result


class Turn(Record, frozen=True, kw_only=True):
    """One message of the conversation."""

    role: Literal["system", "user", "agent"]
    pieces: list[Piece]


class Tool(Record, frozen=True, kw_only=True):
    """A tool on offer.

    kind     function; custom: its input is free text, described by `grammar`; action: one of the tools that
             OpenAI's protocol knows by type (`shape`) and the agent runs; search: web search, which the
             provider runs
    schema   JSON Schema of the arguments
    """

    name: str
    description: str = ""
    schema: dict[str, Any] = {}
    kind: ToolKind = "function"
    namespace: str = ""
    strict: bool = False
    grammar: dict[str, Any] = {}
    shape: str = ""


class Ask(Record, frozen=True, kw_only=True):
    """A request, without what only its own protocol can say.

    choice     auto, any, none, or `=` and the name on the agent's side of the one tool to call
    thinks     whether reasoning was asked for; None when the agent did not say
    effort     low, medium, high, xhigh or max; empty when the agent did not say
    budget     tokens for thinking, 0 when not said
    answer     {name, schema, strict} that the answer must fit; an empty schema stands for any JSON object
    lost       what the other protocols cannot carry, in words
    """

    model: str
    turns: list[Turn]
    tools: list[Tool] = []
    choice: str = "auto"
    parallel: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stops: list[str] = []
    stream: bool = False
    thinks: bool | None = None
    effort: str = ""
    budget: int = 0
    answer: dict[str, Any] | None = None
    user: str = ""
    cache_key: str = ""
    lost: list[str] = []


class Tokens(NamedTuple):
    """Tokens of a reply. `prompt` counts all input; `cached` was read from and `written` put into a cache."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    written: int = 0
    thought: int = 0


class Start(NamedTuple):
    """The reply begins."""

    id: str
    model: str
    created: int
    tokens: Tokens


class Open(NamedTuple):
    """A piece of the reply begins; `key` names it until its `Close`."""

    key: int
    kind: Literal["text", "refusal", "thought", "call", "search"]
    call_id: str = ""
    name: str = ""
    namespace: str = ""
    raw: bool = False


class Delta(NamedTuple):
    """More of a piece: words, or of a call the text of its arguments."""

    key: int
    text: str


class Sealed(NamedTuple):
    """What the provider wants back with a thought."""

    key: int
    seal: Seal


class Close(NamedTuple):
    """A piece is whole."""

    key: int


class Stop(NamedTuple):
    """The reply is whole."""

    reason: Reason
    sequence: str | None
    tokens: Tokens


class Fail(NamedTuple):
    """The reply broke off."""

    trouble: Trouble
    message: str


class Ping(NamedTuple):
    """The upstream is alive and has nothing to say."""


Event: TypeAlias = Start | Open | Delta | Sealed | Close | Stop | Fail | Ping


def encode(value: Any) -> bytes:
    """The value as JSON, keys in their order; what msgspec refuses goes through the standard library."""
    try:
        return msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError, TypeError):
        return json.dumps(value, separators=(",", ":")).encode()


def to_json(value: Any) -> str:
    """The value as JSON text, keys in their order."""
    return encode(value).decode()
