"""The table of docs/gate.md as data: how much support a change needs, and who has to look at it."""

from __future__ import annotations

from typing import Literal

from skillclaw.errors import UsageError
from skillclaw.trajectory.model import Record

__all__ = ["POLICIES", "Policy", "policy"]


class Policy(Record, frozen=True, kw_only=True):
    """What a group asks of a change before it spreads.

    sessions, users  least support of each line of a skill
    per_day          sessions of one person and day that count towards `sessions`; 0: all
    replay           a replay must have passed; otherwise it may be missing
    network          text that makes an agent reach other machines waits for a reviewer
    reviewer         every change waits for a reviewer
    release          how a passed change is made available
    """

    name: str
    sessions: int
    users: int
    per_day: int = 0
    replay: bool = False
    network: bool = True
    reviewer: bool = False
    release: Literal["at once", "canary"] = "canary"


POLICIES = {
    "solo": Policy(name="solo", sessions=3, users=1, network=False, release="at once"),
    "team": Policy(name="team", sessions=3, users=2, per_day=2),
    "strict": Policy(name="strict", sessions=5, users=3, per_day=2, replay=True, reviewer=True),
}
"""By name. Scripts wait for a person under each of them."""


def policy(name: str) -> Policy:
    """The policy called `name`; raises UsageError with the names there are."""
    found = POLICIES.get(name)
    if found is None:
        raise UsageError(
            f"There is no policy {name!r}.", f"Known: {', '.join(POLICIES)}.", "See: skillclaw config show"
        )
    return found
