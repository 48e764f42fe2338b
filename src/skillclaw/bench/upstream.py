"""A cheap LLM upstream for benchmarks: a raw protocol that answers by the path; proxies are the limit.

/sse    ten server-sent events, sent as ten chunks at once
/json   one JSON document
/paced  twenty events, one every 20 ms
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

__all__ = ["EVENTS", "GAP", "PACED", "main"]

EVENTS = 10
PACED = 20
GAP = 0.02
"""Seconds between paced events."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(number: int) -> bytes:
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"token number %d of the answer "}}\n\n' % number
    )


SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\nTransfer-Encoding: chunked\r\n\r\n"
)
SSE = SSE_HEAD + b"".join(_chunk(_event(i)) for i in range(EVENTS)) + b"0\r\n\r\n"
DOCUMENT = (
    b'{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",'
    + (b'"content":"%b"},"finish_reason":"stop"}]}' % (b"word " * 300))
)
JSON = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(DOCUMENT)
    + DOCUMENT
)


class Upstream(asyncio.Protocol):
    """Answers each request on the connection; bodies are read and forgotten."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._need = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Collect a head and a body, then answer."""
        self._data += data
        while True:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            if self._need < 0:
                length = LENGTH.search(self._data, 0, end + 2)
                self._need = end + 4 + (int(length[1]) if length else 0)
            if len(self._data) < self._need:
                return
            head = self._data[:end]
            self._data = self._data[self._need :]
            self._need = -1
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        assert self._transport is not None
        line = head[: head.find(b"\r\n")]
        if b"/paced" in line:
            self._transport.write(SSE_HEAD)
            self._pace(0)
        else:
            self._transport.write(JSON if b"/json" in line else SSE)

    def _pace(self, number: int) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(_chunk(_event(number)) + (b"0\r\n\r\n" if number == PACED - 1 else b""))
        if number < PACED - 1:
            self._loop.call_later(GAP, self._pace, number + 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop pacing."""
        self._transport = None


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=1024)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201
    await server.serve_forever()


def main() -> None:
    """Serve until killed; prints `ready PORT`."""
    if sys.platform != "win32":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve())
    else:
        asyncio.run(_serve())


if __name__ == "__main__":
    main()
