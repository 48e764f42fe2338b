"""Answers made by hypothesis, what must come of each, and the upstream that plays them."""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import struct
import threading
from dataclasses import dataclass, field

import brotli
import zstandard
from hypothesis import strategies as st
from raw_http import chunked, payload, pieces

RESET = struct.pack("ii", 1, 0)
EVENTS = (
    b"data: {}\n\n",
    b'event: message_start\ndata: {"type":"message_start"}\n\n',
    b"data: [DONE]\r\n\r\n",
    b": comment\r\r",
    b"id: 7\nretry: 10\n",
    b"\xef\xbb\xbfdata: bom\n\n",
    "data: Grüße 漢字 😀\n\n".encode(),
    "data: 😀".encode()[:-2],
    b"\x00\x01\xff\xfe",
    b"data: no end",
    b"\n",
    b"\r",
    b"\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"data: " + b"x" * 3000 + b"\n\n",
)
LONG = b"data: " + b"y" * 90_000 + b"\n\n"


@dataclass(frozen=True)
class Plan:
    """An answer: how it is framed, the bytes of its body on the wire, where it is cut, how it ends.

    pieces  what the upstream writes, one after the other; head: how many bytes of them are the head
    body    the payload that was to be sent; sent: the payload that was sent
    ending  keep, close or reset; whole: an agent may take what came for the whole answer
    """

    framing: str
    coding: bytes
    old: bool
    slow: bool
    wire: bytes
    head: int
    pieces: list[bytes]
    sent: bytes
    ending: str
    whole: bool


def _compressed(coding: bytes, body: bytes) -> bytes:
    if coding == b"gzip":
        return gzip.compress(body, 1, mtime=0)
    if coding == b"br":
        return bytes(brotli.compress(body, quality=1))
    return zstandard.ZstdCompressor(level=1).compress(body) if coding else body


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    events = draw(st.lists(st.sampled_from(EVENTS) | st.binary(max_size=12), max_size=12))
    if draw(st.integers(0, 19)) == 0:
        events.append(LONG)
    framing = draw(st.sampled_from(("chunked", "length", "to the end")))
    coding = draw(st.sampled_from((b"", b"", b"", b"gzip", b"br", b"zstd")))
    body = _compressed(coding, b"".join(events))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    head += b"Content-Encoding: %b\r\n" % coding if coding else b""
    raw = body
    if framing == "chunked":
        raw = chunked(body, draw(st.lists(st.integers(1, 40) | st.integers(1, 4000), max_size=8)))
        head += b"Transfer-Encoding: chunked\r\n"
    elif framing == "length":
        head += b"Content-Length: %d\r\n" % len(body)
    head += b"\r\n"
    wire = head + raw
    ending = "close" if framing == "to the end" else draw(st.sampled_from(("keep", "keep", "close")))
    whole = True
    if draw(st.integers(0, 2)) == 0:
        cut = draw(st.integers(0, len(wire)))
        ending = draw(st.sampled_from(("close", "reset")))
        whole = cut >= len(head) if framing == "to the end" and ending == "close" else cut == len(wire)
        whole = whole and (ending == "close" or framing != "to the end")
        wire = wire[:cut]
    sent = wire[len(head) :]
    return Plan(
        framing=framing,
        coding=coding,
        old=draw(st.integers(0, 9)) == 0,
        slow=draw(st.integers(0, 3)) == 0,
        wire=wire,
        head=len(head),
        pieces=pieces(wire, draw(st.lists(st.integers(0, 1 << 20), max_size=6))),
        sent=payload(sent) if framing == "chunked" else sent,
        ending=ending,
        whole=whole,
    )


@dataclass
class Playing:
    """An upstream on its own thread that plays `plans[n]` for `/n`; `asked` counts the requests."""

    plans: dict[int, Plan] = field(default_factory=dict)
    asked: dict[int, int] = field(default_factory=dict)
    transports: set[asyncio.Transport] = field(default_factory=set)

    def __enter__(self) -> Playing:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for transport in self.transports:
            transport.abort()
        await asyncio.sleep(0.05)


class _Connection(asyncio.Protocol):
    """Plays its plans in the order of the requests; each comes after the answer before it."""

    def __init__(self, playing: Playing) -> None:
        self._playing = playing
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._playing.transports.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._playing.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._data.endswith(b"\r\n\r\n"):
            return
        match = re.match(rb"\w+ /(\d+)", self._data)
        assert match is not None, self._data
        self._data, number = b"", int(match[1])
        self._playing.asked[number] = self._playing.asked.get(number, 0) + 1
        self._play(self._playing.plans[number], 0)

    def _play(self, plan: Plan, at: int) -> None:
        loop = asyncio.get_running_loop()
        while at < len(plan.pieces):
            self._transport.write(plan.pieces[at])
            at += 1
            if plan.slow and at < len(plan.pieces):
                loop.call_later(0.001, self._play, plan, at)
                return
        self._finish(plan)

    def _finish(self, plan: Plan) -> None:
        if plan.ending == "close":
            self._transport.close()
        elif plan.ending == "reset":
            if self._transport.get_write_buffer_size():
                # What was written goes out first, as far as the other side takes it.
                asyncio.get_running_loop().call_later(0.001, self._finish, plan)
                return
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._transport.abort()
