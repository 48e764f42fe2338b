"""What a request asks for, by its path and headers, and where that lies at an upstream.

Paths: Anthropic `POST /v1/messages`, `/v1/messages/count_tokens`; OpenAI `/v1/chat/completions`,
`/v1/responses`, `/v1/completions`, `/v1/embeddings`; Gemini `/v1beta/models/NAME:generateContent` and
`:streamGenerateContent`; `/v1/models` of each. Agents put the version into their base URL or into the path:
it is taken off here, and the upstream's own is put on.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote, unquote_plus, urlsplit

import msgspec

from skillclaw.proxy import Speech
from skillclaw.proxy.asked import RawHeaders

__all__ = ["Family", "Wanted", "climbs", "family_of", "header", "target", "wanted", "without_key"]

Family = Literal["anthropic", "openai", "gemini"]
Kind = Literal["turn", "models", "model", "root", "count", "other"]

_VERSION = re.compile(r"/v\d+(?:alpha|beta)?\d*(?=/|\Z)")
_GEMINI = re.compile(r"/(?:models|tunedModels)/([^/:]+):([A-Za-z]+)\Z")
_MODEL = re.compile(r"/models/([^/].*)\Z")
_TURNS: dict[str, Speech] = {"/messages": "anthropic", "/chat/completions": "chat", "/responses": "responses"}
_COUNTS = frozenset({"/messages/count_tokens", "/responses/input_tokens"})
_TURN_VERBS = frozenset({"generateContent", "streamGenerateContent"})


class Wanted(msgspec.Struct, frozen=True):
    """What is asked for.

    family  whose API the agent speaks; speech: which one of it, where the path tells
    kind    `turn` a model's answer; `count` tokens of one; `models`, `model` what there is; `root` a probe;
            `other` any other path
    path    without version and query; query: with its `?`, or empty
    model   of a model's own path (Gemini, `GET /models/NAME`), decoded
    """

    family: Family
    kind: Kind
    path: str
    query: str = ""
    speech: Speech | None = None
    model: str = ""


def header(headers: RawHeaders, name: bytes) -> str:
    """The first value of a header (its name in lower case); empty when there is none."""
    return next((value.decode("latin-1").strip() for key, value in headers if key.lower() == name), "")


def wanted(method: str, rest: str, headers: RawHeaders) -> Wanted:
    """What a request asks for; `rest` is path and query below the agent's prefix."""
    path, mark, query = rest.partition("?")
    query = mark + query
    version = _VERSION.match(path)
    bare = (path[version.end() :] if version else path).rstrip("/")
    family = _family(bare, version[0] if version else "", headers)
    if method in ("GET", "HEAD"):
        if not bare:
            return Wanted(family, "root", "", query)
        if bare == "/models":
            return Wanted(family, "models", bare, query)
        found = _MODEL.match(bare)
        if found:
            return Wanted(family, "model", bare, query, None, unquote(found[1]))
    if method == "POST":
        if bare in _TURNS:
            return Wanted(family, "turn", bare, query, _TURNS[bare])
        if bare in _COUNTS:
            speech: Speech = "anthropic" if family == "anthropic" else "responses"
            return Wanted(family, "count", bare, query, speech)
        found = _GEMINI.match(bare)
        if found:
            kind: Kind = "turn" if found[2] in _TURN_VERBS else "count"
            return Wanted("gemini", kind, bare, query, "gemini", unquote(found[1]))
    return Wanted(family, "other", bare, query)


def family_of(speech: Speech) -> Family:
    """Whose API an upstream of this protocol is."""
    if speech == "chat" or speech == "responses":
        return "openai"
    return speech


def target(url: str, path: str, query: str, speech: Speech, model: str = "") -> str:
    """The URL of `path` (as in `Wanted`) at an upstream. `model` replaces the one in a Gemini path.

    The version is the one in `url`. Where its path has none, Anthropic's `/v1` is added (its clients do so
    too), and Gemini's `/v1beta`; OpenAI's `/v1` only where there is no path at all.
    """
    base = url.rstrip("/")
    own = urlsplit(base).path
    if speech == "anthropic" and not _ends_in_version(own):
        base += "/v1"
    elif speech == "gemini" and not _ends_in_version(own):
        base += "/v1beta"
    elif not own:
        base += "/v1"
    found = _GEMINI.match(path) if model else None
    if found:
        path = path[: found.start(1)] + quote(model, safe="") + path[found.end(1) :]
    return base + path + query


def without_key(query: str) -> str:
    """The query without Gemini's `key`, which is the agent's own credential."""
    given = filter(None, query.removeprefix("?").split("&"))
    parts = [part for part in given if unquote_plus(part.partition("=")[0]) != "key"]
    return "?" + "&".join(parts) if parts else ""


def climbs(path: str) -> bool:
    """Whether a path has a part `.` or `..`, in any spelling that some server resolves: percent-coded, coded
    twice, between backslashes, or with parameters behind it. It would lead out of a base URL.
    """
    for _ in range(3):
        path = unquote(path)
    return any(part.partition(";")[0] in (".", "..") for part in re.split(r"[/\\]", path))


def _ends_in_version(path: str) -> bool:
    return _VERSION.fullmatch(path[path.rfind("/") :] if path else "") is not None


def _family(bare: str, version: str, headers: RawHeaders) -> Family:
    if bare.startswith("/messages"):
        return "anthropic"
    if bare.startswith(("/chat/", "/responses", "/completions", "/embeddings")):
        return "openai"
    if _GEMINI.match(bare) or "beta" in version or header(headers, b"x-goog-api-key"):
        return "gemini"
    if header(headers, b"anthropic-version") or header(headers, b"x-api-key"):
        return "anthropic"
    agent = header(headers, b"user-agent").lower()
    return "anthropic" if agent.startswith(("claude-cli/", "claude-code/", "anthropic/")) else "openai"
