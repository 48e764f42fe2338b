"""Connections to upstreams: made by aiohttp (DNS, TLS, the network's proxies), then used as bare sockets.

aiohttp's own requests and responses normalise URLs and headers and add their own; a proxy that is not to be
noticed must not. What is used of aiohttp is `TCPConnector.connect`; then `Back` takes the connection over.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import re
import socket
import ssl
import time
import urllib.request
from typing import Protocol

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from yarl import URL

from skillclaw.proxy.files import FULL, out_of_files
from skillclaw.proxy.heads import Failure

__all__ = ["Back", "Reader", "Upstream", "cause", "explain", "keep_alive", "make_connector"]

log = logging.getLogger("skillclaw.proxy")
KEEP_ALIVE = 30.0
"""Seconds that an idle upstream connection is kept."""
PROBE = 60
"""Seconds of silence after which the system asks whether the other side is still there."""


_UNSAFE = re.compile(r"[^\x21-\x7e]")


class Reader(Protocol):
    """What an upstream's bytes go to: the request that holds the connection."""

    def answer(self, data: bytes) -> None:
        """Bytes of the answer."""

    def lost(self, error: Exception | None) -> None:
        """The connection ended: in order (None), or not."""

    def hold(self) -> None:
        """The upstream takes no more for now."""

    def go_on(self) -> None:
        """The upstream takes more again."""


class Back(asyncio.Protocol):
    """One connection to an upstream: idle in its pool, or held by one request (`reader`)."""

    __slots__ = ("_connection", "_maker", "alive", "idle_since", "reader", "transport", "used", "withheld")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        maker = connection.protocol
        if maker is None or maker.transport is None:
            connection.close()
            raise aiohttp.ServerDisconnectedError
        self._maker = maker
        self.transport = maker.transport
        self.reader: Reader | None = None
        self.alive = True
        self.used = 0
        self.idle_since = 0.0
        self.withheld = False
        keep_alive(self.transport)
        self.transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """Hand it to the request; bytes that nobody asked for end the connection."""
        if self.reader is not None:
            self.reader.answer(bytes(data))  # Windows' event loop gives a bytearray
        else:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request."""
        self.alive = False
        reader, self.reader = self.reader, None
        try:
            # The connector waits for the end of what it made.
            self._maker.connection_lost(exc)
            self._connection.close()
        finally:
            if reader is not None:
                reader.lost(exc)

    def pause_writing(self) -> None:
        """The upstream reads slower than the agent sends."""
        self.withheld = True
        if self.reader is not None:
            self.reader.hold()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.withheld = False
        if self.reader is not None:
            self.reader.go_on()

    def close(self) -> None:
        """Use it no more; what is unsent is dropped."""
        self.alive = False
        self.reader = None
        self.transport.abort()


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Have the system notice a dead peer, since no timer of ours ends a live stream."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE)


def make_connector() -> aiohttp.TCPConnector:
    """What connects; no limit, since each connection stands for a request that an agent is waiting for."""
    return aiohttp.TCPConnector(limit=0, ttl_dns_cache=60)


class Upstream:
    """Where one agent's requests go, and the idle connections. ValueError when `base` is no http(s) URL."""

    def __init__(self, base: str, connector: aiohttp.TCPConnector, connect_timeout: float) -> None:
        self.base = base
        self.shown = re.sub(r"//[^/]*@", "//", base.partition("?")[0])
        url = URL(base, encoded=True)
        if url.scheme not in ("http", "https") or not url.raw_host:
            raise ValueError(f"{self.shown!r} is not an http:// or https:// URL")
        if _UNSAFE.search(base):
            raise ValueError(f"{self.shown!r} has characters that must be escaped in a URL")
        self.name = url.raw_host
        self.host = url.raw_authority.rpartition("@")[2].encode("ascii")
        self.local_port = url.port if _is_loopback(url.raw_host) else None
        self._connector = connector
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout)
        self.connect_timeout = connect_timeout
        proxy = _environment_proxy(url)
        self._absolute = proxy is not None and url.scheme == "http"
        path = url.raw_path.rstrip("/")
        self._prefix = f"http://{self.host.decode('ascii')}{path}" if self._absolute else path
        # Only names where to connect; heads are written by hand.
        self._request = ClientRequest(
            "GET", url.with_user(None), proxy=proxy, loop=asyncio.get_running_loop()
        )
        self._idle: list[Back] = []
        self._retired = False
        self.starved = 0
        """Requests that got no connection since no file could be opened."""

    def target(self, rest: str) -> str:
        """The request target of `rest` (path and query as the agent wrote them)."""
        target = self._prefix + rest
        if target.startswith(("/", "http://")):
            return target
        return "/" + target

    @property
    def proxy_auth(self) -> bytes:
        """What a proxy of the environment asks for in each plain request, once it was reached; or nothing."""
        asked = self._request.headers.get("Proxy-Authorization") if self._absolute else None
        return asked.encode("latin-1") if asked else b""

    def take(self, rested: float = KEEP_ALIVE) -> Back | None:
        """The idle connection that was used last, if it rested at most that many seconds; or None."""
        while self._idle:
            back = self._idle.pop()
            if back.alive and not back.transport.is_closing():
                if time.monotonic() - back.idle_since <= rested:
                    return back
                self._idle.append(back)
                break
        return None

    async def connect(self) -> Back:
        """A new connection. Raises what `explain` explains."""
        try:
            async with asyncio.timeout(self.connect_timeout):
                return Back(await self._connector.connect(self._request, [], self._timeout))
        except Exception as error:
            self.starved += out_of_files(error)
            raise

    def give(self, back: Back) -> None:
        """Put a connection back whose answer came whole."""
        if self._retired or back.withheld or not back.alive:
            back.close()
            return
        back.reader = None
        back.used += 1
        back.idle_since = time.monotonic()
        self._idle.append(back)

    def retire(self) -> None:
        """Keep no connections any more."""
        self._retired = True
        self.expire(float("inf"))

    def expire(self, before: float) -> None:
        """Close what was idle since `before` (of `time.monotonic`), and forget what closed by itself."""
        for back in self._idle:
            if back.idle_since < before:
                back.close()
        self._idle = [back for back in self._idle if back.alive]


