"""One request through the proxy: to the upstream and back, each byte as it came, as soon as it came."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp

from skillclaw.proxy import heads
from skillclaw.proxy.counts import GONE
from skillclaw.proxy.ended import bad_body
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import (
    BadMessageError,
    Chunks,
    Framing,
    RequestHead,
    ResponseHead,
    Sized,
    ToTheEnd,
    response_head,
    unfinished,
)
from skillclaw.proxy.record import Draft
from skillclaw.proxy.tunnel import Tunnel
from skillclaw.proxy.upstream import Back, Upstream, explain

if TYPE_CHECKING:
    from skillclaw.proxy.front import Front

__all__ = ["GONE", "WHOLE", "Passage"]

WHOLE = 1 << 20
"""Request bodies up to this many bytes are sent on in one piece, longer and chunked ones as they come."""
JOIN = 1 << 16
"""Pieces up to this many bytes are joined with what goes before them: a copy is cheaper than a write."""
STALE = 1.0
"""A kept connection that ends within this many seconds of a request, with no byte of an answer, was being
closed by the upstream while the request went out: it is asked once more, on a new one (RFC 9112 9.3.1)."""
_AS_IT_IS, _PLAIN, _CHUNKED = range(3)
"""What becomes of an answer's framing: nothing; none, for an HTTP/1.0 agent; chunked, where it had none."""
INTERIM = 100
"""Interim answers to one request; more are no answer."""


