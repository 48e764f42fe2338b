"""The proxy's own pages that take more than a glance, `/metrics` and `/readyz`.

Each is made in a thread of its own, so that traffic does not wait for a disk; and one at a time, so that no
number of askers makes more of them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from skillclaw.proxy import heads
from skillclaw.proxy.ended import bad_body
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import RequestHead

if TYPE_CHECKING:
    from skillclaw.proxy.front import Front

__all__ = ["Asking", "Desk", "Page"]

log = logging.getLogger("skillclaw.proxy")
FRESH = 0.25
"""Seconds for which a page holds: many who ask do not keep the disk busy."""
LIMIT = 5.0
"""Seconds that a page may take."""
Page = tuple[int, bytes, str]
"""Status, body, media type."""


class Desk:
    """Pages by their paths. `asked` is how many requests wait for one."""

    def __init__(self, pages: dict[str, Callable[[], Page]]) -> None:
        self._pages = pages
        self._made: dict[str, tuple[float, Page]] = {}
        self._making: dict[str, asyncio.Future[Page]] = {}
        self.asked = 0

    def __contains__(self, path: str) -> bool:
        return path in self._pages

    async def page(self, path: str) -> Page:
        """The page, at most FRESH seconds old. Raises TimeoutError."""
        made = self._made.get(path)
        if made is not None and time.monotonic() - made[0] < FRESH:
            return made[1]
        making = self._making.get(path)
        if making is None:
            # Not the loop's own threads: names that are looked up may keep them all.
            making = self._making[path] = asyncio.get_running_loop().create_future()
            threading.Thread(
                target=self._make, args=(path, making.get_loop()), name="desk", daemon=True
            ).start()
        return await asyncio.wait_for(asyncio.shield(making), LIMIT)

    def _make(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        try:
            page = self._pages[path]()
        except Exception:
            log.exception("%s could not be made", path)
            page = (
                500,
                heads.error_body(Failure(500, "SkillClaw's proxy failed.", "See its log."), path),
                heads.JSON,
            )
        try:
            loop.call_soon_threadsafe(self._take, path, page)
        except RuntimeError:  # the loop has ended
            return

    def _take(self, path: str, page: Page) -> None:
        making = self._making.pop(path)
        if page[0] != 500:
            self._made[path] = (time.monotonic(), page)
        if not making.done():
            making.set_result(page)


class Asking:
    """A request for a page (`roles.Handler`)."""

    def __init__(self, front: Front, head: RequestHead, desk: Desk, path: str) -> None:
        self._front = front
        self._head = head
        self._desk = desk
        self._path = path
        self._task: asyncio.Task[None] | None = None
        self._over = False
        desk.asked += 1

    def upload(self, piece: bytes, payload: bytes, last: bool) -> None:
        """A body, which nobody needs."""
        if last:
            self._task = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        try:
            status, body, kind = await self._desk.page(self._path)
        except TimeoutError:
            self.fail(
                Failure(
                    503, "SkillClaw's proxy cannot tell.", f"No answer within {LIMIT:g} s, as of its disk."
                )
            )
            return
        if self._end():
            self._front.send(self._head, status, body, kind=kind)

    def bad_upload(self, why: str) -> None:
        """The body is no HTTP."""
        self.fail(bad_body(why), drop=True)

    def gone(self) -> None:
        """Nobody waits for it."""
        self._end()

    def hold_answer(self) -> None:
        """It is sent in one piece."""

    def let_answer(self) -> None:
        """As above."""

    def fail(self, failure: Failure, *, drop: bool = False) -> None:
        """Answer with an error."""
        if self._end():
            self._front.refuse(self._head, failure, drop=drop or self._task is None)

    def _end(self) -> bool:
        """False where it had ended before."""
        if self._over:
            return False
        self._over = True
        self._desk.asked -= 1
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        return True

    @property
    def resting(self) -> bool:
        """A stop need not wait for it."""
        return True

    @property
    def waits_since(self) -> float:
        """0: it has a limit of its own."""
        return 0.0
