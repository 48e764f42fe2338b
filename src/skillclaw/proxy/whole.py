"""Requests that are read whole before they are answered: those of configured upstreams."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from skillclaw.proxy import heads
from skillclaw.proxy.asked import Answer, Asked, RawHeaders
from skillclaw.proxy.ended import bad_body
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import HOP_BY_HOP, RequestHead, split
from skillclaw.proxy.passage import GONE
from skillclaw.proxy.record import Draft

if TYPE_CHECKING:
    from skillclaw.proxy.front import Front

__all__ = ["LARGEST_REQUEST", "TOO_LARGE", "Whole"]

log = logging.getLogger("skillclaw.proxy")
LARGEST_REQUEST = 64 << 20
"""Bytes of a request that is held in memory; providers take half of that at most."""
TOO_LARGE = Failure(413, "The request is too large.", f"It has more than {LARGEST_REQUEST >> 20} MB.")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SET = HOP_BY_HOP | {b"content-length"}
"""Headers of an answer that this side's framing decides."""
_BREAKS = re.compile(rb"[\r\n\x00]+")
"""What may stand in no line of a head (RFC 9110 section 5.5)."""


class Whole:
    """A request that is gathered, then given to `answer`; also the way back (`asked.Answer`).

    `known` False: the agent showed no token, so that nothing of its body is held. `url`: its upstream, where
    that is not the agent's common one.
    """

    def __init__(
        self,
        front: Front,
        head: RequestHead,
        agent: str,
        rest: str,
        answer: Callable[[Asked, Answer], Awaitable[None]],
        *,
        known: bool = True,
        url: str = "",
    ) -> None:
        self._front = front
        self._asked = head
        self._answer = answer
        self._known = known
        self._url = url
        self._draft = Draft(agent, head.method, rest, head.fields.lines, head.fields.size)
        self._body: list[bytes] = []
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._begun = self._over = self._chunked = self._framed = False
        self._free = asyncio.Event()
        self._free.set()
        if head.fields.expect and head.new:
            front.write(CONTINUE)

    # --- the agent's side (`front.Handler`)

    def upload(self, piece: bytes, payload: bytes, last: bool) -> None:
        """Bytes of the request's body."""
        self._size += len(payload)
        if self._size > LARGEST_REQUEST:
            self._give_up(TOO_LARGE, read=last)
            return
        if payload and self._known:
            self._body.append(payload)
        if last:
            body = b"".join(self._body)
            for piece in self._body:  # of one that is too large to be kept the beginning is
                self._draft.keep(piece, self._draft.request_chunks)
            draft, asked = self._draft, self._asked
            headers = split(asked.fields.lines)
            request = Asked(draft.agent, asked.method, draft.path, headers, body, self._known, self._url)
            self._task = asyncio.get_running_loop().create_task(self._run(request))

    def bad_upload(self, why: str) -> None:
        """The body is no HTTP."""
        self._give_up(bad_body(why), read=False)

    def gone(self) -> None:
        """The agent closed the connection."""
        self._finish(GONE)

    def hold_answer(self) -> None:
        """The agent takes no more for now."""
        self._free.clear()

    def let_answer(self) -> None:
        """It takes more again."""
        self._free.set()

    def fail(self, failure: Failure) -> None:
        """A phase took too long."""
        self._give_up(failure, read=False)

    @property
    def resting(self) -> bool:
        """Never: a request is under way."""
        return False

    @property
    def waits_since(self) -> float:
        """0: configured upstreams have limits of their own."""
        return 0.0

    # --- the way back (`asked.Answer`)

    def head(self, status: int, reason: str, headers: RawHeaders, length: int | None) -> None:
        """Send the head of the answer."""
        self._begun = True
        lines = [
            _BREAKS.sub(b" ", name + b": " + value) for name, value in headers if name.lower() not in _SET
        ]
        empty = self._asked.method == "HEAD" or status in heads.NO_BODY
        self._chunked = length is None and not empty and self._asked.new
        self._framed = self._chunked or length is not None
        close = self._front.last or self._asked.fields.close
        if length is None and not empty and not self._asked.new:
            close = True
        own = []
        if self._chunked:
            own.append(b"Transfer-Encoding: chunked")
        elif length is not None and status not in heads.NO_BODY:
            own.append(b"Content-Length: %d" % length)
        if close:
            own.append(b"Connection: close")
        self._front.closing = close
        draft = self._draft
        draft.answered()
        draft.status, draft.response_lines = status, lines
        start = _BREAKS.sub(b" ", f"HTTP/1.1 {status} {reason}".encode("latin-1", "replace"))
        self._front.write(b"\r\n".join((start, *lines, *own, b"", b"")))

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; ConnectionError when the agent is gone."""
        if not data:
            return
        if self._over:
            raise ConnectionResetError(GONE)
        self._draft.keep(data, self._draft.response_chunks)
        if self._asked.method != "HEAD":
            self._front.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        await self._free.wait()

    def end(self) -> None:
        """The body is whole."""
        if self._over:
            return
        if self._chunked:
            self._front.write(b"0\r\n\r\n")
        self._draft.complete = True
        self._finish("")
        self._front.answered(drop=False)

    def cut(self, why: str) -> None:
        """Break off."""
        if self._over:
            return
        self._finish(why)
        self._front.cut(reset=not self._framed)

    # --- the end

    async def _run(self, request: Asked) -> None:
        try:
            await self._answer(request, self)
        except ConnectionError as error:
            self._give_up(Failure(502, "SkillClaw's proxy got no answer.", str(error)), read=True)
        except Exception:
            log.exception("a request of %s could not be answered", request.agent)
            self._give_up(Failure(500, "SkillClaw's proxy failed.", "See its log."), read=True)
        else:
            if not self._over:
                self._give_up(Failure(500, "SkillClaw's proxy gave no whole answer."), read=True)

    def _give_up(self, failure: Failure, *, read: bool) -> None:
        if self._over:
            return
        self._finish(failure.text)
        if self._begun:
            self._front.cut(reset=not self._framed)
        else:
            self._front.refuse(self._asked, failure, drop=not read)

    def _finish(self, error: str) -> None:
        self._over = True
        self._free.set()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._draft.error = error
        self._draft.ended()
        self._front.keep(self._draft)
