"""The load: connections that ask again as soon as they are answered, and what one target made of it."""

from __future__ import annotations

import asyncio
import http.client
import math
import re
import time
from typing import cast

import psutil

from skillclaw.bench.proxybench.cases import Case, body_of
from skillclaw.bench.upstream import GAP, PACED
from skillclaw.errors import SkillClawError

__all__ = ["KEY", "Door", "cpu_of", "measure", "probe"]

KEY = "sk-bench-0123456789abcdef"
WARM = 0.3
"""Seconds of load before each measurement that do not count; each connection has been answered by then."""
PATIENCE = 30.0
"""Seconds that a target may take for one answer."""
STREAM = (PACED - 1) * GAP
"""Seconds that a paced stream takes at least."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
END = b"0\r\n\r\n"


class Door:
    """Where a target listens; `prefix` goes before the upstream's path, None when the model names it."""

    def __init__(self, port: int, prefix: str | None, process: psutil.Process | None) -> None:
        self.port = port
        self.prefix = prefix
        self.process = process

    def path(self, case: Case) -> str:
        """The path that `case` asks for here."""
        return case.path if self.prefix is None else f"{self.prefix}/{case.kind}{case.path}"

    def headers(self, case: Case) -> dict[str, str]:
        """What a client of the API sends."""
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {KEY}",
            "x-session-id": "bench",
            "User-Agent": "bench/1",
            "Accept": "*/*",
            "Content-Length": str(len(body_of(case))),
        }
        if case.path.endswith("/messages"):
            headers["anthropic-version"] = "2023-06-01"
        return headers


def probe(door: Door, case: Case) -> None:
    """Ask once and look at the answer: all events must be there. Raises SkillClawError."""
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=PATIENCE)
    try:
        connection.request("POST", door.path(case), body_of(case), door.headers(case))
        answer = connection.getresponse()
        body = answer.read()
    except OSError as error:
        raise SkillClawError("A target of the benchmark does not answer.", str(error)) from error
    finally:
        connection.close()
    data = body.count(b"data: {")
    if answer.status != 200 or data < case.events or (not case.events and b"word word" not in body):
        raise SkillClawError(
            f"A target of the benchmark does not do the work {case.name}.",
            f"status {answer.status}, {data} events: {body[:300].decode('utf-8', 'replace')}",
        )


async def measure(door: Door, case: Case, seconds: float) -> dict[str, float]:
    """Load one target for `seconds` and measure; times in ms, memory in MB (10**6 bytes)."""
    loop = asyncio.get_running_loop()
    lines = "".join(f"{name}: {value}\r\n" for name, value in door.headers(case).items())
    head = f"POST {door.path(case)} HTTP/1.1\r\n{lines}\r\n"
    request = head.encode("ascii") + body_of(case)
    clients = [_Client(request) for _ in range(case.concurrency)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", door.port)  # type: ignore[misc]  # bound now
    began = time.perf_counter()
    for at, client in enumerate(clients):
        if case.spread:
            await asyncio.sleep(max(0.0, began + at / case.concurrency * STREAM - time.perf_counter()))
        client.next()
    least = 0.0 if case.paced else min(WARM, seconds)
    while time.perf_counter() - began < least or not all(client.times or client.error for client in clients):
        if time.perf_counter() - began > PATIENCE:
            break
        await asyncio.sleep(0.02)
    for client in clients:
        client.times.clear()
    cpu = cpu_of(door.process)
    began = time.perf_counter()
    if case.paced:
        # Whole streams: with parts of them, a count would tell where the time ended.
        count = math.ceil(seconds / STREAM)
        while min(len(c.times) for c in clients) < count and time.perf_counter() - began < PATIENCE:
            await asyncio.sleep(0.005)
    else:
        await asyncio.sleep(seconds)
    took = time.perf_counter() - began
    used = cpu_of(door.process) - cpu
    times = [pair for client in clients for pair in client.times]
    rss = memory_of(door.process)
    for client in clients:
        client.stop()
    until = time.perf_counter() + PATIENCE
    while any(client.asking for client in clients) and time.perf_counter() < until:
        await asyncio.sleep(0.01)
    for client in clients:
        client.close()
    failed = [client.error for client in clients if client.error]
    if failed or not times:
        raise SkillClawError("The benchmark's load failed.", failed[0] if failed else "No request finished.")
    total = sorted(total for _, total in times)
    first = sorted(first for first, _ in times)
    return {
        "rps": len(times) / took,
        "p50_ms": _at(total, 0.5) * 1000,
        "p99_ms": _at(total, 0.99) * 1000,
        "ttfb_p50_ms": _at(first, 0.5) * 1000,
        "ttfb_p99_ms": _at(first, 0.99) * 1000,
        "cpu_ms": used / len(times) * 1000,
        "rss_mb": rss,
    }


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _family(process: psutil.Process | None) -> list[psutil.Process]:
    return [] if process is None else [process, *process.children(recursive=True)]


def cpu_of(process: psutil.Process | None) -> float:
    """Seconds of CPU that a process and its children have used; 0 without one."""
    return float(sum(t.user + t.system for t in (p.cpu_times() for p in _family(process))))


def memory_of(process: psutil.Process | None) -> float:
    """Resident MB (10**6 bytes) of a process and its children; 0 without one."""
    return float(sum(p.memory_info().rss for p in _family(process)) / 1e6)


class _Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered; times of first and last byte in seconds."""

    def __init__(self, request: bytes) -> None:
        self.times: list[tuple[float, float]] = []
        self.error = ""
        self.asking = False
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._tail = b""
        self._left = -1
        self._sent = self._first = 0.0
        self._stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to ask."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def next(self) -> None:
        """Ask once."""
        assert self._transport is not None
        self.asking = True
        self._head = self._tail = b""
        self._left = -1
        self._first = 0.0
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note the time; ask again when the answer is whole."""
        if not self._first:
            self._first = time.perf_counter()
        if self._left == -1:
            data = self._head + data if self._head else data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            if not data.startswith(b"HTTP/1.1 200"):
                self.error = data[:200].decode("latin-1")
                self.asking = False
                return
            length = LENGTH.search(data, 0, end + 2)
            # -2 stands for an answer in chunks.
            self._left = int(length[1]) if length else -2
            data = data[end + 4 :]
        if self._left == -2:
            if len(data) < len(END):
                data = self._tail + data
            if not data.endswith(END):
                self._tail = data[-len(END) :]
                return
        else:
            self._left -= len(data)
            if self._left > 0:
                return
        self.times.append((self._first - self._sent, time.perf_counter() - self._sent))
        self.asking = False
        if not self._stopped:
            self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that ends by itself is a failure."""
        if self.asking:
            self.asking = False
            self.error = self.error or f"the connection was closed: {exc}"

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()
