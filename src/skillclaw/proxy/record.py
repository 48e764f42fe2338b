"""What is kept of an exchange while it passes, and the record made of it on the writer's thread."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from skillclaw.journal.records import Exchange
from skillclaw.proxy.http1 import texts

__all__ = ["LARGEST_BODY", "Draft"]

LARGEST_BODY = 32 << 20
"""Bytes of a body that are kept; more pass unrecorded."""


class Draft:
    """An exchange under way. Bytes are only collected here; joining and decoding is left to `build`."""

    __slots__ = (
        "_clock",
        "_ended",
        "_full",
        "agent",
        "complete",
        "error",
        "first_byte",
        "id",
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
        self._full: tuple[list[bytes], ...] = ()
        self.started = time.time()
        self._clock = time.perf_counter()
        self._ended = 0.0

    def keep(self, chunk: bytes, chunks: list[bytes]) -> None:
        """Collect a piece of a body, up to LARGEST_BODY for both together; nothing after a piece left out."""
        if self.size + len(chunk) > LARGEST_BODY or (self._full and any(chunks is f for f in self._full)):
            self.truncated = True
            self._full = (*self._full[-1:], chunks)
            return
        self.size += len(chunk)
        chunks.append(chunk)

    def answered(self) -> None:
        """The first byte of the response came."""
        self.first_byte = time.perf_counter() - self._clock

    def ended(self) -> None:
        """The exchange is over."""
        self._ended = time.perf_counter() - self._clock

    def build(self) -> Exchange:
        """The record."""
        self.id = self.id or secrets.token_hex(8)
        if self.truncated:
            self.error = self.error or f"more than {LARGEST_BODY >> 20} MB; only the begin is kept"
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
