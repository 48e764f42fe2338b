"""Thousands of connections of one process: what they ask, what they get, and what the other side needs."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import psutil

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MB = 1 << 20

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def many_files(wanted: int) -> Iterator[int]:
    """With as many open files as `wanted`, if the system lets this user have them; how many there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        with suppress(ValueError, OSError):  # root may raise it
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
    now = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = wanted if now == resource.RLIM_INFINITY else min(wanted, now)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), now))
    try:
        yield max(soft, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def answering(pause: float = 0.0) -> AsyncIterator[str]:
    """An upstream that says ok to each request after `pause` seconds; its URL."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if pause:
                    await asyncio.sleep(pause)
                writer.write(OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, backlog=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def connect(port: int, count: int, *, at_once: int = 200) -> list[Pair]:
    """`count` connections; each was accepted by the system at least."""
    made: list[Pair] = []
    while len(made) < count:
        some = min(at_once, count - len(made))
        made += await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(some)))
    return made


async def ask(pair: Pair, path: str = "/a/x") -> float:
    """Seconds until the whole answer was there; AssertionError when it is not that of `answering`."""
    reader, writer = pair
    began = time.monotonic()
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert await reader.readexactly(2) == b"ok"
    return time.monotonic() - began


async def ask_all(pairs: list[Pair], at_once: int) -> list[float]:
    """All of them, so many at a time; how long each took."""
    gate = asyncio.Semaphore(at_once)

    async def one(pair: Pair) -> float:
        async with gate:
            return await ask(pair)

    return list(await asyncio.gather(*(one(pair) for pair in pairs)))


async def fresh(port: int) -> float:
    """Seconds that a new client needs for one request."""
    pair = (await connect(port, 1))[0]
    try:
        return await ask(pair)
    finally:
        pair[1].close()


def hang_up(pairs: list[Pair]) -> None:
    """Close them all."""
    for _, writer in pairs:
        writer.close()


@dataclass(frozen=True)
class Use:
    """What a process has: memory in MB, open files, seconds of processor time so far."""

    mb: float
    files: int
    cpu: float


def use_of(pid: int) -> Use:
    """Now."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    return Use(process.memory_info().rss / MB, process.num_fds(), times.user + times.system)
