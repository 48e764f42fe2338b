"""The soak's upstream: it does what each request's plan says, faults included, and checks what arrives."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from skillclaw.bench.soak.messages import BROKEN, Head, read_body, read_head
from skillclaw.bench.soak.plans import MARK, Plan, answer_of, body_of, events_of, from_mark
from skillclaw.bench.soak.websocket import ACCEPT, accept_of, serve_echo

__all__ = ["STALL", "Upstream"]

STALL = 8.0
"""Seconds that a stalling answer stands still: longer than a short test's patience, shorter than the run."""
REASONS = {200: "OK", 429: "Too Many Requests", 500: "Internal Server Error", 529: "Overloaded"}
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on with 0 seconds: closing sends a reset."""


class Upstream:
    """A server on a free port of 127.0.0.1; `fail` gets what arrived otherwise than planned."""

    def __init__(self, fail: Callable[[str], None], stall: float = STALL) -> None:
        self.url = ""
        self.open = 0
        self._fail = fail
        self._stall = stall
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024, limit=1 << 18)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open += 1
        try:
            while await self._one(reader, writer):
                pass
        except BROKEN:
            pass  # the proxy closed the connection: idle, or because its client left
        except asyncio.CancelledError:
            pass  # only `close` cancels; asyncio's streams would log it as an error
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; whether the connection may serve another."""
        head = await read_head(reader)
        try:
            plan = from_mark(head.headers.get(MARK, ""))
        except ValueError:
            self._fail(f"the upstream got a request without a plan: {head.first} {head.second}")
            return False
        body = await read_body(reader, head.headers, to_end=False)
        if not body.whole or body.data != body_of(plan):
            self._fail(f"{plan.mark}: the upstream got {len(body.data)} bytes, whole: {body.whole}")
        if head.second != plan.path or head.first != plan.kind.method:
            self._fail(f"{plan.mark}: the upstream was asked for {head.first} {head.second}")
        return await self._answer(plan, head, reader, writer)

    async def _answer(
        self, plan: Plan, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        kind = plan.kind
        if kind.name == "websocket":
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"%b: %b\r\n\r\n" % (ACCEPT, accept_of(head.headers.get("sec-websocket-key", "")))
            )
            await serve_echo(reader, writer)
            return False
        if kind.name == "reset-before":
            _reset(writer)
            return False
        if kind.name == "leave-early":
            # Nothing is said; the proxy must close the connection when its client leaves.
            if await reader.read(1):
                self._fail(f"{plan.mark}: bytes after a request")
            return False
        if kind.events and not kind.coding:
            return await self._stream(plan, writer)
        data = answer_of(plan)
        lines = [f"HTTP/1.1 {kind.status} {REASONS[kind.status]}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(data)}", f"request-id: req-{plan.number}"]
        lines += [f"Content-Encoding: {kind.coding}"] if kind.coding else []
        lines += ["retry-after: 7"] if kind.status == 429 else []
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if kind.method == "HEAD":
            return True
        if kind.name == "cut-sized":
            writer.write(data[: len(data) // 2])
            await writer.drain()
            return False
        for at in range(0, len(data), 1 << 18):
            writer.write(data[at : at + (1 << 18)])
            await writer.drain()
        return True

    async def _stream(self, plan: Plan, writer: asyncio.StreamWriter) -> bool:
        kind, framed = plan.kind, plan.kind.name != "no-length"
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nrequest-id: req-%d\r\n" % plan.number
            + (b"Transfer-Encoding: chunked\r\n\r\n" if framed else b"Connection: close\r\n\r\n")
        )
        events = events_of(plan)
        for at, event in enumerate(events):
            if kind.name in ("reset-inside", "cut-chunked") and at == len(events) // 2:
                await writer.drain()
                if kind.name == "reset-inside":
                    # What was written must reach the proxy before the reset overtakes it.
                    await asyncio.sleep(0.05)
                    _reset(writer)
                return False
            if kind.name == "stall" and at == 3:
                await writer.drain()
                await asyncio.sleep(self._stall)
            writer.write(b"%x\r\n%b\r\n" % (len(event), event) if framed else event)
            if kind.gap:
                await writer.drain()
                await asyncio.sleep(kind.gap)
        if framed:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return framed


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = cast(socket.socket, writer.get_extra_info("socket"))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
