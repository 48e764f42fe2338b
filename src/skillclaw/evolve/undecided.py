"""What the last cycle said of canaries that are not decided, for those who ask between cycles.

It is kept beside the evolver's state: the log tells what was decided, and nothing before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.agents.edits import write_atomic
from skillclaw.errors import UNREADABLE
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.rollouts.report import Rollout

__all__ = ["SoFar", "keep_undecided", "so_far"]

FILE = "canaries.json"


class SoFar(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What was seen of a canary up to `time`, when a cycle ran: how many sessions there are, and what is
    missing."""

    time: str
    why: str


def keep_undecided(home: Path, rollouts: Iterable[Rollout], now: datetime) -> None:
    """Keep what a cycle said of those that stay canaries in `home`, the folder of the evolver's state."""
    time = now.isoformat(timespec="seconds")
    kept = {
        f"{one.skill}@{one.version}": SoFar(time=time, why=one.seen())
        for one in rollouts
        if one.action == "wait"
    }
    write_atomic(home / FILE, msgspec.json.encode(kept))


def so_far(home: Path, skill: str, version: str) -> SoFar | None:
    """What the last cycle in `home` said of this canary; None where none looked at it. What cannot be read
    counts as nothing: the next cycle writes it again."""
    try:
        kept = msgspec.json.decode((home / FILE).read_bytes(), type=dict[str, SoFar])
    except (OSError, *UNREADABLE):
        return None
    return kept.get(f"{skill}@{version}")
