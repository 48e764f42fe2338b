"""Connections to upstreams: aiohttp's pool, TLS, DNS and parser, without its request and response objects.

Those normalise URLs and headers and add their own; a proxy that is not to be noticed must not. What is used
here of aiohttp: `TCPConnector.connect` and the connection's protocol (`set_response_params`, `read`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import re
import urllib.request

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from yarl import URL

from skillclaw.proxy.heads import Failure

__all__ = ["HEADER_LIMIT", "Upstream", "explain", "make_connector"]

log = logging.getLogger("skillclaw.proxy")
HEADER_LIMIT = 1 << 18
"""Bytes that one header, or the request line, may have; agents put whole JSON documents there."""
KEEP_ALIVE = 30.0
"""Seconds that an idle upstream connection is kept."""


def make_connector() -> aiohttp.TCPConnector:
    """The pool: no limit on connections, since each stands for a request that an agent is waiting for."""
    return aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, ttl_dns_cache=60)


class Upstream:
    """Where one agent's requests go. Raises ValueError when `base` is not an http(s) URL."""

    def __init__(self, base: str, connector: aiohttp.TCPConnector, connect_timeout: float) -> None:
        url = URL(base, encoded=True)
        if url.scheme not in ("http", "https") or not url.raw_host:
            raise ValueError(f"{base!r} is not an http:// or https:// URL")
        self.base = base
        self.shown = re.sub(r"//[^/]*@", "//", base.partition("?")[0])
        self.name = url.raw_host
        self.host = url.raw_authority.rpartition("@")[2].encode("ascii")
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

    def target(self, rest: str) -> str:
        """The request target of `rest` (path and query as the agent wrote them)."""
        target = self._prefix + rest
        if target.startswith(("/", "http://")):
            return target
        return "/" + target

    async def connect(self) -> Connection:
        """A free connection of the pool or a new one. Raises what `explain` explains."""
        return await self._connector.connect(self._request, [], self._timeout)

    @property
    def proxy_auth(self) -> str | None:
        """What a proxy of the environment asks for in each plain request, once connected to it."""
        return self._request.headers.get("Proxy-Authorization") if self._absolute else None


def explain(error: BaseException, upstream: Upstream) -> Failure:
    """Why no answer came from `upstream`, for the agent's user."""
    what = f"SkillClaw's proxy got no answer from {upstream.shown}."
    todo = "Check the network and the agent's upstream (skillclaw doctor)."
    if isinstance(error, TimeoutError):
        why = f"It did not accept a connection within {upstream.connect_timeout:g} s."
        return Failure(504, what, why, todo)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = f"Its certificate was not accepted: {error.certificate_error}."
        return Failure(502, what, why, "Name your certificates in SSL_CERT_FILE and start SkillClaw again.")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        why = f"The proxy of your network refused: {error.status} {error.message}."
        return Failure(502, what, why, "Check HTTPS_PROXY and start SkillClaw again.")
    if isinstance(error, aiohttp.ClientConnectorError):
        code = error.os_error.errno or 0
        why = os.strerror(code) if code > 0 else error.os_error.strerror or str(error.os_error)
        return Failure(502, what, f"{why}.", todo)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure(502, what, "It closed the connection without one.", "Try again.")
    return Failure(502, what, f"{str(error) or type(error).__name__}.", "Try again.")


def _environment_proxy(url: URL) -> URL | None:
    """The proxy that HTTP_PROXY and its like name for `url`; never one for this machine itself."""
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
    if not named or _bypassed(host, url.port, proxies.get("no", "")):
        return None
    proxy = URL(named if "://" in named else f"http://{named}")
    if proxy.scheme not in ("http", "https"):
        log.warning("a proxy by %s:// cannot be used; connecting to %s directly", proxy.scheme, host)
        return None
    return proxy


def _bypassed(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether NO_PROXY names `host`: by `*`, by its name or by a domain of it, with or without the port."""
    for entry in no_proxy.lower().replace(",", " ").split():
        name = entry.removesuffix(f":{port}").lstrip("*").lstrip(".")
        if entry == "*" or (name and (host.lower() == name or host.lower().endswith("." + name))):
            return True
    return False
