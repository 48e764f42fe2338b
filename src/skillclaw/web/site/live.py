"""News for pages that are open: server-sent events that say what changed, not how (WHATWG HTML, section
9.2).

While a page is open the marks of what is stored are looked at every two seconds: the number of the last
change of the sessions, the last entry of the personal hub's log, what `up` noted, the cycles. While none is
open nothing is looked at.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from skillclaw.web.site.ask import BROWSER
from skillclaw.web.site.house import House

__all__ = ["TOPICS", "News"]

TOPICS = ("sessions", "hub", "run", "jobs")
"""What an event is about: sessions of this machine; a hub; what runs here; a job begun in the dashboard."""
LOOK = 2.0
READERS = 20
HEARTBEAT = 15.0

Marks = Mapping[str, object]


class News:
    """The open pages of one dashboard."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._readers = 0
        self._closing = False

    def close(self) -> None:
        """End every stream."""
        self._closing = True

    async def endpoint(self, request: Request) -> Response:
        """The stream for one page."""
        if request.scope.get(BROWSER) is None:
            return PlainTextResponse("Log in first.\n", 401)
        if self._readers >= READERS or self._closing:
            return PlainTextResponse("Too many pages are open.\n", 503)
        return StreamingResponse(
            self._events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    async def _events(self) -> AsyncIterator[str]:
        self._readers += 1
        try:
            yield "retry: 3000\n: hello\n\n"
            before = await anyio.to_thread.run_sync(self._marks)
            last = time.monotonic()
            while not self._closing:
                await anyio.sleep(LOOK / 4 if self._closing else LOOK)
                now = await anyio.to_thread.run_sync(self._marks)
                changed = [topic for topic in TOPICS if now[topic] != before[topic]]
                before = now
                if changed:
                    yield "".join(f"event: {topic}\ndata: \n\n" for topic in changed)
                    last = time.monotonic()
                elif time.monotonic() - last > HEARTBEAT:
                    yield ": still here\n\n"
                    last = time.monotonic()
        finally:
            self._readers -= 1

    def _marks(self) -> Marks:
        home = self.house.home
        return {
            "sessions": _cursor(home / "sessions.db"),
            "hub": (_newest(home / "hub" / "log"), _stamp(home / "hubs.json")),
            "run": (_stamp(home / "run" / "up.json"), _newest(home / "cycles")),
            "jobs": _newest(home / "dashboard" / "jobs"),
        }


def _cursor(path: Path) -> object:
    if not path.exists():
        return None
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1) as db:
            return db.execute("SELECT changes FROM counter").fetchone()
    except sqlite3.Error:
        return None


def _stamp(path: Path) -> object:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


def _newest(folder: Path) -> object:
    """What changes when a file comes into the folder, or goes."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
