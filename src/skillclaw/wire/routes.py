"""Which protocol an exchange speaks, by its path and by how its connection was asked for.

Sources of the paths: the API references of Anthropic, OpenAI (Azure's deployments end alike), Gemini
(`/v1beta/models/M:METHOD`, Vertex `/v1/projects/../models/M:METHOD`, Code Assist `/v1internal:METHOD`), and
Anthropic on Vertex (`publishers/anthropic/models/M:rawPredict`).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from skillclaw.wire.body import header
from skillclaw.wire.records import Kind, Protocol

__all__ = ["Route", "is_other", "is_socket", "looks_like_talk", "model_of", "protocol_of", "shown_path"]


class Route(NamedTuple):
    """A protocol, and what its path alone says of the request: `count` only counts, `compaction` shortens."""

    protocol: Protocol
    kind: Kind


ENDS: tuple[tuple[str, Route], ...] = (
    ("/messages", Route("anthropic", "turn")),
    ("/messages/count_tokens", Route("anthropic", "count")),
    ("/chat/completions", Route("chat", "turn")),
    ("/completions", Route("completions", "turn")),
    ("/responses", Route("responses", "turn")),
    ("/responses/compact", Route("responses", "compaction")),
    ("/responses/input_tokens", Route("responses", "count")),
)
"""In this order: `/chat/completions` also ends with `/completions`."""
METHODS: dict[str, Route] = {
    "generateContent": Route("gemini", "turn"),
    "streamGenerateContent": Route("gemini", "turn"),
    "countTokens": Route("gemini", "count"),
}
# `:generateContent` behind a model, and Code Assist's `/v1internal:generateContent`.
GEMINI = re.compile(r"(?:/(?:models|tunedModels|endpoints)/([^/:]{1,200})|/v1internal):(\w{1,40})\Z")
VERTEX_ANTHROPIC = re.compile(r"/publishers/anthropic/models/([^/:]{1,200}):(\w{1,40})\Z")

# Requests that hold no conversation though some of them have an `input` or a `prompt`.
OTHER = re.compile(
    r"/(?:embeddings|moderations|models|files|batches|uploads|rerank|score|tokenize|detokenize|vector_stores"
    r"|images/\w+|audio/\w+|videos|fine_tuning/\w+|api/(?:embed|show|pull|tags|event_logging/batch))\Z"
    r"|:(?:embedContent|batchEmbedContents|asyncBatchEmbedContent|embedText|computeTokens|predict)\Z"
    r"|/messages/batches(?:/|\Z)|/files/|/realtime/"
)
TALK = ("messages", "contents", "input", "prompt")
"""Members of a JSON body in which an LLM is told something."""

PLAIN = re.compile(r"[A-Za-z0-9._:@-]{1,40}\Z")
ID = re.compile(r"(?=(?:[^0-9]*[0-9]){4})[A-Za-z0-9._:@-]{12,}\Z")
LONGEST = 100


def protocol_of(method: str, path: str) -> Route | None:
    """Which protocol a request speaks; None for requests of no known one."""
    if method.upper() != "POST":
        return None
    bare = _bare(path)
    for end, route in ENDS:
        if bare.endswith(end):
            return route
    if found := VERTEX_ANTHROPIC.search(bare):
        return Route("anthropic", "turn") if found[2] in ("rawPredict", "streamRawPredict") else None
    if found := GEMINI.search(bare):
        return METHODS.get(found[2])
    return None


def is_socket(method: str, status: int, headers: list[tuple[str, str]]) -> bool:
    """Whether the exchange is a stretch of a WebSocket connection (RFC 6455): asked for, and accepted."""
    return method.upper() == "GET" and status == 101 and header(headers, "upgrade").lower() == "websocket"


def is_other(path: str) -> bool:
    """Whether the path is known to lead to no conversation: embeddings, images, files and the like."""
    return OTHER.search(_bare(path)) is not None


def looks_like_talk(body: Any) -> bool:
    """Whether a JSON body tells an LLM something, whatever its protocol is."""
    return isinstance(body, dict) and any(body.get(name) and _is_told(body[name]) for name in TALK)


def _is_told(value: Any) -> bool:
    return isinstance(value, str | list)


def model_of(path: str) -> str:
    """The model that the path names, where the protocol has it there; else empty."""
    bare = _bare(path)
    found = VERTEX_ANTHROPIC.search(bare) or GEMINI.search(bare)
    return (found[1] or "") if found else ""


def shown_path(path: str) -> str:
    """The path as a person may be shown it: without query, and without segments that may be ids or text."""
    kept = [
        part if not part or (PLAIN.match(part) and not ID.match(part)) else "*"
        for part in _bare(path).split("/")
    ]
    return "/".join(kept)[:LONGEST]


def _bare(path: str) -> str:
    return path.partition("?")[0].partition("#")[0].rstrip("/")
