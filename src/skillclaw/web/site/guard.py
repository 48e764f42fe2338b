"""What every request passes before a page looks at it, and what every answer has.

Pure ASGI, outermost. The page belongs to one user of this machine, and answers on loopback: so a request must
name loopback as its host (against DNS rebinding), must not come from another site, and acts only with a login
and, by `ask.act`, with the page's own token (against forged requests).
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillclaw.server.asking import LOOPBACK, host_of, limited, same_origin

__all__ = ["MAX_BODY", "Guard"]

MAX_BODY = 1 << 20
"""Bytes of a request's body: a skill that somebody edits."""
BODY_SECONDS = 20.0
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # with no-referrer a browser would send the forms of this page with `Origin: null`
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """The ASGI application `app`, for requests to loopback or to `hosts`."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self._hosts = LOOPBACK | set(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal:
            await PlainTextResponse(refusal, 403)(scope, receive, answer)
            return
        await self.app(scope, limited(receive, MAX_BODY, BODY_SECONDS), answer)

    def _refusal(self, scope: Scope, headers: Headers) -> str:
        if len(headers.getlist("host")) != 1 or host_of(headers["host"]) not in self._hosts:
            return "The request is for another host than this machine's loopback.\n"
        if not scope["query_string"].isascii():
            return "The request's address is none: it holds bytes that are not percent-coded.\n"
        method = scope["method"]
        if method not in ("GET", "POST"):
            return "There is no such method here.\n"
        if method == "GET":
            # a link from elsewhere may lead here, without the cookie (SameSite=Strict); nothing else may
            site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
            if site not in ("none", "same-origin") and mode != "navigate":
                return "The request comes from another site.\n"
            return ""
        if not same_origin(headers):
            return "The request comes from another site.\n"
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > MAX_BODY:
            return f"A request here has a length, of {MAX_BODY} bytes at most.\n"
        return ""
