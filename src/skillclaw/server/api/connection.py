"""A connection of the API that does not wait for ever: uvicorn's own sets no limit of time to a request's
head and none to who takes its answer.

Without one, connections that send nothing, or half a head, or ask and do not read, take all places, with no
token needed.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ANSWER_SECONDS", "HEAD_SECONDS", "LEAST", "connection"]

HEAD_SECONDS = 10.0
"""In which a request's line and headers must have come; looked at so often, so twice as long at most."""
ANSWER_SECONDS = 30.0
"""After which a reader that has not taken all that was written must have taken LEAST a second; looked at as
often as the head."""
LEAST = 4096
"""Bytes a second, from when something was left to take. A reader that keeps up, as of a stream of events,
starts anew each time."""
KERNEL = 128 * 1024
"""Bytes that the system may hold for a reader, who is seen to take bytes in steps of about that size. Linux
makes it twice as much, and by itself up to some MB, in steps too coarse to judge anybody by."""
_NONE = object()
"""Stands for no request that was waited behind: before the first one `cycle` is None."""


class _Counted:
    """A transport that counts what is written."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def connection(seconds: float = HEAD_SECONDS, answer: float = ANSWER_SECONDS) -> type[H11Protocol]:
    """The class of connections that wait so long for a head, and so for an answer to be taken."""

    class Connection(H11Protocol):
        _last: Any = _NONE
        _behind: tuple[float, int] | None = None
        """Since when something was left to take, and how much had been taken then."""
        _counted: _Counted
        _gone = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            """Begin to look at the clock."""
            self._counted = _Counted(transport)
            line = transport.get_extra_info("socket")
            if line is not None:
                with suppress(OSError):
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
            super().connection_made(cast(asyncio.Transport, self._counted))
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            """Look no more."""
            self._gone = True
            super().connection_lost(exc)

        def _look(self) -> None:
            # One that is to be closed once all is taken is looked at too: until then it has its place.
            if self._gone:
                return
            left = self._counted.get_write_buffer_size()
            waits = not left and (self.cycle is None or self.cycle.response_complete)
            # The same request is the last one as at the last look, so no head came in between.
            if self._is_slow(left) or (waits and self._last is self.cycle):
                self._counted.abort()
                return
            self._last = self.cycle if waits else _NONE
            self.loop.call_later(seconds, self._look)

        def _is_slow(self, left: int) -> bool:
            now, taken = self.loop.time(), self._counted.written - left
            if not left:
                self._behind = None
                return False
            since, before = self._behind = self._behind or (now, taken)
            return now - since >= answer and taken - before < LEAST * (now - since)

    return Connection
