"""Raw bytes to the proxy over a loopback socket, with raw bytes as the upstream's answer.

The input is what an agent sends; after a line `==>`, what the upstream answers with before it closes. No
connection stays open, no callback fails, and the next request is served.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import cache
from typing import Any

from fuzzing.folder import made

INSTRUMENT = ("skillclaw.proxy", "skillclaw.journal")
MOST_SECONDS = 10.0
MOST_BYTES = 1 << 14
PATIENCE = 30.0
"""Seconds for an answer: the proxy's own limits here are one second each."""
DICT = (
    b"\n==>\n",
    b"GET /codex/v1/models HTTP/1.1\r\n",
    b"POST /codex/v1/responses HTTP/1.1\r\n",
    b"Host: localhost\r\n",
    b"\r\n",
    b"Content-Length: 4\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"Expect: 100-continue\r\n",
    b"/healthz",
    b"/models/v1/chat/completions",
    b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01",
    b"PRI * HTTP/2.0\r\n\r\n",
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
    b"\x81\x85",
)


class Upstream(asyncio.Protocol):
    """Answers the first bytes of each connection with what the door was told."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._door.answer)
        self._transport.close()


class Door:
    """A proxy and its upstream on one loop in a thread."""

    def __init__(self) -> None:
        self.folder = made()
        self.answer = b""
        self.wrong: list[str] = []
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True).start()
        assert self._ready.wait(60)

    async def _run(self) -> None:
        from skillclaw.journal.writer import JournalWriter
        from skillclaw.proxy import ProxyConfig, write_config
        from skillclaw.proxy.front import Front
        from skillclaw.proxy.routing import Proxy

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: self.wrong.append(repr(told)))
        upstream = await loop.create_server(lambda: Upstream(self), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
        config = ProxyConfig(
            port=0,
            home=str(self.folder),
            upstreams={"codex": url, "claude-code": url},
            connect_timeout=5.0,
            head_timeout=1.0,
            body_timeout=1.0,
            answer_timeout=1.0,
            idle_timeout=1.0,
            journal_max_mb=8,
        )
        write_config(self.folder / "proxy.json", config)
        self.journal = journal = JournalWriter(
            self.folder / "journal", max_mb=8, client_key=lambda: b"k" * 32
        )
        proxy = Proxy(self.folder / "proxy.json", config, journal)
        listener = await loop.create_server(lambda: Front(proxy), "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        proxy.listens(self.port)
        tending = loop.create_task(proxy.tend())
        self._ready.set()
        await tending


@cache
def door() -> Door:
    """The one door of this process."""
    return Door()


def once(data: bytes) -> None:
    """What came back begins as HTTP does, if anything came; and the proxy goes on."""
    at = door()
    request, _, at.answer = data.partition(b"\n==>\n")
    said = _asked(at, request)
    assert said == b"" or said.startswith((b"HTTP/1.", b"HTTP")[: 1 if len(said) > 6 else 2]), said[:80]
    health = _asked(at, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert health.startswith(b"HTTP/1.1 200 "), health[:200]
    wrong, at.wrong = at.wrong, []
    assert not wrong, wrong[0]
    assert not at.journal.stats().errors, at.journal.stats().last_error


def _asked(at: Door, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", at.port), timeout=PATIENCE) as sock:
        out: list[bytes] = []
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(1 << 16):
                out.append(part)
        except ConnectionError:
            pass
        return b"".join(out)