class Passage:
    """A request between its agent (`front`) and its upstream (`back`).

    Nothing here waits: each event of one side ends in a write to the other, and a side that takes no more
    stops the other from being read.
    """

    __slots__ = (
        "_again",
        "_asked",
        "_back",
        "_buffer",
        "_connecting",
        "_draft",
        "_framing",
        "_front",
        "_head",
        "_held",
        "_interim",
        "_recode",
        "_sent",
        "_streamed",
        "_target",
        "_unkept",
        "_uploaded",
        "_upstream",
    )

    def __init__(self, front: Front, head: RequestHead, upstream: Upstream, agent: str, rest: str) -> None:
        self._front = front
        self._head = head
        self._upstream = upstream
        self._target = upstream.target(rest)
        self._draft = Draft(agent, head.method, rest, head.fields.lines, head.fields.size)
        self._back: Back | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._held: list[bytes] = []
        self._sent = self._asked = 0.0
        self._interim = 0
        self._uploaded = self._again = self._unkept = False
        self._buffer = b""
        self._framing: Framing | None = None
        self._recode = _AS_IT_IS
        # A body that waits for leave (Expect), or is long, goes as it comes; others in one piece, which can
        # be repeated.
        fields = head.fields
        self._streamed = fields.chunked or (fields.length or 0) > WHOLE or (fields.expect and head.new)
        if self._streamed:
            front.stop_reading()
            self._connect()

    # --- the agent's side

    def upload(self, piece: bytes, payload: bytes, last: bool) -> None:
        """Bytes of the request's body: `piece` goes on, `payload` is recorded."""
        if payload:
            self._draft.keep(payload, self._draft.request_chunks)
        self._uploaded = last
        if self._streamed and self._back is not None:
            self._back.transport.write(piece)
            self._sent = time.monotonic()
            return
        if piece:
            self._held.append(piece)
        if last and not self._streamed:
            self._connect()

    def bad_upload(self, why: str) -> None:
        """The request's body is no HTTP: half of one must not look whole, and nobody would answer it."""
        self.fail(bad_body(why))

    def gone(self) -> None:
        """The agent closed its connection: nobody waits for the answer."""
        self._end(GONE)

    def hold_answer(self) -> None:
        """The agent reads slower than the upstream sends."""
        if self._back is not None:
            self._back.transport.pause_reading()

    def let_answer(self) -> None:
        """It has caught up."""
        if self._back is not None:
            self._back.transport.resume_reading()

    def fail(self, failure: Failure) -> None:
        """Give up: with an answer of the proxy's own if there is none yet, else by breaking off."""
        self._end(failure.text)
        if self._framing is None:
            self._front.refuse(self._head, failure, drop=not self._uploaded)
        else:
            self._front.cut(reset=self._looks_whole)

    @property
    def resting(self) -> bool:
        """Never: a request is under way."""
        return False

    @property
    def waits_since(self) -> float:
        """When the upstream had the whole request (`time.monotonic`), while it answers nothing; else 0."""
        return self._sent if self._uploaded and self._framing is None else 0.0

    # --- to the upstream

    def _connect(self) -> None:
        self._asked = time.perf_counter()
        # What goes as it comes cannot be asked again, so that it takes no connection that may be closing.
        back = self._upstream.take(STALE) if self._streamed else self._upstream.take()
        if back is not None:
            self._send(back)
        else:
            self._connecting = asyncio.get_running_loop().create_task(self._new())

    async def _new(self) -> None:
        try:
            back = await self._upstream.connect()
            self._connecting = None
            self._send(back)
        except Exception as error:  # whatever it is, the agent gets an answer
            self._connecting = None
            self.fail(explain(error, self._upstream))

    def _send(self, back: Back) -> None:
        self._back = back
        back.reader = self
        self._sent = time.monotonic()
        upstream, held = self._upstream, self._held
        head = heads.request_head(
            self._head,
            self._target,
            upstream.host,
            proxy_auth=upstream.proxy_auth,
            upgrade=self._head.upgrades,
        )
        if not held:
            back.transport.write(head)
        elif len(held) == 1 and len(held[0]) > JOIN:
            back.transport.write(head)
            back.transport.write(held[0])
        else:
            back.transport.write(b"".join((head, *held)))
        if self._streamed:
            self._held = []
            if not back.withheld:
                self._front.read_on()
        if not self._again:
            draft = self._draft
            draft.added, draft.kept_connection = time.perf_counter() - self._asked, back.used > 0

    # --- the upstream's side (`upstream.Reader`)

    def hold(self) -> None:
        """The upstream takes no more of the request for now."""
        self._front.stop_reading()

    def go_on(self) -> None:
        """It takes more again."""
        self._front.read_on()

    def answer(self, data: bytes) -> None:
        """Bytes of the answer."""
        try:
            if self._framing is None:
                self._read_head(data)
            else:
                self._pass(b"", data, self._framing)
        except BadMessageError as error:
            self._broken(error)

    def _read_head(self, data: bytes) -> None:
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        at = 0
        while True:
            end = data.find(b"\r\n\r\n", at) + 4
            if end < 4:
                self._buffer = data[at:]
                unfinished(self._buffer, b"HTTP/1.")
                return
            head = response_head(data[at:end])
            if head.status >= 200:
                self._begin(head, data[end:])
                return
            if head.status == 101:
                self._change(head, data[end:])
                return
            self._interim += 1
            if self._interim > INTERIM:
                raise BadMessageError("There are too many interim answers.")
            # Interim answers are the agent's, if it can tell them from the final one; 100 only if it asked
            # for it.
            if self._head.new and (head.status != 100 or self._head.fields.expect):
                self._front.write(data[at:end])
            at = end

    def _begin(self, head: ResponseHead, rest: bytes) -> None:
        """The final head of the answer, and what came with it."""
        draft, fields, asked = self._draft, head.fields, self._head
        draft.answered()
        draft.status, draft.response_lines = head.status, fields.lines
        self._unkept = fields.close
        close = self._front.last or asked.fields.close or not self._uploaded
        coding = b""
        framing: Framing
        if asked.method == "HEAD" or head.status in heads.NO_BODY:
            framing = Sized(0)
        elif fields.chunked:
            framing = Chunks()
            if asked.new:
                coding = fields.codings
            else:
                self._recode = _PLAIN
                close = True
        elif fields.length is not None:
            framing = Sized(fields.length)
        else:
            framing = ToTheEnd()
            if asked.new:
                # The agent's connection can be kept, and a break be told from an end, with a framing of ours.
                coding = fields.codings + b", chunked" if fields.codings else b"chunked"
                self._recode = _CHUNKED
            else:
                close = True
        self._framing = framing
        self._buffer = b""
        self._front.closing = close
        draft.size += fields.size
        upgrade = head.status == 426 and bool(fields.upgrade)
        own = heads.response_head(head, coding=coding, close=close, upgrade=upgrade)
        self._pass(own, rest, framing)

    def _pass(self, head: bytes, data: bytes, framing: Framing) -> None:
        """Pass on a piece of the body, after the head if that is still to go; end where the body ends."""
        broken: BadMessageError | None = None
        try:
            end = framing.feed(data)
        except BadMessageError as error:
            # What came before is the agent's all the same.
            end, broken, data = -1, error, data[: error.good]
        more = 0 <= end < len(data)
        if more:
            data = data[:end]
        payload = framing.taken() if isinstance(framing, Chunks) else data
        if payload:
            self._draft.keep(payload, self._draft.response_chunks)
        if self._recode is _PLAIN:
            data = payload
        elif self._recode is _CHUNKED and data:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if head:
            data = head + data
        if data:
            self._front.write(data)
        if broken is not None:
            self._broken(broken)
        elif end >= 0:
            self._done(kept=not more)

    def lost(self, error: Exception | None) -> None:
        """The upstream's connection ended, in order or not."""
        back, self._back = self._back, None
        if isinstance(self._framing, ToTheEnd) and error is None:
            if self._recode is _CHUNKED:
                self._front.write(b"0\r\n\r\n")
            self._done(kept=False)
        elif self._framing is None and back is not None and self._is_stale(back):
            self._again = True
            self._front.read_on()  # the lost connection may have held it back
            self._connecting = asyncio.get_running_loop().create_task(self._new())
        else:
            self._broken(error or aiohttp.ServerDisconnectedError("the connection was closed"))

    def _is_stale(self, back: Back) -> bool:
        fresh = bool(back.used) and time.monotonic() - self._sent < STALE
        return fresh and not (self._buffer or self._streamed or self._again or self._interim)

    def _broken(self, error: Exception) -> None:
        """The upstream sent no answer, or not all of it."""
        if self._framing is None:
            self.fail(explain(error, self._upstream))
        else:
            self.fail(Failure(502, f"the upstream broke the answer off: {error}"))

    @property
    def _looks_whole(self) -> bool:
        """Whether what was sent would look like a whole answer if the agent's connection closed in order."""
        return self._recode is _PLAIN or (isinstance(self._framing, ToTheEnd) and self._recode is _AS_IT_IS)

    # --- the end

    def _change(self, head: ResponseHead, rest: bytes) -> None:
        """The upstream changes to another protocol: from here on bytes pass both ways."""
        back = self._back
        if not self._head.upgrades or back is None:
            raise BadMessageError("The answer changes to a protocol that nobody asked for.")
        draft = self._draft
        draft.answered()
        draft.status, draft.response_lines = head.status, head.fields.lines
        self._back = None
        tunnel = Tunnel(self._front, back, draft)
        # The tunnel first: what is written from here on may already have to hold its upstream back.
        self._front.changed(tunnel)
        self._front.write(heads.response_head(head, coding=b"", close=False, upgrade=True))
        if rest:
            tunnel.answer(rest)

    def _done(self, *, kept: bool) -> None:
        """The answer is whole."""
        back, self._back = self._back, None
        if back is not None:
            if kept and self._uploaded and not self._unkept:
                if self._front.withheld:
                    back.transport.resume_reading()
                self._upstream.give(back)
            else:
                back.close()
        draft = self._draft
        draft.complete = True
        draft.ended()
        self._front.keep(draft)
        self._front.answered(drop=not self._uploaded)

    def _end(self, error: str) -> None:
        """The exchange ends unfinished."""
        if self._connecting is not None:
            self._connecting.cancel()
        back, self._back = self._back, None
        if back is not None:
            back.close()
        draft = self._draft
        draft.error = draft.error or error
        draft.ended()
        self._front.keep(draft)
