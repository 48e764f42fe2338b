"""A server on loopback that adds the API's key to what agents in rooms ask, so that no room has the key.

What an agent's own commands do in a room is as untrusted as the task: a key there could be printed, written
into a file, or come back in a session that skills are made from. The address has a random part, so that no
other program of this machine finds it; what repeats the key is told without it.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from skillclaw.errors import StorageError
from skillclaw.headless.bodies import whole
from skillclaw.headless.hiding import Hider
from skillclaw.headless.model import Endpoint

__all__ = ["key_holder"]

HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "trailer"})
OWN = frozenset({"host", "content-length", "authorization", "x-api-key", "accept-encoding"})
UNPACKED = frozenset({"content-length", "content-encoding"})
"""Of an answer: the session has unpacked it, so that nothing hides a repeated key."""
LARGEST = 64_000_000
"""Bytes of a request."""


@contextmanager
def key_holder(upstream: Endpoint) -> Iterator[Endpoint]:
    """An endpoint without a key that leads to `upstream` with its key, until the end of the block.

    The key goes in the header in which the client sends one of its own: `x-api-key`, else as a bearer.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    holder = _Holder(upstream)
    try:
        try:
            port = asyncio.run_coroutine_threadsafe(holder.start(), loop).result(30)
        except OSError as error:
            raise StorageError("Cannot listen on 127.0.0.1.", str(error)) from error
        yield Endpoint(base_url=f"http://127.0.0.1:{port}{holder.door}{holder.path}", model=upstream.model)
    finally:
        asyncio.run_coroutine_threadsafe(holder.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


class _Holder:
    def __init__(self, upstream: Endpoint) -> None:
        parts = urlsplit(upstream.base_url)
        self._origin, self._key = f"{parts.scheme}://{parts.netloc}", upstream.key
        self.door, self.path = f"/{secrets.token_urlsafe(24)}", parts.path.rstrip("/")
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> int:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, connect=30),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # A client that gives up must not leave the model writing for nobody.
        server = web.Server(self._handle, access_log=None, handler_cancellation=True, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._session is not None
        # `path` is decoded: a server may take `%2e%2e` for `..`, and so come to what stands beside the API.
        leads_out = not {".", ".."}.isdisjoint(request.path.replace("\\", "/").split("/"))
        inside = f"{request.path}/".startswith(f"{self.door}{self.path}/")
        if leads_out or not inside or not request.path_qs.startswith(self.door):
            return web.json_response({"error": {"message": "no such path"}}, status=404)
        body = await whole(request.content, LARGEST)
        if body is None:
            return web.json_response({"error": {"message": "too large"}}, status=413)
        headers = [(n, v) for n, v in request.headers.items() if n.lower() not in HOPS | OWN]
        if "x-api-key" in request.headers:
            headers.append(("x-api-key", self._key))
        else:
            headers.append(("Authorization", f"Bearer {self._key}"))
        url = URL(self._origin + request.path_qs.removeprefix(self.door), encoded=True)
        hider = Hider([self._key])
        response: web.StreamResponse | None = None
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=io.BytesIO(body) if body else None,
                allow_redirects=False,
            ) as answer:
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                for name, value in answer.headers.items():
                    if name.lower() not in HOPS | UNPACKED:
                        response.headers.add(name, hider.whole(value.encode()).decode("utf-8", "replace"))
                await response.prepare(request)
                async for part in answer.content.iter_any():
                    await response.write(hider.part(part))
                await response.write(hider.rest())
                await response.write_eof()
                return response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if response is not None and response.prepared:
                if request.transport is not None:
                    request.transport.close()  # the client is to see that it broke off
                return response
            said = f"the model's server could not be reached: {type(error).__name__}"
            return web.json_response({"error": {"message": said}}, status=502)
