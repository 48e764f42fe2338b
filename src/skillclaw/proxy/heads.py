"""Heads of HTTP messages as bytes: what a proxy passes on, what it must not, and what it says itself.

Hop-by-hop headers are those of RFC 9110 section 7.6.1; all others keep their bytes, case, order and number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

import msgspec

__all__ = [
    "Failure",
    "allowed_fetch",
    "allowed_host",
    "allowed_origin",
    "error_body",
    "own_response",
    "request_head",
    "response_head",
]

RawHeaders = Iterable[tuple[bytes, bytes]]
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
NO_BODY = frozenset({204, 304})
HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.I)
ORIGIN = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.I)


class Failure(msgspec.Struct, frozen=True):
    """Why the proxy answers itself: HTTP status, what happened, why, what to do next."""

    status: int
    what: str
    why: str = ""
    todo: str = ""

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(part for part in (self.what, self.why, self.todo) if part)


def allowed_host(host: str | None) -> bool:
    """Whether a Host header names this machine's loopback; others are a rebound DNS name."""
    return host is not None and HOST.fullmatch(host) is not None


def allowed_origin(origin: str | None) -> bool:
    """Whether a request was made by no web page, or by one of this machine's loopback."""
    return origin is None or ORIGIN.fullmatch(origin) is not None


def allowed_fetch(site: str | None) -> bool:
    """Whether a browser says that a page of another site made the request; images and scripts of a page come
    without Origin, and programs send no such header.
    """
    return site is None or site.lower() in ("none", "same-origin")


def _dropped(headers: RawHeaders) -> frozenset[bytes]:
    """The names that do not pass: hop-by-hop ones and those that Connection lists."""
    named = [value for name, value in headers if len(name) == 10 and name.lower() == b"connection"]
    if not named or named == [b"keep-alive"] or named == [b"close"]:
        return HOP_BY_HOP
    listed = {part.strip().lower() for value in named for part in value.split(b",")}
    # A body whose length nobody tells would be read as the next message of the connection.
    return HOP_BY_HOP | (listed - {b"content-length", b"host"})


def request_head(
    method: str,
    target: str,
    headers: RawHeaders,
    *,
    host: bytes,
    chunked: bool,
    proxy_auth: str | None = None,
) -> bytes:
    """The head sent upstream. Of the agent's head only Host, hop-by-hop headers and Expect are changed."""
    dropped = _dropped(headers)
    parts = [
        f"{method} {target} HTTP/1.1\r\nHost: ".encode("utf-8", "surrogateescape"),
        host,
        b"\r\n",
    ]
    for name, value in headers:
        lower = name.lower()
        if lower in dropped or lower in (b"host", b"expect") or (chunked and lower == b"content-length"):
            continue
        parts += (name, b": ", value, b"\r\n")
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if proxy_auth is not None:
        parts.append(f"Proxy-Authorization: {proxy_auth}\r\n".encode("latin-1"))
    parts.append(b"\r\n")
    return b"".join(parts)


def response_head(status: int, reason: str, headers: RawHeaders, *, chunked: bool, close: bool) -> bytes:
    """The head sent to the agent: the upstream's, with our own framing and connection handling."""
    dropped = _dropped(headers)
    parts = [f"HTTP/1.1 {status} {reason}\r\n".encode("utf-8", "surrogateescape")]
    for name, value in headers:
        if name.lower() in dropped:
            continue
        parts += (name, b": ", value, b"\r\n")
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if close:
        parts.append(b"Connection: close\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def error_body(failure: Failure, path: str, headers: Iterable[str] = ()) -> bytes:
    """The failure as JSON in the shape that the clients of the protocol show to their users.

    Anthropic: https://docs.anthropic.com/en/api/errors; OpenAI: error object of the API reference; Gemini:
    google.rpc.Status as JSON.
    """
    if "/messages" in path or "anthropic-version" in {name.lower() for name in headers}:
        kind = "not_found_error" if failure.status == 404 else "api_error"
        kind = "permission_error" if failure.status == 403 else kind
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": failure.text}})
    if ":generateContent" in path or ":streamGenerateContent" in path or ":countTokens" in path:
        status = "UNAVAILABLE" if failure.status >= 500 else "INVALID_ARGUMENT"
        return msgspec.json.encode(
            {"error": {"code": failure.status, "message": failure.text, "status": status}}
        )
    return msgspec.json.encode(
        {
            "error": {
                "message": failure.text,
                "type": "api_error" if failure.status >= 500 else "invalid_request_error",
                "param": None,
                "code": f"skillclaw_{HTTPStatus(failure.status).name.lower()}",
            }
        }
    )


def own_response(status: int, body: bytes, *, close: bool, head: bool = False) -> bytes:
    """A whole JSON response of the proxy's own; for a HEAD request without the body."""
    reason = HTTPStatus(status).phrase
    lines = [
        f"HTTP/1.1 {status} {reason}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(["Connection: close"] if close else []),
        *(["Upgrade: HTTP/1.1"] if status == 426 else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + (b"" if head else body)
