"""A connection of the API that does not wait for ever: uvicorn's own sets a request's head no limit of time.

Without one, connections that send nothing, or half a head, take all places, with no token needed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HEAD_SECONDS", "connection"]

HEAD_SECONDS = 10.0
"""In which a request's line and headers must have come; looked at so often, so twice as long at most."""
_NONE = object()
"""Stands for no request that was waited behind: before the first one `cycle` is None."""


def connection(seconds: float = HEAD_SECONDS) -> type[H11Protocol]:
    """The class of connections that wait so long for a head."""

    class Connection(H11Protocol):
        _last: Any = _NONE

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            """Begin to look at the clock."""
            super().connection_made(transport)
            self._look()

        def _look(self) -> None:
            if self.transport.is_closing():
                return
            waits = self.cycle is None or self.cycle.response_complete
            # The same request is the last one as at the last look, so no head came in between.
            if waits and self._last is self.cycle:
                self.transport.abort()
                return
            self._last = self.cycle if waits else _NONE
            self.loop.call_later(seconds, self._look)

    return Connection
