"""How many exchanges could not be read, why, and on which paths; counted once each, kept across restarts.

Only paths without query and ids are kept, and reasons: no text of a session. The exchanges themselves stay
in the journal, as bytes, for as long as any other.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.trajectory.model import Record

__all__ = ["MARK", "Uncounted", "UnreadCount", "counted", "counts_in", "told"]

MARK = "journal"
"""Name of the mark in the session store in which `server.sessions.recording` keeps its place and counts."""
MOST = 50
"""Kinds told apart; the paths of any further ones are not kept."""
SHOWN = 3
"""Paths named for each reason."""


class UnreadCount(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Exchanges of one agent that could not be read for one reason, on one path; `last` in Unix seconds."""

    agent: str
    reason: str
    path: str
    count: int
    last: float


class Uncounted(Record, frozen=True, kw_only=True):
    """One exchange that could not be read, not counted yet; `at` in Unix seconds."""

    agent: str
    reason: str
    path: str
    at: float


class _Holder(Record, frozen=True, kw_only=True):
    """The part of the reader's mark that holds the counts."""

    unread: list[UnreadCount] = []


def counted(counts: list[UnreadCount], fresh: Iterable[Uncounted]) -> list[UnreadCount]:
    """`counts` with `fresh` added, in an order that depends on nothing but what was counted."""
    sums = {(one.agent, one.reason, one.path): one for one in counts}
    for new in fresh:
        key = (new.agent, new.reason, new.path)
        if key not in sums and len(sums) >= MOST:
            key = (new.agent, new.reason, "")
        old = sums.get(key)
        sums[key] = UnreadCount(
            agent=key[0],
            reason=key[1],
            path=key[2],
            count=(old.count if old else 0) + 1,
            last=max(old.last if old else 0.0, new.at),
        )
    return [sums[key] for key in sorted(sums)]


def counts_in(mark: str | None) -> list[UnreadCount]:
    """The counts in the mark that `server.sessions.recording` keeps; empty when there is none."""
    try:
        return msgspec.json.decode(mark or "{}", type=_Holder).unread
    except UNREADABLE:
        return []


def told(counts: list[UnreadCount]) -> str:
    """In words: `2 exchanges could not be read: 2 unknown protocol (/v9/chat)`; empty where there is none."""
    total = sum(one.count for one in counts)
    if not total:
        return ""
    parts = []
    reasons = {one.reason: 0 for one in counts}
    for one in counts:
        reasons[one.reason] += one.count
    for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        own = sorted((one for one in counts if one.reason == reason), key=lambda one: (-one.count, one.path))
        paths = list(dict.fromkeys(one.path for one in own if one.path))
        named = [*paths[:SHOWN], *(["..."] if len(paths) > SHOWN else [])]
        parts.append(f"{count} {reason}" + (f" ({', '.join(named)})" if named else ""))
    return f"{total} exchange{'s' if total > 1 else ''} could not be read: {', '.join(parts)}"
