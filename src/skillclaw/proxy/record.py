"""What is kept of an exchange while it passes, and the record made of it on the writer's thread."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from skillclaw.journal.records import Exchange

__all__ = ["LARGEST_BODY", "Draft"]

LARGEST_BODY = 32 << 20
"""Bytes of a body that are kept; more pass unrecorded."""


class Draft:
    """An exchange under way. Bytes are only collected here; joining and decoding is left to `build`."""

    __slots__ = (
        "_clock",
        "_ended",
        "agent",
        "complete",
        "error",
        "first_byte",
        "id",
        "method",
        "path",
        "request_chunks",
        "request_headers",
        "response_chunks",
        "response_headers",
        "size",
        "started",
        "status",
        "truncated",
    )

    def __init__(self, agent: str, method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.id = ""
        self.agent = agent
        self.method = method
        self.path = path
        self.request_headers = headers
        self.request_chunks: list[bytes] = []
        self.response_headers: Sequence[tuple[bytes, bytes]] = ()
        self.response_chunks: list[bytes] = []
        self.status = 0
        self.complete = False
        self.error = ""
        self.first_byte: float | None = None
        self.size = 0
        self.truncated = False
        self.started = time.time()
        self._clock = time.perf_counter()
        self._ended = 0.0

    def keep(self, chunk: bytes, chunks: list[bytes]) -> None:
        """Collect a piece of a body, up to LARGEST_BODY for both together."""
        if self.size + len(chunk) > LARGEST_BODY:
            self.truncated = True
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
            path=_text(self.path.encode("utf-8", "surrogateescape")),
            started=self.started,
            finished=self.started + self._ended,
            first_byte=self.first_byte,
            request_headers=[(_text(name), _text(value)) for name, value in self.request_headers],
            request_body=b"".join(self.request_chunks),
            status=self.status,
            response_headers=[(_text(name), _text(value)) for name, value in self.response_headers],
            response_body=b"".join(self.response_chunks),
            complete=self.complete and not self.truncated,
            error=self.error,
        )


def _text(raw: bytes) -> str:
    """A header as text; what is not UTF-8 is read as Latin-1, so that nothing is lost (RFC 9110 5.5)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
