"""News of a group's log over server-sent events: who listens need not wait for the next poll.

One path, `GET /v1/groups/<group id>/events` with `Authorization: Bearer <token>`. An event `log` with
`{"seq": n}` says that entry n is there; nothing else is told, and who hears it still reads and checks the log
in the storage itself. Comments keep the connection alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from skillclaw.errors import SkillClawError, in_one_line

if TYPE_CHECKING:
    from skillclaw.hub import Hub

__all__ = ["News", "application", "watch"]

ALIVE = 20.0
"""Seconds between comments; a listener that hears none for three times as long connects anew."""
MOST = 10_000
"""Listeners at once."""


class News:
    """The last entry of one group's log, as far as it is known, and who waits for the next."""

    def __init__(self) -> None:
        self.seq = 0
        self.listeners = 0
        self._changed = asyncio.Event()

    def tell(self, seq: int) -> None:
        """Entry `seq` is there."""
        if seq > self.seq:
            self.seq = seq
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    async def after(self, seq: int, wait: float) -> int:
        """The last entry once it is later than `seq`, or after `wait` seconds what it is then."""
        changed = self._changed
        if self.seq <= seq:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), wait)
        return self.seq


def application(group: str, token: str, news: News) -> web.Application:
    """The server of one group's news."""

    async def events(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode()):
            raise web.HTTPUnauthorized(text="a member's machine knows the token\n")
        if request.match_info["group"] != group:
            raise web.HTTPNotFound(text="no such group\n")
        if news.listeners >= MOST:
            raise web.HTTPServiceUnavailable(text="too many listen\n")
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        news.listeners += 1
        try:
            told = -1
            while True:
                now = await news.after(told, ALIVE)
                line = f'event: log\ndata: {{"seq":{now}}}\n\n' if now > told else ": alive\n\n"
                told = now
                await response.write(line.encode())
        except (ConnectionError, asyncio.CancelledError):
            return response
        finally:
            news.listeners -= 1

    app = web.Application(client_max_size=1024)
    app.router.add_get("/v1/groups/{group}/events", events)
    return app


async def watch(hub: Hub, news: News, every: float, failed: Callable[[str], None]) -> None:
    """Read the log every so many seconds and tell `news`; `failed` hears, once, why it cannot be read."""
    told = ""
    while True:
        try:
            state = await asyncio.to_thread(hub.state)
        except SkillClawError as error:
            now = in_one_line(error)
            if now != told:
                failed(now)
            told = now
        else:
            told = ""
            news.tell(state.seq)
        await asyncio.sleep(every)
