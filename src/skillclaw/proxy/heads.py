"""Heads as the proxy writes them: those it passes on, and its own answers; and whom it answers at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

import msgspec

from skillclaw.proxy.http1 import Fields, RequestHead, ResponseHead

__all__ = [
    "JSON",
    "NO_BODY",
    "Failure",
    "error_body",
    "local",
    "origin_form",
    "own_response",
    "request_head",
    "response_head",
]

JSON = "application/json"
NO_BODY = frozenset({204, 304})
_HOST = re.compile(rb"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.I)
_ABSOLUTE = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})([/?].*)?", re.I)
_ORIGIN = re.compile(rb"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.I)


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


def local(fields: Fields) -> bool:
    """Whether a request is for this machine and of it. Another host is a rebound DNS name, another origin a
    web page; a page's images and scripts come without Origin, and programs send no Sec-Fetch-Site.
    """
    if not fields.hosts or not _own_host(fields.hosts[0]):
        return False
    if fields.origins and not all(map(_ORIGIN.fullmatch, fields.origins)):
        return False
    return all(site.lower() in (b"none", b"same-origin") for site in fields.sites)


def origin_form(target: str, port: int) -> str:
    """The target of a request; one that names the proxy at `port` in full (RFC 9112 3.2.2) as a path."""
    match = None if target.startswith("/") else _ABSOLUTE.fullmatch(target)
    return target if match is None or int(match[1]) != port else match[2] or "/"


@lru_cache(64)
def _own_host(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None


def request_head(
    head: RequestHead, target: str, host: bytes, *, proxy_auth: bytes = b"", upgrade: bool = False
) -> bytes:
    """The head sent upstream. Of the agent's only the target, Host and hop-by-hop headers are changed."""
    fields = head.fields
    passed = [line for line in fields.passed if line[:5].lower() != b"host:"]
    parts = [f"{head.method} {target} HTTP/1.1\r\nHost: ".encode("latin-1"), host, b"\r\n"]
    if passed:
        parts += (b"\r\n".join(passed), b"\r\n")
    if fields.codings:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if upgrade:
        parts += (b"Connection: Upgrade\r\nUpgrade: ", fields.upgrade, b"\r\n")
    if proxy_auth:
        parts += (b"Proxy-Authorization: ", proxy_auth, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def response_head(head: ResponseHead, *, coding: bytes, close: bool, upgrade: bool = False) -> bytes:
    """The head sent to the agent: the upstream's, with the framing and connection handling of this side."""
    fields = head.fields
    parts = [b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)]
    if fields.passed:
        parts += (b"\r\n".join(fields.passed), b"\r\n")
    if coding:
        parts += (b"Transfer-Encoding: ", coding, b"\r\n")
    if upgrade:
        parts += (b"Upgrade: ", fields.upgrade, b"\r\nConnection: Upgrade", b", close" * close, b"\r\n")
    elif close:
        parts.append(b"Connection: close\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def error_body(failure: Failure, path: str, lines: Iterable[bytes] = ()) -> bytes:
    """The failure as JSON in the shape that the clients of the protocol show to their users.

    Anthropic: https://docs.anthropic.com/en/api/errors; OpenAI: error object of the API reference; Gemini:
    google.rpc.Status as JSON.
    """
    if "/messages" in path or any(line[:18].lower() == b"anthropic-version:" for line in lines):
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


def own_response(status: int, body: bytes, *, close: bool, head: bool = False, kind: str = JSON) -> bytes:
    """A whole response of the proxy's own; for a HEAD request without the body."""
    reason = HTTPStatus(status).phrase
    lines = [
        f"HTTP/1.1 {status} {reason}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *(["Connection: close"] if close else []),
        *(["Upgrade: HTTP/1.1"] if status == 426 else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + (b"" if head else body)
