"""What the parts of the proxy are to each other: who handles a request, for how long, who records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from skillclaw.proxy.counts import Counts
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import RequestHead
from skillclaw.proxy.record import Draft

if TYPE_CHECKING:
    from skillclaw.proxy.front import Front

__all__ = ["Handler", "Limits", "Service"]


class Handler(Protocol):
    """What a request is handed to."""

    def upload(self, piece: bytes, payload: bytes, last: bool) -> None:
        """Bytes of the body with their framing, and without it; `last` once it is whole."""

    def bad_upload(self, why: str) -> None:
        """The body is no HTTP."""

    def gone(self) -> None:
        """The agent closed the connection."""

    def hold_answer(self) -> None:
        """The agent takes no more for now."""

    def let_answer(self) -> None:
        """It takes more again."""

    def fail(self, failure: Failure) -> None:
        """A phase took too long."""

    @property
    def resting(self) -> bool:
        """Whether nobody loses anything if the connection ends now."""

    @property
    def waits_since(self) -> float:
        """When the wait for the first byte of an answer began (`time.monotonic`); 0 while there is none."""


class Limits(Protocol):
    """Seconds that each phase may take (`ProxyConfig` has them); an answer under way has no limit."""

    @property
    def idle_timeout(self) -> float:
        """Between requests."""

    @property
    def head_timeout(self) -> float:
        """From the first byte of a request to the end of its head."""

    @property
    def body_timeout(self) -> float:
        """Between two pieces of a request's body."""

    @property
    def answer_timeout(self) -> float:
        """From the whole request to the answer's first byte."""


class Service(Protocol):
    """The proxy as its connections see it."""

    fronts: set[Front]
    under_way: int
    draining: bool
    last_file: int
    """The highest number of a file that a connection may have (`files.last_file`)."""
    refused: int
    """Connections that were turned away since there were too many."""
    counts: Counts

    def begin(self, front: Front, head: RequestHead) -> Handler | None:
        """Take a request up; None when it was answered at once."""

    def keep(self, draft: Draft) -> None:
        """Record an exchange."""
