"""Which session an exchange belongs to that names none: the one whose conversation it extends."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from skillclaw.trajectory.keys import anonymous_native_id
from skillclaw.trajectory.model import text_of
from skillclaw.wire.content import fingerprint
from skillclaw.wire.records import Decoded, Item
from skillclaw.wire.thread import Thread

__all__ = ["Finder", "Seen", "Session"]


@dataclass
class Seen:
    """One decoded exchange, with its time and its place among those given."""

    place: int
    agent: str
    started: float
    finished: float
    decoded: Decoded


@dataclass
class Session:
    """One root session being put together."""

    agent: str
    native_id: str
    first: int
    last: float = 0.0
    threads: dict[str, Thread] = field(default_factory=dict)
    seen: list[Decoded] = field(default_factory=list)
    complete: bool = True
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    version: str = ""
    model: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list)


class Finder:
    """Finds the session of an exchange that names none, by rolling hash of its conversation."""

    def __init__(self, sessions: dict[tuple[str, str], Session]) -> None:
        self._sessions = sessions
        self._ends: dict[tuple[str, bytes], Session] = {}
        self._now: dict[tuple[str, bytes], list[Session]] = {}
        self._at: dict[tuple[str, str], tuple[str, bytes]] = {}

    def find(self, one: Seen) -> Session | None:
        """The session that the request extends, or a new one; None for a side request of nobody."""
        prefixes = _rolling(_told(one.decoded.request))
        for end in reversed(prefixes):
            # Of two conversations that begin alike it goes on with the one that stands there now.
            here = self._now.get((one.agent, end))
            if here:
                return here[0]
        for end in reversed(prefixes):
            session = self._ends.get((one.agent, end))
            if session is not None and (end != prefixes[-1] or not session.complete or _has_agent(one)):
                return session
        if one.decoded.kind != "turn":
            return self._by_text(one)
        first = _first_user(one.decoded.request)
        minute = datetime.fromtimestamp(one.started, UTC).strftime("%Y-%m-%dT%H:%M")
        native, number = anonymous_native_id(first, minute), 2
        while (one.agent, native) in self._sessions:
            # Two conversations that begin alike in one minute are still two.
            native, number = anonymous_native_id(f"{first}\0{number}", minute), number + 1
        session = Session(one.agent, native, one.place)
        self._sessions[(one.agent, native)] = session
        return session

    def _by_text(self, one: Seen) -> Session | None:
        """Title requests and the like quote the user: the session whose first words they hold."""
        text = "\n".join(text_of(item.content) for item in one.decoded.request if item.role == "user")
        for session in reversed(self._sessions.values()):
            first = next((_first_user(known.request) for known in session.seen[:1]), "")
            if session.agent == one.agent and first and first in text:
                return session
        return None

    def remember(self, session: Session, one: Seen) -> None:
        """Note where the session's conversation ends now."""
        session.complete = one.decoded.complete
        if one.decoded.kind != "turn" or one.decoded.identity is not None:
            return
        request = _told(one.decoded.request)
        whole = request + _told(one.decoded.response)
        for end in {len(request), len(whole)}:
            if end:
                self._ends[(one.agent, _rolling(whole[:end])[-1])] = session
        before = self._at.pop((session.agent, session.native_id), None)
        if before is not None:
            self._now[before].remove(session)
        if one.decoded.complete and len(whole) > len(request):
            now = (one.agent, _rolling(whole)[-1])
            self._at[(session.agent, session.native_id)] = now
            self._now.setdefault(now, []).append(session)


def _told(items: list[Item]) -> list[bytes]:
    """The conversation with the ids of its calls, which tell apart two that say and do the same."""
    return [
        fingerprint(item) + item.call_id.encode("utf-8", "replace")
        for item in items
        if item.role != "system" and not item.injected and item.kind != "reasoning"
    ]


def _has_agent(one: Seen) -> bool:
    return any(item.role == "agent" for item in one.decoded.request)


def _rolling(prints: list[bytes]) -> list[bytes]:
    """The hash of every prefix."""
    state, ends = hashlib.blake2b(digest_size=16), []
    for one in prints:
        state.update(one)
        ends.append(state.digest())
    return ends


def _first_user(items: list[Item]) -> str:
    found = (
        text_of(i.content).strip() for i in items if i.role == "user" and i.kind == "text" and not i.injected
    )
    return next((text for text in found if text), "")