def explain(error: BaseException, upstream: Upstream) -> Failure:
    """Why no answer came from `upstream`, for the agent's user."""
    what = f"SkillClaw's proxy got no answer from {upstream.shown}."
    todo = "Check the network and the agent's upstream (skillclaw doctor)."
    if out_of_files(error):
        return FULL
    if isinstance(error, TimeoutError):
        why = f"It could not be reached within {upstream.connect_timeout:g} s (name, connection, TLS)."
        return Failure(504, what, why, todo)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = f"Its certificate was not accepted: {error.certificate_error}."
        return Failure(502, what, why, "Name your certificates in SSL_CERT_FILE and start SkillClaw again.")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        why = f"The proxy of your network refused: {error.status} {error.message}."
        return Failure(502, what, why, "Check HTTPS_PROXY and start SkillClaw again.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Failure(502, what, f"{cause(error)}.", todo)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure(502, what, "It closed the connection without one.", "Try again.")
    return Failure(502, what, f"{str(error) or type(error).__name__}.", "Try again.")


def cause(error: aiohttp.ClientConnectorError) -> str:
    """Why there is no connection, in the system's words, or in those of TLS: its errors have numbers of their
    own, which the system's words would not fit."""
    said = error.os_error
    if isinstance(said, ssl.SSLError):
        reason = (said.reason or "").replace("_", " ").lower()
        return f"TLS cannot be spoken with it ({reason or said.strerror or said})"
    code = said.errno or 0
    return os.strerror(code) if code > 0 else said.strerror or str(said)


def _environment_proxy(url: URL) -> URL | None:
    """The proxy that HTTP_PROXY and its like name for `url`; never one for this machine itself."""
    host = url.host or ""
    if _is_loopback(host):
        return None
    proxies = urllib.request.getproxies_environment()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or _bypassed(host, url.port, proxies.get("no", "")):
        return None
    proxy = URL(named if "://" in named else f"http://{named}")
    if proxy.scheme not in ("http", "https"):
        log.warning("a proxy by %s:// cannot be used; connecting to %s directly", proxy.scheme, host)
        return None
    return proxy


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bypassed(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether NO_PROXY names `host`: by `*`, by its name or by a domain of it, with or without the port."""
    for entry in no_proxy.lower().replace(",", " ").split():
        name = entry.removesuffix(f":{port}").lstrip("*").lstrip(".")
        if entry == "*" or (name and (host.lower() == name or host.lower().endswith("." + name))):
            return True
    return False
