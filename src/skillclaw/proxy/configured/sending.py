"""One try of a request at one upstream, over aiohttp's client: what is sent, and what came of it."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from skillclaw.proxy import Speech
from skillclaw.proxy.asked import RawHeaders
from skillclaw.proxy.configured.keys import CREDENTIALS
from skillclaw.proxy.upstream import cause, keep_alive

__all__ = ["HOP_BY_HOP", "Failed", "Sending", "as_text", "client", "forwarded", "send"]

_BROKEN = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What a try may raise; ValueError is aiohttp's word for heads that are no HTTP."""
HEADER_LIMIT = 1 << 18
STALE = 1.0
"""See `proxy.passage.STALE`."""
AT_ONCE = 1 << 20
"""Bytes of a body that are handed to the socket in one piece."""
ANTHROPIC_VERSION = "2023-06-01"
_bypassed = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"host",
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
"""RFC 9110 section 7.6.1, and what the next hop sets anew."""
_NOT_SENT = CREDENTIALS | HOP_BY_HOP | {b"content-encoding"}
_TRANSLATED = frozenset({b"user-agent", b"accept", b"content-type"})
"""What of the agent's headers means the same to an upstream of another protocol."""


class Sending(msgspec.Struct, frozen=True):
    """A request as an upstream gets it. `passed` headers are the agent's; `own` are ours and come after.

    inflate             the answer is wanted without content encoding, since it will be read
    first_byte_timeout  seconds until the answer must begin; None: no limit
    secret              the upstream's key, which its answer may not spread; empty for none
    """

    method: str
    url: str
    passed: Sequence[tuple[str, str]]
    own: Sequence[tuple[str, str]]
    body: bytes
    inflate: bool
    first_byte_timeout: float | None
    secret: str = ""


class Failed(Exception):  # noqa: N818  an outcome, not a fault
    """No answer came. `safe`: nothing can have been done, so another try does nothing twice."""

    def __init__(self, why: str, *, safe: bool, late: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.safe = safe
        self.late = late


def client(connect_timeout: float) -> aiohttp.ClientSession:
    """The session: no limit on connections, no cookies, bytes as they come."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_timeout, sock_connect=connect_timeout),
        auto_decompress=False,
        skip_auto_headers=_AUTOMATIC,
        trace_configs=[_trace()],
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
    )


def forwarded(headers: RawHeaders, speech: Speech, *, same: bool) -> list[tuple[str, str]]:
    """The agent's headers that go to an upstream of `speech`; never its credentials.

    An upstream of another protocol gets those only that mean the same there.
    """
    wanted = [pair for pair in headers if same or pair[0].lower() in _TRANSLATED]
    kept = as_text(wanted, _NOT_SENT)
    if speech == "anthropic" and not any(name.lower() == "anthropic-version" for name, _ in kept):
        kept.append(("anthropic-version", ANTHROPIC_VERSION))
    if not same:
        kept.append(("Accept-Encoding", "identity"))
    return kept


def as_text(headers: RawHeaders, without: frozenset[bytes]) -> list[tuple[str, str]]:
    """Headers for aiohttp, without those named (in lower case) and those that Connection lists."""
    listed = {
        part.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for part in value.split(b",")
    }
    return [
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for name, value in headers
        if name.lower() not in without and name.lower() not in listed
    ]


async def send(session: aiohttp.ClientSession, sending: Sending) -> aiohttp.ClientResponse:
    """The answer, begun; the caller closes it. Raises Failed."""
    try:
        async with asyncio.timeout(sending.first_byte_timeout):
            answer = await _asked(session, sending)
            if answer.connection is not None and answer.connection.transport is not None:
                keep_alive(answer.connection.transport)
            return answer
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
        raise Failed(_why(error), safe=True) from error
    except aiohttp.ConnectionTimeoutError as error:
        raise Failed("it did not accept a connection in time", safe=True, late=True) from error
    except TimeoutError as error:
        raise Failed(f"no answer within {sending.first_byte_timeout} s", safe=False, late=True) from error
    except _BROKEN as error:
        raise Failed(_why(error), safe=False) from error


async def _asked(session: aiohttp.ClientSession, sending: Sending) -> aiohttp.ClientResponse:
    """Asked once more where a kept connection was being closed as the request went out (RFC 9112 9.3.1), as
    the proxy does it for what it passes on; of several such connections the next may be another."""
    headers = CIMultiDict([*sending.passed, *sending.own])
    url = URL(sending.url, encoded=True).with_user(None)
    for more in (2, 1, 0):
        way = _Way()
        try:
            return await session.request(
                sending.method,
                url,
                data=_payload(sending.body) if sending.body or sending.method == "POST" else None,
                headers=headers,
                allow_redirects=False,
                proxy=_environment_proxy(url),
                auto_decompress=sending.inflate,
                trace_request_ctx=way,
            )
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            fresh = time.monotonic() - way.sent < STALE
            if not (more and way.kept and fresh) or isinstance(error, aiohttp.ClientConnectorError):
                raise
    raise AssertionError("the last try ends in an answer or an error")


class _Way:
    """What becomes of one try: whether it goes over a connection that was kept, and since when."""

    def __init__(self) -> None:
        self.kept = False
        self.sent = 0.0


def _trace() -> aiohttp.TraceConfig:
    async def kept(_: object, context: Any, __: object) -> None:
        context.trace_request_ctx.kept, context.trace_request_ctx.sent = True, time.monotonic()

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(kept)
    return trace


def _payload(body: bytes) -> bytes | io.BytesIO:
    """What aiohttp sends whole, or piece by piece as the upstream takes it."""
    return body if len(body) <= AT_ONCE else io.BytesIO(body)


def _why(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate was not accepted ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy of your network refused ({error.status} {error.message})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({cause(error)})"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    return f"{type(error).__name__}"


def _environment_proxy(url: URL) -> URL | None:
    """The proxy that HTTPS_PROXY and its like name for `url`; never one for this machine itself."""
    host = url.host or ""
    if host == "localhost" or host.endswith(".localhost"):
        return None
    try:
        if ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:
        pass
    proxies = urllib.request.getproxies_environment()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or _bypassed(f"{host}:{url.port}", proxies):
        return None
    proxy = URL(named if "://" in named else f"http://{named}")
    return proxy if proxy.scheme in ("http", "https") else None
