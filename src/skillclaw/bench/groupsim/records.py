"""What is told of a simulated group."""

from __future__ import annotations

from typing import Literal

from skillclaw.bench.groupsim.world import Arm, Kind
from skillclaw.trajectory.model import Record

__all__ = ["Attempt", "End", "Fate", "Told"]

End = Literal["stable", "unproven", "rolled back", "canary", "refused"]


class Fate(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What became of one skill. Days are of the world, 0 the first.

    effect    on success when its measuring ended (a skill of kind `flip` may harm by then)
    sessions  that were eligible while it was measured; a_day: those of honest members, by day
    released  the evening on which it became a canary; ended: that on which something became of it
    flipped   the day of the change, for kind `flip`
    retired   the day on which a stable one was archived by care
    """

    kind: Kind
    events: bool
    effect: float
    end: End
    released: int | None = None
    ended: int | None = None
    sessions: int = 0
    a_day: float = 0.0
    flipped: int | None = None
    retired: int | None = None


class Attempt(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A proposal that must not be released by itself: what it tries, and how it stands at the end."""

    what: str
    status: str


class Told(Record, frozen=True, kw_only=True, omit_defaults=False):
    """All that happened in one group. `log`: entries of its log; `problems`: what `hub verify` found."""

    seed: int
    arm: Arm
    members: int
    liars: int
    sessions: int
    log: int
    problems: list[str]
    fates: list[Fate]
    attempts: list[Attempt]
