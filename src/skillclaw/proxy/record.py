"""What is kept of an exchange while it passes, and the record made of it on the writer's thread."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import ClassVar

from skillclaw.journal.records import Exchange
from skillclaw.proxy.http1 import texts

__all__ = ["LARGEST_BODY", "Draft"]

LARGEST_BODY = 32 << 20
"""Bytes of a body that are kept; more pass unrecorded."""
LARGE = 1 << 20
"""An exchange that is at most this large is always kept; of larger ones ..."""
SMALL = 64
"""Bytes of a piece that is put behind the last one ..."""
JOINED = 4096
"""... while that is shorter than this: a piece of two bytes takes fifty in memory."""
ROOM = 96 << 20
"""... those under way keep so many bytes beyond that, all together: answers of many megabytes at once, to
agents that read them slowly, must not take the machine's memory."""


class Draft:
    """An exchange under way. Bytes are only collected here; joining and decoding is left to `build`."""

    beyond: ClassVar[int] = 0
    """Bytes of ROOM that are taken. Only the event loop's thread changes it."""

    __slots__ = (
        "_beyond",
        "_clock",
        "_crowded",
        "_ended",
        "_full",
        "added",
        "agent",
        "complete",
        "error",
        "first_byte",
        "id",
        "kept_connection",
        "method",
        "path",
        "request_chunks",
        "request_lines",
        "response_chunks",
        "response_lines",
        "size",
        "started",
        "status",
        "truncated",
        "unkept_request",
        "unkept_response",
    )

    def __init__(self, agent: str, method: str, path: str, lines: Sequence[bytes], size: int = 0) -> None:
        self.id = ""
        self.agent = agent
        self.method = method
        self.path = path
        self.request_lines = lines
        self.request_chunks: list[bytes] = []
        self.response_lines: Sequence[bytes] = ()
        self.response_chunks: list[bytes] = []
        self.status = 0
        self.complete = False
        self.error = ""
        self.first_byte: float | None = None
        self.size = size
        self.truncated = False
        self.unkept_request = self.unkept_response = 0
        self.added = -1.0
        self.kept_connection = False
        self._beyond = 0
        self._crowded = False
        self._full: tuple[list[bytes], ...] = ()
        self.started = time.time()
        self._clock = time.perf_counter()
        self._ended = 0.0

    def keep(self, chunk: bytes, chunks: list[bytes]) -> None:
        """Collect a piece of a body, up to LARGEST_BODY for both together and ROOM for all under way;
        nothing after a piece left out."""
        left_out = bool(self._full) and any(chunks is f for f in self._full)
        if left_out or self.size + len(chunk) > LARGEST_BODY or not self._fits(len(chunk)):
            self.truncated = True
            if chunks is self.request_chunks:
                self.unkept_request += len(chunk)
            else:
                self.unkept_response += len(chunk)
            self._full = (*self._full[-1:], chunks)
            return
        self.size += len(chunk)
        if len(chunk) < SMALL and chunks and len(chunks[-1]) < JOINED:
            chunks[-1] += chunk
        else:
            chunks.append(chunk)

    def _fits(self, more: int) -> bool:
        """Whether so many bytes may be kept, which are taken of ROOM then."""
        if self.size + more <= LARGE:
            return True
        if Draft.beyond + more > ROOM:
            self._crowded = True
            return False
        Draft.beyond += more
        self._beyond += more
        return True

    def goes_on_from(self, before: Draft) -> None:
        """What was answered up to now belongs to this one, and so does its share of ROOM."""
        self.response_chunks, self.size = before.response_chunks, before.size
        self._beyond, before._beyond = before._beyond, 0

    def answered(self) -> None:
        """The first byte of the response came."""
        self.first_byte = time.perf_counter() - self._clock

    def ended(self) -> None:
        """The exchange is over."""
        self._ended = time.perf_counter() - self._clock
        # from here on it counts in the journal's queue, which has a bound of its own
        Draft.beyond -= self._beyond
        self._beyond = 0

    def build(self) -> Exchange:
        """The record."""
        self.id = self.id or secrets.token_hex(8)
        if self.truncated:
            why = "too many large ones at once" if self._crowded else f"more than {LARGEST_BODY >> 20} MB"
            self.error = self.error or f"{why}; only the begin is kept"
        return Exchange(
            id=self.id,
            agent=self.agent,
            method=self.method,
            path=self.path.encode("latin-1", "replace").decode("utf-8", "replace"),
            started=self.started,
            finished=self.started + self._ended,
            first_byte=self.first_byte,
            request_headers=texts(self.request_lines),
            request_body=b"".join(self.request_chunks),
            status=self.status,
            response_headers=texts(self.response_lines),
            response_body=b"".join(self.response_chunks),
            complete=self.complete and not self.truncated,
            error=self.error,
        )
