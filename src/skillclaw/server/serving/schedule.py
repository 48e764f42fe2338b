"""When a cycle of a group is due. Pure: the caller brings the clock, which must be one that never jumps.

No time of day is looked at, so clocks that are set forward, back or differ between machines change nothing.
After a start nobody knows how long the server was away, so a group that has something new is due at once.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from skillclaw.server.serving.records import Trigger
from skillclaw.trajectory.model import Record

__all__ = ["GroupClock", "Rules", "Work", "due", "look_every", "next_in", "pause_after", "ripe"]

Retry = Literal["soon", "slowly"]
"""soon: what failed may mend itself (storage, another process); slowly: somebody must mend it (a setting)."""
FIRST = 30.0
"""Seconds until the first new try of what may mend itself; doubled with every failure."""
LONGEST = 3600.0
"""Seconds between tries at most, and between tries of what somebody must mend."""
DAY = 86_400.0
"""Seconds after which a group gets a cycle though nothing is new: evidence ages, canaries are weighed."""
LOOK = 60.0
"""Seconds between looks into a hub at most."""


class Rules(Record, frozen=True, kw_only=True):
    """What the settings say: seconds between cycles; new sessions that start one at once, 0 for never."""

    interval: float
    sessions: int


class GroupClock(Record, frozen=True, kw_only=True):
    """What is known of a group when a cycle of it may be due. Times are of a clock that never jumps.

    since       when its last cycle ended; before that, when this process first saw the group
    looked      it could be looked at since the start, or since the last failed look
    waiting     new sessions; changed: something else is new (the log grew, a model was missed last time)
    unfinished  the last cycle was cut off; first: none was seen since the start
    demanded    somebody asked for a cycle
    failures    in a row; failed: when the last one was; retry: what kind it was
    busy        a cycle runs, here or elsewhere; paused: by a person
    """

    since: float
    looked: bool = False
    waiting: int = 0
    changed: bool = False
    unfinished: bool = False
    first: bool = False
    demanded: bool = False
    failures: int = 0
    failed: float = 0.0
    retry: Retry = "soon"
    busy: bool = False
    paused: bool = False


class Work(Record, frozen=True, kw_only=True):
    """A group that is due, as the queue orders it."""

    group: str
    trigger: Trigger
    since: float


def due(group: GroupClock, now: float, rules: Rules, *, name: str = "") -> Trigger | None:
    """Why a cycle of the group is due at `now`; None where none is. `name` spreads the tries of many."""
    if group.busy:
        return None
    if group.demanded:
        return "demand"
    if group.paused or not group.looked:
        return None
    if group.failures and now < group.failed + pause_after(group.failures, group.retry, name):
        return None
    if ready := _ready(group, rules):
        return ready
    if now >= group.since + _wait(group, rules):
        return "interval"
    return None


def next_in(group: GroupClock, now: float, rules: Rules, *, name: str = "") -> float | None:
    """Seconds until the next cycle is due at the latest, as far as is known now; None while it is paused,
    runs, or could not be looked at."""
    if group.busy or group.paused or not group.looked:
        return None
    at = now if _ready(group, rules) else group.since + _wait(group, rules)
    if group.failures:
        at = max(at, group.failed + pause_after(group.failures, group.retry, name))
    return max(0.0, at - now)


def ripe(works: list[Work]) -> list[Work]:
    """The groups in the order in which they get a turn: asked for first, then who waits longest."""
    return sorted(works, key=lambda work: (work.trigger != "demand", work.since, work.group))


def pause_after(failures: int, retry: Retry, name: str = "") -> float:
    """Seconds until the next try after so many failures in a row, spread by a quarter so that many groups on
    one storage do not come back together."""
    base = LONGEST if retry == "slowly" else min(LONGEST, FIRST * 2.0 ** min(failures - 1, 20))
    return base * (1.0 - _spread(name) / 4)


def look_every(rules: Rules) -> float:
    """Seconds between looks into one hub."""
    return min(LOOK, max(0.5, rules.interval / 60))


def _ready(group: GroupClock, rules: Rules) -> Trigger | None:
    """Why a cycle would be due without any waiting."""
    if group.unfinished or (group.first and (group.waiting or group.changed)):
        return "catch-up"
    return "sessions" if 0 < rules.sessions <= group.waiting else None


def _wait(group: GroupClock, rules: Rules) -> float:
    """Seconds between the last cycle and the next."""
    return rules.interval if group.waiting or group.changed else max(DAY, rules.interval)


def _spread(name: str) -> float:
    """A number from 0 to 1 that is always the same for one name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) / 0xFFFFFFFF
