"""Which session an exchange belongs to that names none: the one whose conversation it extends."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from skillclaw.trajectory.keys import anonymous_native_id
from skillclaw.trajectory.model import text_of
from skillclaw.wire.once import Prints
from skillclaw.wire.records import Decoded, Identity, Item
from skillclaw.wire.thread import Thread

__all__ = ["Finder", "Seen", "Session", "Spot"]

BACKGROUND = frozenset({"spawn"})
"""Tools whose call returns at once while the sub-agent goes on beside (nanobot)."""
PATIENCE = 3600.0
"""Seconds in which such a sub-agent has begun."""
TELLING = 40
"""Characters of a summary by which a conversation is known again; "done" is said in all of them."""
QUOTED = 6
"""Characters of first words that another request quotes; a "hi" is in all of them."""


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
    places: list[int] = field(default_factory=list)
    threads: dict[str, Thread] = field(default_factory=dict)
    seen: list[Decoded] = field(default_factory=list)
    complete: bool = True
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    version: str = ""
    model: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list)


class Spot(NamedTuple):
    """A conversation inside a session: the root's own (`thread` is the session's id), or a sub-agent's."""

    session: Session
    thread: str
    parent: str | None = None

    @property
    def identity(self) -> Identity:
        """As an agent that says so itself would name it."""
        return Identity(
            root=self.session.native_id,
            thread=self.thread,
            parent=self.parent,
            is_subagent=self.parent is not None,
        )


