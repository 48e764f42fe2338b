"""A server on loopback between proxies and the model that asks nothing twice.

A request with the same bytes as one before gets the same answer: the seed of the sampling stands in it, so
that it is the same question. Arms that were told the same, as all are on the first day, so do the same, and a
day that was stopped in its middle is soon there again. What was answered is kept in a file, one line each.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from skillclaw.errors import StorageError
from skillclaw.headless.agents import Endpoint
from skillclaw.trajectory.model import Record

__all__ = ["Remembering", "remembering"]

LARGEST = 64_000_000
"""Bytes of a request."""

DROPPED = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "keep-alive"}
)


class _Answer(Record, frozen=True, kw_only=True):
    """What was answered with status 200: the hash of what was asked, the kind of content, bytes in base64."""

    key: str
    kind: str
    body: str


class Remembering:
    """The server. `asked` requests came, `known` of them were answered from the file."""

    def __init__(self, upstream: Endpoint, file: Path) -> None:
        self.base_url = ""
        self.asked = 0
        self.known = 0
        self._upstream = upstream.base_url.rstrip("/")
        self._key = upstream.key
        self._file = file
        self._answers = _read(file)

    async def start(self) -> None:
        """Listen on a port of its own choice."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=True)
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("*", "/v1/{rest:.*}", self._handle)
        # A client that gives up must not leave the model writing for nobody.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def stop(self) -> None:
        """End all that is under way."""
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        rest = request.match_info["rest"]
        key = hashlib.sha256(f"{request.method} {rest}\0".encode() + body).hexdigest()
        self.asked += 1
        found = self._answers.get(key)
        if found is not None:
            self.known += 1
            return web.Response(body=base64.b64decode(found.body), headers={"Content-Type": found.kind})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in DROPPED}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        url = f"{self._upstream}/{rest}"
        try:
            async with self._session.request(request.method, url, data=body, headers=headers) as answer:
                data = await answer.read()
                kind = answer.headers.get("Content-Type", "application/json")
                status = answer.status
        except (aiohttp.ClientError, OSError) as error:
            return web.json_response(
                {"error": {"message": f"the model could not be reached: {error}"}}, status=502
            )
        if status == 200 and request.method == "POST":
            self._keep(_Answer(key=key, kind=kind, body=base64.b64encode(data).decode("ascii")))
        return web.Response(status=status, body=data, headers={"Content-Type": kind})

    def _keep(self, answer: _Answer) -> None:
        self._answers[answer.key] = answer
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(answer) + b"\n")


@contextmanager
def remembering(upstream: Endpoint, file: Path) -> Iterator[Endpoint]:
    """An endpoint that leads to `upstream`, with the answers in `file`, until the end of the block.

    Raises StorageError where the file cannot be used, or no port can be listened on.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        server = Remembering(upstream, file)
    except OSError as error:
        raise StorageError(f"Cannot use {file}.", str(error), "Free space or mend permissions.") from error
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        try:
            asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        except OSError as error:
            raise StorageError("Cannot listen on 127.0.0.1.", str(error)) from error
        try:
            yield Endpoint(base_url=server.base_url, model=upstream.model)
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def _read(file: Path) -> dict[str, _Answer]:
    """The answers of a file; what was being written when the run was killed is asked again."""
    raw = file.read_bytes() if file.exists() else b""
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) < len(raw):
        os.truncate(file, len(whole))
    found: dict[str, _Answer] = {}
    for line in whole.splitlines():
        try:
            answer = msgspec.json.decode(line, type=_Answer)
        except msgspec.DecodeError:
            continue
        found[answer.key] = answer
    return found
