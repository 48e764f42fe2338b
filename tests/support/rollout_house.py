"""A hub with a canary that a real cycle released, and the sessions of its clients on the days after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from atif_sessions import Ran, session

from skillclaw.evolve.cycle import run_cycle
from skillclaw.evolve.report import CycleReport
from skillclaw.evolve.rollouts import Rollout
from skillclaw.hub import Hub
from skillclaw.hub.arms import block, treated
from skillclaw.hub.records import Release
from skillclaw.journal.store import SessionStore
from skillclaw.server.machine import Machine
from skillclaw.settings import EvolveSettings
from skillclaw.trajectory.model import SkillUse, decode, meta, with_meta

BROKEN = Ran("npm test", 1, "Error: Cannot find module")
FIXED = [Ran("npm ci"), Ran("npm test")]
TASK = "run the tests of the web site"


class House:
    """One hub on a folder, the evolver's sessions, and a canary about `npm test`."""

    def __init__(self, path: Path, *, policy: str = "team", people: int = 6, whole: bool = False) -> None:
        self.path, self.policy = path, policy
        self.whole = whole  # users by their whole keys, as in a group
        self.machine = Machine(path / "machine", environ={"HOME": str(path)})
        self.hub = Hub.open_or_create(str(path / "hub"), path / "keys", path / "seen.json")
        self.store = SessionStore(path / "group")
        self.people = [hashlib.sha256(f"member {n}".encode()).hexdigest() for n in range(people)]
        self._count = 0
        for number in range(6):
            self.put(
                self.people[number % min(2, people)],
                datetime.now(UTC) - timedelta(days=9 - number),
                [BROKEN, *FIXED],
            )

    def put(
        self,
        client: str,
        at: datetime,
        ran: Sequence[Ran],
        *,
        outcome: str | None = "success",
        task: str = TASK,
        env: dict[str, str] | None = None,
        skills: Sequence[SkillUse] = (),
    ) -> str:
        """One session; gives its key."""
        self._count += 1
        made = session("u", self._count, task, ran, outcome=outcome)
        made["steps"][0]["timestamp"] = at.isoformat()
        found = decode(json.dumps(made).encode())
        key = hashlib.sha256(f"session {self._count}".encode()).hexdigest()[:16]
        known = msgspec.structs.replace(
            meta(found),
            key=key,
            client=client,
            user=client if self.whole else client[:8],
            env=env or {},
            skills=list(skills),
        )
        self.store.put(with_meta(found, known))
        return key

    def cycle(self, days: float = 0.0, **more: Any) -> CycleReport:
        """A cycle so many days after now."""
        given: dict[str, Any] = {
            "sessions": self.store,
            "hub": self.hub,
            "policy": self.policy,
            "switchback": self.policy != "solo",  # as on one's own hub; a group's cycle has its own settings
            "settings": EvolveSettings(),
            "redactor": self.machine.redactor,
            "foreign": [],
            "now": datetime.now(UTC) + timedelta(days=days),
            "home": self.path / "group",
        }
        return run_cycle(**{**given, **more})

    def released(self) -> Release:
        """The canary that a first cycle released."""
        self.cycle()
        (skill,) = self.hub.state().skills.values()
        assert skill.stage == "canary" and skill.current is not None
        release = skill.release(skill.current)
        assert release is not None and release.share == 0.5
        return release

    def live(
        self, release: Release, days: int, ran: Callable[[bool, int], Sequence[Ran]], *, each: int = 1
    ) -> int:
        """Every client's sessions on the days after the release; `ran` gives what happens by arm and number.
        Gives how many there are."""
        began = datetime.fromisoformat(release.time) + timedelta(minutes=5)
        number = 0
        for day in range(days):
            at = began + timedelta(days=day)
            for client in self.people:
                arm = treated(client, release.skill, release.version, block(at), 0.5)
                for _ in range(each):
                    self.put(client, at, ran(arm, number))
                    number += 1
        return number


def only(report: CycleReport) -> Rollout:
    """The one canary of the report."""
    (found,) = report.rollouts
    return found
