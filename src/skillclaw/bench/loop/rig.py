"""What a run needs of the real SkillClaw: users' proxies by day, the evolver by night.

The protocol stands here because `bench` may not know `server`; `server.rehearsal` fulfils it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from skillclaw.bench.loop.results import Arm
from skillclaw.trajectory.model import Record

__all__ = ["MakeRig", "Rig", "Way", "way_of"]


class Way(Record, frozen=True, kw_only=True):
    """How an arm learns: the gate's policy, whether the gate judges at all, and settings of the evolver."""

    policy: str = "team"
    gate: bool = True
    settings: Mapping[str, str] = {}


def way_of(arm: Arm, model: Mapping[str, str]) -> Way:
    """How `arm` learns; `model` are the settings of an evolver that asks the agents' model.

    One user alone can never be two, so that the policy of groups would let nothing through: who is alone has
    a hub of one's own, whose policy asks for sessions only.
    """
    if arm == "single":
        return Way(policy="solo")
    if arm == "no-gate":
        return Way(gate=False)
    return Way(settings=model) if arm == "llm" else Way()


class Rig(Protocol):
    """Some users with a SkillClaw each, all connected. Everything it knows lies in one folder."""

    def home(self, user: str) -> Path:
        """The home folder of this user's agents, where skills are installed."""
        ...

    def day(self, upstream: str, prefix: str) -> AbstractContextManager[Mapping[str, str]]:
        """Every user's proxy, running: user to base URL. At the end what they recorded is stored.

        upstream  the base URL that the proxies forward to
        prefix    the proxy's name of the agent's platform; `generic` for one that it doesn't know
        """
        ...

    def measuring(self, upstream: str, prefix: str) -> AbstractContextManager[str]:
        """A proxy of nobody's: its base URL. What it records is thrown away, so that nothing is learned from
        measuring, and measured work takes the same way as other work."""
        ...

    def night(self) -> Mapping[str, Any]:
        """One cycle over all users' sessions, then sync: what it did, as `results.Night` but for `day`."""
        ...

    def plant(self, skill: Path) -> str:
        """Release the skill in this folder as one that a member proposed and the owner approved, and install
        it; why that was refused, else empty."""
        ...


class MakeRig(Protocol):
    """Makes the rig of one arm in a folder, or goes on with the one that is there."""

    def __call__(
        self, place: Path, names: Sequence[str], *, policy: str, gate: bool, settings: Mapping[str, str]
    ) -> Rig:
        """A rig with these users, that learns so (`Way`)."""
        ...
