"""News for pages that are open: server-sent events that say what changed, not how (WHATWG HTML, section
9.2).

While a page is open the marks of what is stored are looked at every two seconds: the number of the last
change of the sessions, the end of the journal, the last entries of the hubs' logs, what `up` noted, the
cycles. While none is open nothing is looked at.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from skillclaw.server.hubs.polling import read_polls
from skillclaw.web.site.ask import BROWSER, SITE

__all__ = ["TOPICS", "News"]

TOPICS = ("sessions", "hub", "run", "jobs", "traffic")
"""What an event is about: sessions of this machine; a hub; what runs here; a job begun in the dashboard; what
the proxy recorded."""
LOOK = 2.0
READERS = 20
HEARTBEAT = 15.0

Marks = Mapping[str, object]


class News:
    """The open pages of one dashboard."""

    def __init__(self) -> None:
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
            self._events(request.scope[SITE].house.home),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    async def _events(self, home: Path) -> AsyncIterator[str]:
        self._readers += 1
        try:
            yield "retry: 3000\n: hello\n\n"
            before = await anyio.to_thread.run_sync(_marks, home)
            last = time.monotonic()
            while not self._closing:
                await anyio.sleep(LOOK / 4 if self._closing else LOOK)
                now = await anyio.to_thread.run_sync(_marks, home)
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


def _marks(home: Path) -> Marks:
    return {
        "sessions": _cursor(home / "sessions.db"),
        "hub": (_newest(home / "hub" / "log"), _stamp(home / "hubs.json"), _polled(home)),
        "run": (
            *(_stamp(home / name) for name in ("run/up.json", "consent.json", "connections.json")),
            _newest(home / "cycles"),
        ),
        "jobs": _newest(home / "dashboard" / "jobs"),
        "traffic": _written(home / "journal"),
    }


def _cursor(path: Path) -> object:
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as db:
            return db.execute("SELECT changes FROM counter").fetchone()
    except sqlite3.Error:
        return None


def _stamp(path: Path) -> object:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


def _polled(home: Path) -> object:
    """The last entries of the logs of all hubs, as `up` and `sync` saw them."""
    return sorted((name, one.seq) for name, one in read_polls(home).items())


def _written(folder: Path) -> object:
    """What changes when the proxy has recorded something."""
    return max(((one.name, _stamp(one)) for one in folder.glob("*.seg")), default=None)


def _newest(folder: Path) -> object:
    """What changes when a file comes into the folder, or goes."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
