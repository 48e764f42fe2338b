"""The agent's side: one connection, its requests one after the other."""

from __future__ import annotations

import asyncio
import re
import time
from typing import cast

from skillclaw.proxy import ended, heads, peer
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import (
    BadMessageError,
    Chunks,
    Framing,
    RequestHead,
    Sized,
    ToTheEnd,
    request_head,
    unfinished,
)
from skillclaw.proxy.record import Draft
from skillclaw.proxy.roles import Handler, Limits, Service
from skillclaw.proxy.upstream import keep_alive

__all__ = ["Front"]

LINGER = 2.0
"""Seconds that a connection is still read after an answer that came before the request's end: closing it with
unread bytes would reset it, and the agent might lose the answer (RFC 9112 section 9.6)."""
AHEAD = 1 << 16
"""Bytes of a next request that are taken while one is still answered."""
GONE = 0.05
"""Seconds after which an agent that seemed to read on is looked at again: one that is just closing its socket
sends the end before it lets go of it."""
SOON = 0.2
"""Seconds that a stop gives a request to come on a connection that was just made or answered."""
_TARGET = re.compile(rb"[A-Z]{1,20} ([^\x00-\x20\x7f]{1,4096})")


class Front(asyncio.Protocol):
    """One connection of an agent."""

    __slots__ = (
        "_ahead",
        "_body",
        "_buffer",
        "_half",
        "_handler",
        "_lingers",
        "_reads",
        "_service",
        "_since",
        "_stopped",
        "closing",
        "crowded",
        "transport",
        "withheld",
    )

    def __init__(self, service: Service) -> None:
        self._service = service
        self._handler: Handler | None = None
        self._body: Framing | None = None
        self._buffer = b""
        self._since = time.monotonic()
        self._lingers = self._stopped = self._ahead = self._half = False
        self._reads = True
        self.closing = False
        self.crowded = False
        self.withheld = False
        self.transport: asyncio.Transport

    # --- events of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A new connection."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        keep_alive(transport)
        last, sock = self._service.last_file, transport.get_extra_info("socket")
        self.crowded = sock is not None and 0 < last < sock.fileno()
        self._service.fronts.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The agent is gone."""
        self._service.fronts.discard(self)
        handler = self._handler
        if handler is not None:
            self._leave()
            handler.gone()

    def eof_received(self) -> bool:
        """The agent sends no more. Whether the connection stays: where an answer is under way to all that was
        asked, and the agent still reads."""
        if self._handler is None or self._body is not None or not peer.still_reads(self.transport):
            return False
        if not self._half:
            self._half = True
            asyncio.get_running_loop().call_later(GONE, self._end_unread)
        return True

    def _end_unread(self) -> None:
        """End a connection whose agent sends no more, if it has left since."""
        if not self.transport.is_closing() and not peer.still_reads(self.transport):
            self.transport.close()

    def pause_writing(self) -> None:
        """The agent reads slower than its answer comes."""
        self.withheld = True
        if self._handler is not None:
            self._handler.hold_answer()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.withheld = False
        if self._handler is not None:
            self._handler.let_answer()
        else:
            self._read_heads()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request: of its head, its body, or of the next one."""
        data = bytes(data)  # Windows' event loop gives a bytearray, which is no key of a dict
        if self._body is not None:
            self._since = time.monotonic()
            self._upload(data)
        elif self._handler is not None or self.withheld:
            self._next(data)
        elif not self._lingers:
            if not self._buffer:
                self._since = time.monotonic()
            self._buffer += data
            self._read_heads()

    # --- a request

    def _read_heads(self) -> None:
        """Take up the requests whose heads are here, until one is under way or answers go unread."""
        self._ahead = False
        self._read_or_not()
        while self._handler is None and not (self._lingers or self.withheld or self.transport.is_closing()):
            data = self._buffer
            if data.startswith(b"\r\n"):  # RFC 9112 2.2: old clients send one too many
                data = self._buffer = data.lstrip(b"\r\n")
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                try:
                    unfinished(data, b"")
                except BadMessageError as error:
                    self._bad(ended.bad_head(len(data), str(error)))
                else:
                    if self._half:  # the rest never comes
                        self._close(drop=False)
                return
            try:
                head = request_head(data[:end])
            except BadMessageError as error:
                self._bad(ended.bad_head(end, str(error)))
                return
            self._buffer = data[end:]
            self._begin(head)

    def _begin(self, head: RequestHead) -> None:
        service, fields = self._service, head.fields
        body: Framing = Chunks() if fields.chunked else Sized(fields.length or 0)
        data, self._buffer = self._buffer, b""
        try:
            end = body.feed(data)
        except BadMessageError as error:
            self._bad(ended.bad_body(str(error)))
            return
        if end < 0 and self._half:  # nor does the rest of a body
            self._close(drop=False)
            return
        # A body that nobody read would be taken for the next request.
        self.closing = end < 0
        handler = service.begin(self, head)
        if handler is None:
            self._buffer = data[end:] if end >= 0 else b""
            if self.closing:
                self._close(drop=end < 0)
            return
        self.closing = False
        self._handler = handler
        service.under_way += 1
        self._body = body
        self._give(data, end, body)

    def _upload(self, data: bytes) -> None:
        handler, body = self._handler, self._body
        assert handler is not None and body is not None
        try:
            end = body.feed(data)
        except BadMessageError as error:
            self.closing = True
            handler.bad_upload(str(error))
        else:
            self._give(data, end, body)

    def _give(self, data: bytes, end: int, body: Framing) -> None:
        """Bytes of the request's body, which ends at `end` of them, or not in them (-1)."""
        handler = self._handler
        assert handler is not None
        if end >= 0:
            self._body = None
            self._buffer = data[end:]
            data = data[:end]
        if data or end >= 0:
            handler.upload(data, body.taken() if isinstance(body, Chunks) else data, end >= 0)

    def _next(self, data: bytes) -> None:
        """A next request came while one is under way."""
        self._buffer += data
        if len(self._buffer) > AHEAD:
            self._ahead = True
            self._read_or_not()

    # --- what handlers say

    @property
    def busy(self) -> bool:
        """Whether something is under way that a stop should wait for."""
        return self._handler is not None and not self._handler.resting

    def awaited(self, now: float) -> bool:
        """Whether a request may be on its way (`now` of `time.monotonic`)."""
        return self._handler is None and now - self._since < SOON

    @property
    def last(self) -> bool:
        """Whether the connection ends after the answer that now begins."""
        return self._service.draining or (self._half and not self._buffer)

    def write(self, data: bytes) -> None:
        """Send bytes to the agent."""
        self.transport.write(data)

    def stop_reading(self) -> None:
        """Take no more of the request's body for now."""
        self._stopped = True
        self._read_or_not()

    def read_on(self) -> None:
        """Take more of it again."""
        if self._stopped:
            self._since = time.monotonic()
        self._stopped = False
        self._read_or_not()

    def _read_or_not(self) -> None:
        """Have the connection read unless its handler takes no more, or the next requests come too early."""
        reads = not (self._stopped or self._ahead)
        if reads is self._reads:
            return
        self._reads = reads
        if reads:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def keep(self, draft: Draft) -> None:
        """Record an exchange."""
        self._service.keep(draft)

    def changed(self, handler: Handler) -> None:
        """From here on `handler` has the connection, for good."""
        self._handler = handler
        self._body = ToTheEnd()
        self._ahead = False
        self._read_or_not()
        data, self._buffer = self._buffer, b""
        if data:
            handler.upload(data, data, False)

    def answered(self, *, drop: bool) -> None:
        """The answer was sent; `drop`: not all of its request was read."""
        self._leave()
        if drop or self.closing or self.last:
            self._close(drop=drop)
            return
        self._since = time.monotonic()
        if self._buffer:
            # Not now: the answer before this one is still being handled further up.
            asyncio.get_running_loop().call_soon(self._read_heads)

    def refuse(self, head: RequestHead, failure: Failure, *, drop: bool = False) -> None:
        """Answer with an error of the proxy's own, in the shape of the agent's protocol."""
        self._service.counts.refused(failure.status)
        body = heads.error_body(failure, head.target, head.fields.lines)
        self.send(head, failure.status, body, drop=drop)

    def send(
        self,
        head: RequestHead | None,
        status: int,
        body: bytes,
        *,
        drop: bool = False,
        kind: str = heads.JSON,
    ) -> None:
        """Answer with something of the proxy's own; `kind`: its media type."""
        under_way = self._handler is not None
        self.closing = self.closing or drop or self.last or head is None or head.fields.close
        if not self.transport.is_closing():
            only_head = head is not None and head.method == "HEAD"
            self.transport.write(
                heads.own_response(status, body, close=self.closing, head=only_head, kind=kind)
            )
        if under_way:
            self.answered(drop=drop)

    def cut(self, *, reset: bool) -> None:
        """End the connection amid an answer; `reset` where an end in order would make it look whole."""
        self._leave()
        self._since = time.monotonic()
        if not reset:
            self.transport.close()
            return
        peer.reset(self.transport)

    def end(self) -> None:
        """End the connection once all is sent."""
        self._leave()
        self._since = time.monotonic()
        self.transport.close()

    # --- the end

    def _leave(self) -> None:
        if self._handler is not None:
            self._handler = None
            self._service.under_way -= 1
        self._body = None
        self.read_on()

    def _bad(self, failure: Failure) -> None:
        """Answer what is no request, or none that is taken, as far as its first line says whose it is."""
        begin = _TARGET.match(self._buffer)
        self._buffer = b""
        body = heads.error_body(failure, begin[1].decode("latin-1") if begin else "")
        self.send(None, failure.status, body, drop=True)
        self._close(drop=True)

    def _close(self, *, drop: bool) -> None:
        self._since = time.monotonic()
        if not drop:
            self.transport.close()
            return
        self._lingers = True
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def stop(self) -> None:
        """The proxy ends: a request that is still under way is given up."""
        if self._handler is not None:
            self._handler.fail(ended.STOPPED)
        self.transport.close()

    def check(self, now: float, limits: Limits) -> None:
        """End what took too long (`now` of `time.monotonic`)."""
        if self._half:
            self._end_unread()
        waited = now - self._since
        handler = self._handler
        if self.transport.is_closing():
            if waited > limits.idle_timeout:  # it does not read what is still to go
                self.transport.abort()
        elif self._lingers:
            # An answer that is still being read is not cut for an upload that nobody wants.
            unread = self.transport.get_write_buffer_size()
            if waited > (limits.idle_timeout if unread else LINGER):
                self.transport.abort()
        elif handler is None and self.crowded:
            if waited > LINGER and not self.withheld:
                self._service.refused += 1
                self.transport.abort()
        elif handler is None:
            if self._buffer and not self.withheld:
                if waited > limits.head_timeout:
                    self._bad(ended.HEAD_LATE)
            elif waited > limits.idle_timeout or self._service.draining:
                self.transport.close()
        elif isinstance(self._body, ToTheEnd):
            return
        elif self._body is not None:
            if waited > limits.body_timeout:
                handler.fail(ended.nothing_moved(limits.body_timeout, upstream=self._stopped))
        elif (since := handler.waits_since) and now - since > limits.answer_timeout:
            handler.fail(ended.no_answer(limits.answer_timeout))
