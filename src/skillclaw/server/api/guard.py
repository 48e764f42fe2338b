"""What every request passes before the API looks at it: host, origin, token, size; and what every answer has.

Pure ASGI, outermost, so that no path, whether it exists or not, is reached around it.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillclaw.log_format import tell_unexpected
from skillclaw.server.api.errors import MAX_BODY, TOO_LARGE, problem
from skillclaw.server.asking import LOOPBACK, host_of, limited, plain_name, same_origin

__all__ = ["ABORT", "LOOPBACK", "MAX_BODY", "Guard", "Rules"]

log = logging.getLogger("skillclaw.server.api")

BODY_SECONDS = 20.0
"""In which a body must have come."""
BARE = frozenset({"/healthz", "/readyz"})
"""Answer without a token, and to any host: they say no more than yes or no there. Probes use addresses."""
AUTHORIZED = "skillclaw.authorized"
"""Key of the scope: whether the request had the token."""
ABORT = "skillclaw.abort"
"""Key of the scope: ends the connection without waiting until the peer has read what was sent; or None."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Rules:
    """Who may ask.

    token    the bearer token; hosts: names in the Host header beside those of loopback
    open     paths that need no token
    refused  is told why a request was refused: host, origin, token, size
    """

    token: str
    hosts: Collection[str] = ()
    open: Collection[str] = ()
    refused: Callable[[str], None] = lambda reason: None


class Guard:
    """The ASGI application `app` behind the `rules`."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app = app
        self.rules = rules
        self._hosts = LOOPBACK | {plain_name(host) for host in rules.hosts}
        # Digests, so that the comparison takes as long for tokens of any length.
        self._token = hashlib.sha256(rules.token.encode()).digest() if rules.token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        headers = Headers(scope=scope)
        scope[AUTHORIZED] = self._authorized(headers)
        scope[ABORT] = _abort(send)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            reason, response = refusal
            self.rules.refused(reason)
            await response(scope, receive, answer)
            return
        try:
            await self.app(scope, limited(receive, MAX_BODY, BODY_SECONDS), answer)
        except ClientDisconnect:
            return
        except Exception as error:
            tell_unexpected(log, error, str(scope["path"]))
            if not started:
                await problem(500, "The server met an error that it did not expect.", "", "See its log.")(
                    scope, receive, answer
                )

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[str, ASGIApp] | None:
        path = scope["path"]
        if path in BARE:
            return None
        if len(headers.getlist("host")) != 1 or host_of(headers["host"]) not in self._hosts:
            return "host", problem(
                403,
                "The request is for another host.",
                "Its Host header names neither this machine's loopback nor a host of serve.hosts.",
                "Add the name to serve.hosts.",
            )
        if not scope["query_string"].isascii():
            return "address", problem(
                400, "The request's address is none.", "Bytes in it are not percent-coded."
            )
        if not same_origin(headers):
            return "origin", problem(
                403, "The request comes from another site.", "Only pages of this server may use its API."
            )
        if not scope[AUTHORIZED] and path not in self.rules.open:
            response = problem(
                401,
                "The request has no valid token.",
                "The API wants: Authorization: Bearer TOKEN",
                "The token is where serve.token says; by default in serve/token of SkillClaw's folder.",
            )
            response.headers["WWW-Authenticate"] = 'Bearer realm="skillclaw"'
            return "token", response
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return "size", problem(400, "The Content-Length is no number.")
        if int(length[:20]) > MAX_BODY:
            return "size", problem(413, *TOO_LARGE)
        return None

    def _authorized(self, headers: Headers) -> bool:
        given = headers.getlist("authorization")
        if len(given) != 1 or self._token is None:
            return False
        kind, _, token = given[0].partition(" ")
        mine = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(mine, self._token) and kind.lower() == "bearer"


def _abort(send: Any) -> Callable[[], None] | None:
    """Uvicorn's way to drop a connection: ASGI has none, and closing waits for a peer that does not read."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    abort = getattr(transport, "abort", None)
    return abort if callable(abort) else None
