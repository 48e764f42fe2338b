"""Server-sent events: what happens in the server, for those who look (WHATWG HTML, section 9.2).

A reader that comes back says the last id it saw. Readers are few and each has its own thread to wait in; one
that does not read what is sent is dropped, and can come back.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable

import anyio
import anyio.to_thread
from starlette.types import Receive, Scope, Send

from skillclaw.errors import SkillClawError
from skillclaw.server.api.errors import problem
from skillclaw.server.api.guard import ABORT
from skillclaw.server.api.service import Service
from skillclaw.server.serving.records import Event

__all__ = ["HEARTBEAT", "PATIENCE", "Stream", "Streams"]

READERS = 16
"""Readers at a time."""
HEARTBEAT = 15.0
"""Seconds between signs of life where nothing happens, so that proxies keep the connection."""
PATIENCE = 10.0
"""Seconds that a reader may take to make room for the next event."""
LOOK = 0.5
"""Seconds after which a waiting thread looks whether its reader is still there."""
RETRY = 3000
"""Milliseconds after which a reader should come back."""
_KIND = re.compile(r"[a-z-]{1,40}")


class Streams:
    """All readers of one server. `heartbeat` and `patience` in seconds."""

    def __init__(
        self,
        service: Service,
        *,
        readers: int = READERS,
        heartbeat: float = HEARTBEAT,
        patience: float = PATIENCE,
        dropped: Callable[[], None] = lambda: None,
    ) -> None:
        self.service = service
        self.heartbeat = heartbeat
        self.patience = patience
        self.dropped = dropped
        self.open = 0
        self.readers = readers
        self._closing = threading.Event()
        self._threads: anyio.CapacityLimiter | None = None

    def close(self) -> None:
        """Have every stream end."""
        self._closing.set()

    @property
    def closing(self) -> bool:
        """Whether the server ends."""
        return self._closing.is_set()

    async def wait(self, after: int, seconds: float) -> list[Event]:
        """What happened since; in a thread of the readers' own, so that they take none from requests."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(self.readers + 4)
        return await anyio.to_thread.run_sync(
            self.service.events, after, seconds, limiter=self._threads, abandon_on_cancel=True
        )


class Stream:
    """The answer to one reader that saw everything up to event `after`."""

    def __init__(self, streams: Streams, after: int, hub: str | None = None) -> None:
        self.streams = streams
        self.after = after
        self.hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader goes, is too slow, or the server ends."""
        if self.streams.open >= self.streams.readers or self.streams.closing:
            answer = problem(
                503, "Too many readers of events.", f"{self.streams.readers} may read at a time."
            )
            await answer(scope, receive, send)
            return
        self.streams.open += 1
        try:
            async with anyio.create_task_group() as group:

                async def watch() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                async def end() -> None:
                    while not self.streams.closing:
                        await anyio.sleep(LOOK / 4)
                    await anyio.sleep(2 * LOOK)  # in which a reader that reads is told the end
                    _cut(scope)
                    group.cancel_scope.cancel()

                group.start_soon(watch)
                group.start_soon(end)
                await self._send(scope, send)
                group.cancel_scope.cancel()
        finally:
            self.streams.open -= 1

    async def _send(self, scope: Scope, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if not await self._put(scope, send, f"retry: {RETRY}\n: hello\n\n"):
            return
        last = time.monotonic()
        while not self.streams.closing:
            try:
                found = await self.streams.wait(self.after, LOOK)
            except SkillClawError:
                await anyio.sleep(LOOK)
                continue
            text = "".join(_event(one) for one in found if self.hub in (None, one.data.get("hub")))
            if not text and time.monotonic() - last >= self.streams.heartbeat:
                text = ": still here\n\n"
            if found:
                self.after = max(one.id for one in found)
            if text:
                if not await self._put(scope, send, text):
                    return
                last = time.monotonic()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _put(self, scope: Scope, send: Send, text: str) -> bool:
        """Whether the reader took it in time; one that did not is cut off."""
        with anyio.move_on_after(self.streams.patience):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            return True
        self.streams.dropped()
        _cut(scope)
        return False


def _cut(scope: Scope) -> None:
    """End the connection of a reader, whatever it has not read."""
    abort = scope.get(ABORT)
    if abort is not None:
        abort()


def _event(one: Event) -> str:
    kind = one.kind if _KIND.fullmatch(one.kind) else "other"
    # JSON writes line ends in strings as escapes, so that data is one line.
    data = json.dumps({"time": one.time, "group": one.group, "data": one.data})
    return f"id: {one.id}\nevent: {kind}\ndata: {data}\n\n"
