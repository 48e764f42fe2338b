"""A relay on loopback that counts what goes over the wire to object storage, in both directions."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

__all__ = ["Metered", "counted", "wire"]

Meter = Callable[[], int]
_METHODS = (b"GET /", b"PUT /", b"POST /", b"HEAD /", b"DELETE /")
_DEAR = (b"PUT /", b"POST /")


class Metered(NamedTuple):
    """What went through so far: requests, bytes in both directions, and those requests that write or list,
    which object storage asks more for."""

    requests: int
    bytes: int
    dear: int


@contextmanager
def wire(url: str | None) -> Iterator[tuple[str | None, Meter]]:
    """`url` with its http endpoint led through the relay, and the bytes so far; the same URL, and 0, where it
    has no such endpoint. TLS is not looked into.
    """
    with counted(url) as (through, meter):
        yield through, lambda: meter().bytes if meter is not None else 0


@contextmanager
def counted(url: str | None) -> Iterator[tuple[str | None, Callable[[], Metered] | None]]:
    """The same with the requests and bytes so far; without a meter where there is nothing to be counted."""
    options = dict(parse_qsl(urlsplit(url or "").query))
    endpoint = urlsplit(options.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL", ""))
    if url is None or endpoint.scheme != "http" or not endpoint.hostname:
        yield url, None
        return
    relay = _Relay(endpoint.hostname, endpoint.port or 80)
    try:
        parts = urlsplit(url)
        query = urlencode({**options, "endpoint": f"http://127.0.0.1:{relay.port}"})
        through = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
        yield through, lambda: Metered(relay.requests, relay.count, relay.dear)
    finally:
        relay.close()


class _Relay:
    """Passes bytes on as they come, in a thread of its own."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.to = host, port
        self.count = self.requests = self.dear = 0
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def close(self) -> None:
        """Stop; connections that are open break."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far, on = await asyncio.open_connection(self.host, self.to)
            await asyncio.gather(self._pass(near, on), self._pass(far, back))

    async def _pass(self, given: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await given.read(65536):
                self.count += len(data)
                self.requests += data.startswith(_METHODS)  # a client sends one after the other's answer
                self.dear += data.startswith(_DEAR) or _lists(data)
                to.write(data)
                await to.drain()
        to.close()


def _lists(data: bytes) -> bool:
    return data.startswith(b"GET /") and b"list-type=" in data.partition(b"\r\n")[0]
