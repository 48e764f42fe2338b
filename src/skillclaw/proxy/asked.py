"""What a request and its answer are to code that handles whole requests: configured upstreams.

Pass-through does not come this way; it moves bytes between two sockets (front.py, back.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["Answer", "Asked", "RawHeaders"]

RawHeaders = Sequence[tuple[bytes, bytes]]
"""Headers as they stood on the wire: order, case and repetitions kept."""


class Asked(msgspec.Struct, frozen=True):
    """A whole request of an agent.

    rest   path and query below the agent's prefix, as written; begins with `/`
    body   all of it, with its content encoding still on, without transfer coding
    known  whether the agent showed its token, where it needs one; the body of others is not kept
    url    base URL of its upstream where it has one apart from the agent's; empty for the agent's
    """

    agent: str
    method: str
    rest: str
    headers: RawHeaders
    body: bytes
    known: bool = True
    url: str = ""


class Answer(Protocol):
    """The way back to the agent. What goes through it is recorded as the exchange's response."""

    def head(self, status: int, reason: str, headers: RawHeaders, length: int | None) -> None:
        """Send the head, once. `length` None: the body is framed by chunked coding. Hop-by-hop headers,
        Content-Length and Transfer-Encoding among `headers` are left out and set from `length`.
        """

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; waits while the agent reads slowly. ConnectionError when it is gone."""

    def end(self) -> None:
        """The body is whole."""

    def cut(self, why: str) -> None:
        """The body stays unfinished: the agent sees its connection break. `why` is recorded."""
