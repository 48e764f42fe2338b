"""What the proxy is measured against: the plainest forwarder of aiohttp's own objects; it records nothing."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
from aiohttp import web
from yarl import URL

__all__ = ["main"]

DROPPED = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "trailer"})


async def _serve(base: str) -> None:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.content.read()
            headers = [
                (name, value)
                for name, value in request.headers.items()
                if name.lower() not in DROPPED and name.lower() not in ("host", "content-length")
            ]
            url = URL(base + request.path_qs, encoded=True)
            async with session.request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                for name, value in answer.headers.items():
                    if name.lower() not in DROPPED:
                        response.headers.add(name, value)
                await response.prepare(request)
                async for part in answer.content.iter_any():
                    await response.write(part)
                await response.write_eof()
                return response

        server = web.Server(handle, access_log=None)
        listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, backlog=1024)
        print(f"ready {listener.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201  its starter reads it
        await listener.serve_forever()


def main(argv: list[str]) -> None:
    """Forward to the base URL given, until killed; prints `ready PORT`."""
    if sys.platform != "win32":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(argv[0]))
    else:
        asyncio.run(_serve(argv[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
