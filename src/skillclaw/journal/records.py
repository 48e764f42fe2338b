"""What the journal keeps: raw exchanges on their way to sessions, and the rows that list sessions."""

from __future__ import annotations

from skillclaw.trajectory.model import Record

__all__ = ["OWN_HEADER", "Exchange", "SessionRow", "is_own"]

OWN_HEADER = "X-SkillClaw-Own"
"""Request header of the project's own traffic (evolver, replay); its value says which part asks. Such an
exchange is passed on and recorded like any other, and no session is ever made of it."""


class Exchange(Record, frozen=True, kw_only=True):
    """One HTTP request to an LLM API with its response, as bytes.

    Bodies are as they were on the wire (compressed if they came so). Credential headers, query values
    and cookies are typed placeholders already: they never reach a disk.

    id        16 hex digits; started, finished: Unix seconds; first_byte: seconds from start, or None
    agent     the URL prefix; path: what followed it, query included
    status    0 when no response came; error says why
    complete  the response ended as the protocol says (not cut off by either side)
    """

    id: str
    agent: str
    method: str
    path: str
    started: float
    finished: float = 0.0
    first_byte: float | None = None
    request_headers: list[tuple[str, str]] = []
    request_body: bytes = b""
    status: int = 0
    response_headers: list[tuple[str, str]] = []
    response_body: bytes = b""
    complete: bool = True
    error: str = ""


class SessionRow(Record, frozen=True, kw_only=True):
    """A session as lists show it (`sessions list --json`); `started` is ISO 8601 or empty."""

    id: str
    agent: str
    project: str
    started: str
    steps: int
    outcome: str
    shared: bool
    user: str = ""
    revision: int = 1
    source: str = ""
    native_id: str = ""


def is_own(exchange: Exchange) -> bool:
    """Whether the project itself made this request."""
    return any(name.lower() == OWN_HEADER.lower() for name, _ in exchange.request_headers)
