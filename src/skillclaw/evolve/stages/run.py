"""What all stages of a cycle know: what it was given, and what guards it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillclaw import gate
from skillclaw.errors import BadInputError, BusyError, DamagedSessionError
from skillclaw.evolve.models import forget_answers
from skillclaw.evolve.transcripts import forget_transcripts
from skillclaw.hub.approval import policy_of

if TYPE_CHECKING:
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.evolve.evolvers import Evolver
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.evolve.replay.plan import ReplayPlan
    from skillclaw.evolve.state import EvolveState
    from skillclaw.evolve.voting import GroupVotes
    from skillclaw.gate.context import ForeignSkill, Masker
    from skillclaw.gate.standing import MemberFacts
    from skillclaw.hub import Hub
    from skillclaw.hub.records import Stage
    from skillclaw.journal.store import SessionStore
    from skillclaw.settings import EvolveSettings
    from skillclaw.skills.records import Proposal
    from skillclaw.trajectory.model import Trajectory

__all__ = ["Asked", "Fence", "Progress", "Run", "Watch"]

Progress = Callable[[int, int | None, str], None]
Fence = Callable[[], None]


class Watch:
    """Seconds of wall time by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        """A stage is over."""
        now = time.monotonic()
        self.laps[stage] = round(now - self._last, 3)
        self._last = now

    def total(self) -> float:
        """Seconds since the beginning."""
        return round(time.monotonic() - self._began, 3)


@dataclass(frozen=True)
class Asked:
    """The policies that hold: one for all skills, and stricter ones by skill. With `switchback` what they
    would release at once is a canary first."""

    policy: str
    policies: Mapping[str, str]
    switchback: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """As the log has them among its settings."""
        return {"policy": self.policy, "policies": dict(self.policies)}

    @property
    def name(self) -> str:
        """In a line; what was tried under other policies is tried again."""
        own = [f"{skill}={name}" for skill, name in sorted(self.policies.items())]
        return " ".join([self.policy, *own])

    def rules(self, proposal: Proposal) -> gate.Policy:
        """The policy for what the proposal changes, the skills that it takes in among it."""
        return self.of(proposal.skill, *(gone.skill for gone in proposal.retires))

    def of(self, *skills: str) -> gate.Policy:
        """The strictest policy of these skills."""
        return gate.policy(policy_of(self.settings, *skills))

    def stage(self, proposal: Proposal) -> Stage:
        """What a proposal is released as."""
        if proposal.action == "retire":
            return "archived"
        at_once = self.rules(proposal).release == "at once" and not self.switchback
        return "stable" if at_once else "canary"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One cycle; `evolve.cycle.run_cycle` says what its arguments mean.

    forgotten  keys of sessions that count no longer; `cursor` where the store stood when the cycle began
    models     that the evolver asks, if it does
    taken      how much had been taken back in the hub when the cycle began (`evolve.last.taken_back`)
    """

    sessions: SessionStore
    hub: Hub
    memory: EvolveState
    asked: Asked
    settings: EvolveSettings
    redactor: Masker
    foreign: Sequence[ForeignSkill]
    now: datetime
    home: Path
    environ: Mapping[str, str]
    evolver: Evolver
    forgotten: frozenset[str]
    cursor: int
    cli: CliPlan | None
    models: Asker | None
    dry_run: bool
    full: bool
    private: bool
    progress: Progress
    fence: Fence
    members: Mapping[str, MemberFacts]
    receipt: Callable[[str], str | None]
    votes: GroupVotes | None
    trying: ReplayPlan | None
    taken: int = 0
    watch: Watch = field(default_factory=Watch)

    @property
    def asks(self) -> str:
        """Which model, or whose agent, the evolver asks; empty for none."""
        if self.models is not None:
            return self.models.name
        return self.cli.name if self.cli is not None and self.evolver.name == "cli" else ""

    def session(self, key: str) -> Trajectory | None:
        """A session; None where it counts no longer: forgotten, expired meanwhile, or damaged on the
        disk, which `doctor --deep` tells."""
        if key in self.forgotten:
            return None
        try:
            return self.sessions.get(key)
        except (BadInputError, DamagedSessionError):
            return None

    def check_forgotten(self) -> None:
        """Raise BusyError if a session that this cycle read was forgotten since it began."""
        moved = self.sessions.cursor() != self.cursor
        if moved and not self.memory.known().keys() <= self.sessions.changes().keys():
            forget_answers(self.home)  # some may be of this cycle, and younger than the forgetting
            forget_transcripts(self.home)
            raise BusyError(
                "A session was forgotten while the cycle ran.",
                "What was found may tell of it, so nothing more is made of it.",
                "Run it again: skillclaw evolve",
            )
