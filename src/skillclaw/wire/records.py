"""What the wire room takes and gives: one call as bytes in, its conversation as items out."""

from __future__ import annotations

from typing import Any, Literal

from skillclaw.trajectory.model import Part, Record

__all__ = ["Call", "Decoded", "Identity", "Item", "Kind", "Protocol", "Reason", "Unread", "Usage"]

Protocol = Literal["anthropic", "responses", "chat", "completions", "gemini"]
Kind = Literal["turn", "side", "compaction", "count"]
Reason = Literal[
    "unknown protocol",
    "unknown WebSocket",
    "unknown encoding",
    "damaged body",
    "cut-off body",
    "damaged answer",
]
"""Why an exchange, or its answer, could not be read."""


class Call(Record, frozen=True, kw_only=True):
    """One HTTP request to an LLM API with its response, or one turn of a WebSocket connection, as bytes.

    Bodies are as they were on the wire (compressed if they came so). `path` is what followed the agent's
    prefix, query included; `status` is 0 when no response came; `complete` is False when the response was
    cut off by either side; `error` says why. A turn of a WebSocket connection has method GET, status 101, the
    headers of the handshake, and as bodies the text messages of each side, one JSON message a line.
    """

    method: str
    path: str
    request_headers: list[tuple[str, str]] = []
    request_body: bytes = b""
    status: int = 0
    response_headers: list[tuple[str, str]] = []
    response_body: bytes = b""
    complete: bool = True
    error: str = ""


class Identity(Record, frozen=True, kw_only=True):
    """Which session a request belongs to, as the agent itself says.

    root    the session; what a user sees as one run
    thread  the conversation inside it: the same as root, or a sub-agent's own id
    parent  the thread that started this one, where the agent says so
    key     another name that the agent has for this thread, and `parent_key` for the one that started it:
            where a sub-agent knows its parent by that alone, the parent's own requests tell its id
    """

    root: str
    thread: str
    parent: str | None = None
    is_subagent: bool = False
    key: str = ""
    parent_key: str = ""


class Usage(Record, frozen=True, kw_only=True):
    """Tokens of one response. `prompt` counts all input, `cached` the part of it that came from a cache."""

    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None


class Item(Record, frozen=True, kw_only=True):
    """The smallest piece of a conversation, the same for every protocol.

    kind         text (of any role, images included), reasoning, call, result
    content      text, or parts where there are images; for a call it is empty
    group        number of the message that it came from, so that pieces of one message can be joined
    raw          a call's input where it was not a JSON object (`arguments` then holds it under `input`)
    injected     text that the host put there, not the user
    compaction   text that stands for a shortened history
    provider     the provider's model ran this call or gave this result, not the agent
    exit_code, is_error, taint   of a result, as far as its shape is known
    """

    role: Literal["system", "user", "agent"]
    kind: Literal["text", "reasoning", "call", "result"]
    content: str | list[Part] = ""
    group: int = 0
    call_id: str = ""
    name: str = ""
    arguments: dict[str, Any] = {}
    raw: str | None = None
    injected: bool = False
    compaction: bool = False
    provider: bool = False
    exit_code: int | None = None
    is_error: bool | None = None
    taint: str | None = None


class Decoded(Record, frozen=True, kw_only=True):
    """One call understood: what was sent, what came back, and whose it is.

    request      the whole conversation as sent, system prompt first
    response     what the model gave, as far as it came; empty on an error
    error        the error text of a failed call, else empty; `status` is the HTTP status
    complete     the response ended as its protocol says
    tools        names and shortened descriptions of the tools offered
    identity     None when the agent sends none: then the conversation itself is the identity
    agent        name and version as the user agent header gives them, e.g. `claude-cli/2.1.197`
    cwd, env     working directory and facts (os, shell, git_remote, ...) that the agent states
    response_id  the provider's id of the response, where its protocol lets a later request name it
    previous     the id of the response that this request goes on from: `request` then holds only what is new
    unread       why the answer could not be read; the request was
    """

    protocol: Protocol
    kind: Kind
    request: list[Item]
    response: list[Item]
    usage: Usage | None = None
    model: str = ""
    effort: str | None = None
    stop_reason: str = ""
    status: int = 0
    error: str = ""
    complete: bool = True
    tools: list[dict[str, Any]] = []
    identity: Identity | None = None
    agent: str = ""
    cwd: str = ""
    env: dict[str, str] = {}
    response_id: str = ""
    previous: str = ""
    unread: Reason | None = None


class Unread(Record, frozen=True, kw_only=True):
    """An exchange that talks to an LLM but could not be understood; `path` holds neither query nor ids."""

    reason: Reason
    path: str