class Finder:
    """Finds the conversation of an exchange that names none, by rolling hash of what was said."""

    def __init__(self, sessions: dict[tuple[str, str], Session], prints: Prints) -> None:
        self._sessions = sessions
        self._prints = prints
        self._ends: dict[tuple[str, bytes], Spot] = {}
        self._now: dict[tuple[str, bytes], list[Spot]] = {}
        self._at: dict[tuple[str, str, str], tuple[str, bytes]] = {}
        self._summaries: dict[str, list[tuple[str, Spot]]] = {}
        self._briefs: dict[tuple[str, bytes], Spot] = {}
        self._open: dict[tuple[str, str, str], list[tuple[str, bytes]]] = {}
        self._beside: dict[tuple[str, bytes], list[tuple[Spot, float]]] = {}
        self._delegated: Counter[tuple[str, str]] = Counter()
        self._begins: dict[tuple[str, str], list[int]] = {}

    def expect(self, seen: Iterable[Seen]) -> None:
        """Learn where conversations may begin. Two that begin alike in one minute are told apart by which was
        recorded first: that is the same whichever of them is seen, and in whichever order they were asked."""
        for one in seen:
            if one.decoded.identity is None and one.decoded.kind == "turn" and not _has_agent(one):
                self._begins.setdefault((one.agent, _base(one)[0]), []).append(one.place)
        for places in self._begins.values():
            places.sort()

    def find(self, one: Seen) -> Spot | None:
        """The conversation that the request extends, or a new one; None for a side request of nobody."""
        prefixes = _rolling(_told(one.decoded.request, self._prints))
        for end in reversed(prefixes):
            # Of two conversations that begin alike it goes on with the one that stands there now.
            here = self._now.get((one.agent, end))
            if here:
                return here[0]
        for end in reversed(prefixes):
            spot = self._ends.get((one.agent, end))
            if spot is not None and (end != prefixes[-1] or not spot.session.complete or _has_agent(one)):
                return spot
        spot = self._by_summary(one) or self._by_brief(one)
        if spot is not None:
            return spot
        if one.decoded.kind != "turn":
            return self._by_text(one)
        base, first, minute = _base(one)
        number = 1 + bisect_left(self._begins.get((one.agent, base), []), one.place)
        native = _numbered(first, minute, number)
        while (one.agent, native) in self._sessions:
            # Two conversations that begin alike in one minute are still two.
            number += 1
            native = _numbered(first, minute, number)
        session = Session(one.agent, native, one.place)
        self._sessions[(one.agent, native)] = session
        return Spot(session, native)

    def _by_summary(self, one: Seen) -> Spot | None:
        """A shortened conversation begins with the summary that the model gave of the long one."""
        known = self._summaries.get(one.agent, [])
        told = [text_of(item.content) for item in one.decoded.request if item.compaction] if known else []
        return next(
            (spot for summary, spot in reversed(known) if any(summary in text for text in told)), None
        )

    def _by_brief(self, one: Seen) -> Spot | None:
        """A sub-agent's conversation begins with what a call that is still open says, or one that let it go
        on beside."""
        if one.decoded.kind != "turn" or _has_agent(one):
            return None
        brief = (one.agent, _digest(_first_user(one.decoded.request)))
        waiting = [found for found in self._beside.get(brief, []) if one.started <= found[1] + PATIENCE]
        spot = self._briefs.get(brief) or next((found[0] for found in waiting), None)
        if spot is None:
            return None
        if waiting:
            self._beside[brief] = waiting[1:]
        native = spot.session.native_id
        self._delegated[(one.agent, native)] += 1
        return Spot(spot.session, f"{native}#{self._delegated[(one.agent, native)] + 1}", spot.thread)

    def _by_text(self, one: Seen) -> Spot | None:
        """Title requests and the like quote the user: the session whose first words they hold."""
        text = "\n".join(text_of(item.content) for item in one.decoded.request if item.role == "user")
        for session in reversed(self._sessions.values()):
            first = next((_first_user(known.request) for known in session.seen[:1]), "")
            if session.agent == one.agent and len(first) >= QUOTED and first in text:
                return Spot(session, session.native_id)
        return None

    def remember(self, spot: Spot, one: Seen) -> None:
        """Note where the conversation ends now."""
        session = spot.session
        session.complete = one.decoded.complete
        if one.decoded.identity is not None:
            return
        if one.decoded.kind == "compaction":
            texts = (text_of(item.content).strip() for item in one.decoded.response if item.kind == "text")
            self._summaries.setdefault(one.agent, []).extend(
                (text, spot) for text in texts if len(text) >= TELLING
            )
        if one.decoded.kind != "turn":
            return
        request = _told(one.decoded.request, self._prints)
        whole = request + _told(one.decoded.response, self._prints)
        for end in {len(request), len(whole)}:
            if end:
                self._ends[(one.agent, _rolling(whole[:end])[-1])] = spot
        key = (session.agent, session.native_id, spot.thread)
        before = self._at.pop(key, None)
        if before is not None:
            self._now[before] = [other for other in self._now[before] if other.thread != spot.thread]
        if one.decoded.complete and len(whole) > len(request):
            now = (one.agent, _rolling(whole)[-1])
            self._at[key] = now
            self._now.setdefault(now, []).append(spot)
        for brief in self._open.pop(key, []):
            self._briefs.pop(brief, None)
        calls = [item for item in one.decoded.response if item.kind == "call"]
        self._open[key] = _briefs(one.agent, calls)
        self._briefs |= dict.fromkeys(self._open[key], spot)
        for brief in _briefs(one.agent, [item for item in calls if item.name in BACKGROUND]):
            self._beside.setdefault(brief, []).append((spot, one.finished))


def _base(one: Seen) -> tuple[str, str, str]:
    """What a session that begins with this exchange is named by: its id if it is the first that begins so,
    the first words, the minute."""
    first = _first_user(one.decoded.request)
    minute = datetime.fromtimestamp(one.started, UTC).strftime("%Y-%m-%dT%H:%M")
    return anonymous_native_id(first, minute), first, minute


def _numbered(first: str, minute: str, number: int) -> str:
    return anonymous_native_id(first if number == 1 else f"{first}\0{number}", minute)


def _briefs(agent: str, calls: list[Item]) -> list[tuple[str, bytes]]:
    """What calls say, each text of theirs."""
    values = (value for item in calls for value in item.arguments.values())
    return [(agent, _digest(value)) for value in values if isinstance(value, str) and value.strip()]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.strip().encode("utf-8", "replace"), digest_size=16).digest()


def _told(items: list[Item], prints: Prints) -> list[bytes]:
    """The conversation with the ids of its calls, which tell apart two that say and do the same."""
    return [
        prints.of(item) + item.call_id.encode("utf-8", "replace")
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
