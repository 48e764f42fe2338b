"""The soak's clients: one request each, on a kept or a fresh connection, and a check of every byte."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import Callable
from typing import NamedTuple

from skillclaw.bench.soak.ledger import Seen
from skillclaw.bench.soak.messages import BROKEN, read_body, read_head
from skillclaw.bench.soak.plans import MARK, Plan, answer_of, body_of
from skillclaw.bench.soak.websocket import ACCEPT, accept_of, frame, read_frame

__all__ = ["Clients"]

KEPT = 32
"""Idle connections that clients keep."""
SMALL_WINDOW = 16_384
"""Receive buffer of a slow reader, so that the proxy soon feels it."""
PIECE = 1 << 16


class _Line(NamedTuple):
    """A connection to the proxy."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Clients:
    """Asks the proxy on `port`; `fail` gets what was not as planned."""

    def __init__(self, port: int, fail: Callable[[str], None]) -> None:
        self.no_websocket = 0
        self._port = port
        self._fail = fail
        self._kept: list[_Line] = []

    async def ask(self, plan: Plan, *, keep: bool) -> Seen:
        """One request to its end; `keep`: on a connection that others used and will use."""
        line = await self._line(plan, keep)
        reusable = False
        try:
            if plan.kind.name == "websocket":
                return await self._websocket(plan, line)
            await self._send(plan, line, keep)
            if plan.kind.name == "leave-early":
                # The proxy gets time to pass the request on.
                await asyncio.sleep(0.3)
                return Seen(0, 0)
            seen, reusable = await self._receive(plan, line)
            return seen
        except BROKEN as error:
            if plan.kind.status or plan.kind.whole:
                self._fail(f"{plan.mark}: {type(error).__name__}: {error}")
            return Seen(0, 0)
        finally:
            if reusable and keep and len(self._kept) < KEPT:
                self._kept.append(line)
            else:
                line.writer.close()

    async def close(self) -> None:
        """Close the connections that are kept."""
        for line in self._kept:
            line.writer.close()
        self._kept.clear()

    async def _line(self, plan: Plan, keep: bool) -> _Line:
        slow = plan.kind.name == "slow-reader"
        while keep and not slow and self._kept:
            line = self._kept.pop()
            if not line.reader.at_eof():
                return line
            line.writer.close()
        sock = socket.socket()
        sock.setblocking(False)
        if slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
            return _Line(*await asyncio.open_connection(sock=sock, limit=SMALL_WINDOW if slow else 1 << 18))
        except BaseException:
            sock.close()
            raise

    def _head(self, plan: Plan, *more: str) -> bytes:
        agent = "refused" if plan.kind.name == "refused" else "soak"
        lines = [f"{plan.kind.method} /{agent}{plan.path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}"]
        lines += [f"{MARK}: {plan.mark}", "Authorization: Bearer sk-soak-0123456789abcdef"]
        lines += [f"x-session-id: soak-{plan.number % 40}", *more]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    async def _send(self, plan: Plan, line: _Line, keep: bool) -> None:
        body, name = body_of(plan), plan.kind.name
        more = [] if keep else ["Connection: close"]
        more += ["Content-Encoding: gzip"] if name == "upload-gzip" else []
        chunked = name == "upload-chunked"
        if chunked:
            more.append("Transfer-Encoding: chunked")
        elif plan.kind.method == "POST":
            more.append(f"Content-Length: {len(body)}")
        line.writer.write(self._head(plan, *more))
        size = 7_000 if chunked else PIECE
        for at in range(0, len(body), size):
            part = body[at : at + size]
            line.writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            await line.writer.drain()
        if chunked:
            line.writer.write(b"0\r\n\r\n")

    async def _receive(self, plan: Plan, line: _Line) -> tuple[Seen, bool]:
        """The answer, checked; and whether the connection can be used again."""
        kind = plan.kind
        head = await read_head(line.reader)
        status = int(head.second)
        if kind.method == "HEAD":
            self._check(status == 200, plan, f"status {status}")
            return Seen(status, 0), head.headers.get("connection", "").lower() != "close"
        if kind.name == "leave":
            size = int(await line.reader.readline(), 16)
            part = await line.reader.readexactly(size)
            self._check(answer_of(plan).startswith(part), plan, "other bytes before the client left")
            return Seen(status, len(part)), False
        pause = 0.02 if kind.name == "slow-reader" else 0.0
        body = await read_body(line.reader, head.headers, to_end=True, pause=pause)
        if kind.status == 0:
            # The proxy's own answer, or none: both say that the upstream gave none.
            self._check(status in (502, 504), plan, f"status {status} where the upstream gave no answer")
            return Seen(status, 0), body.whole and head.headers.get("connection", "").lower() != "close"
        answer = answer_of(plan)
        self._check(status == kind.status, plan, f"status {status}")
        if kind.whole:
            right = body.whole and body.data == answer
            self._check(right, plan, f"{len(body.data)} of {len(answer)} bytes, whole: {body.whole}")
            self._check(
                head.headers.get("request-id") == f"req-{plan.number}", plan, "headers of another answer"
            )
            self._check(head.headers.get("content-encoding", "") == kind.coding, plan, "another coding")
            self._check(kind.status != 429 or head.headers.get("retry-after") == "7", plan, "no retry-after")
        else:
            self._check(not body.whole, plan, "a broken answer came whole")
            self._check(answer.startswith(body.data), plan, "other bytes before the break")
        closed = head.headers.get("connection", "").lower() == "close" or not body.whole
        sized = "content-length" in head.headers or "transfer-encoding" in head.headers
        return Seen(status, len(body.data)), sized and not closed

    async def _websocket(self, plan: Plan, line: _Line) -> Seen:
        key = base64.b64encode(plan.number.to_bytes(16, "big")).decode()
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        line.writer.write(self._head(plan, *upgrade, f"Sec-WebSocket-Key: {key}"))
        head = await read_head(line.reader)
        if head.second == "426":
            self.no_websocket += 1
            return Seen(426, 0, recorded=False)
        accepted = head.headers.get(ACCEPT.decode().lower(), "").encode() == accept_of(key)
        self._check(head.second == "101" and accepted, plan, f"status {head.second}, accepted: {accepted}")
        for size in (5, 300, 40_000):
            said = answer_of(plan)[:5] * (size // 5)
            line.writer.write(frame(1, said, os.urandom(4)))
            await line.writer.drain()
            self._check(await read_frame(line.reader) == (1, said), plan, f"another echo of {size} bytes")
        line.writer.write(frame(8, b"\x03\xe8", os.urandom(4)))
        await read_frame(line.reader)
        return Seen(101, 0)

    def _check(self, right: bool, plan: Plan, what: str) -> None:
        if not right:
            self._fail(f"{plan.mark}: {what}")
