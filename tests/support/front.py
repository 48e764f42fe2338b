"""Configured mode behind a real socket, for tests.

`front` gives a running proxy for a `ProxyConfig`; what serves it is this module's business alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.agents import digest
from skillclaw.journal.writer import JournalWriter
from skillclaw.proxy import ConfiguredUpstream, ProxyConfig
from skillclaw.proxy.configured.service import Configured
from skillclaw.proxy.front import Front as Connection
from skillclaw.proxy.passage import GONE
from skillclaw.proxy.record import Draft
from skillclaw.proxy.routing import Proxy

TOKEN = "skillclaw-test-token-0123456789abcdef"


@dataclass
class Reply:
    """An answer as the agent got it; `whole` is False where it broke off."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    whole: bool = True

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Front:
    """A running proxy."""

    port: int
    home: Path
    proxy: Any
    loop: asyncio.AbstractEventLoop
    config: ProxyConfig
    cuts: list[str] = field(default_factory=list)

    def take(self, **changes: Any) -> None:
        """Other settings from now on."""
        self.config = msgspec.structs.replace(self.config, **changes)
        self.loop.call_soon_threadsafe(self.proxy.take, self.config)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] | None = None,
        headers: Sequence[tuple[str, str]] | None = None,
    ) -> Reply:
        """One request; `headers` None sends the token as a bearer."""
        sent = json.dumps(body).encode() if isinstance(body, dict) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in [("Authorization", f"Bearer {TOKEN}")] if headers is None else headers:
                connection.putheader(name, value)
            if sent is not None:
                connection.putheader("Content-Type", "application/json")
                connection.putheader("Content-Length", str(len(sent)))
            connection.endheaders(sent)
            answer = connection.getresponse()
            try:
                data, whole = answer.read(), True
            except http.client.IncompleteRead as error:
                data, whole = error.partial, False
            return Reply(answer.status, answer.getheaders(), data, whole)


def upstream(url: str, protocol: Any, **more: Any) -> ConfiguredUpstream:
    return ConfiguredUpstream(url=url, protocol=protocol, **more)


@contextmanager
def front(
    home: Path,
    configured: dict[str, ConfiguredUpstream],
    routes: dict[str, str] | None = None,
    **more: Any,
) -> Iterator[Front]:
    """A proxy whose agent `a` goes to the first of `configured` and knows TOKEN."""
    routes = {"a": next(iter(configured))} if routes is None else routes
    settings: dict[str, Any] = {"port": 0, "home": str(home), "upstreams": {}, "drain": 2.0} | more
    config = ProxyConfig(
        configured=configured, routes=routes, tokens={agent: digest(TOKEN) for agent in routes}, **settings
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    async def nothing(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))

    cuts: list[str] = []
    made = run(_made(config, nothing, cuts))
    running = Front(0, home, made, loop, config, cuts)
    server = run(_serve(made))
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(server.close)
        run(made.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class _Proxy(Proxy):
    """The proxy itself, which tells how its answers ended."""

    def __init__(self, home: Path, config: ProxyConfig, sleep: Any) -> None:
        self.cuts: list[str] = []
        self.journal = JournalWriter(home / "journal", max_mb=64)
        super().__init__(home / "proxy.json", config, self.journal)
        self.configured = Configured(config, sleep=sleep)

    def keep(self, draft: Draft) -> None:
        if draft.error and draft.error != GONE:
            self.cuts.append(draft.error)
        super().keep(draft)

    async def close(self) -> None:
        await super().close()
        self.journal.close()


async def _made(config: ProxyConfig, sleep: Any, cuts: list[str]) -> _Proxy:
    proxy = _Proxy(Path(config.home), config, sleep)
    proxy.cuts = cuts
    return proxy


async def _serve(proxy: _Proxy) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(lambda: Connection(proxy), "127.0.0.1", 0)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
