"""The sessions of a simulated group, as the evolver's memory and the gate read them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache

import msgspec

from skillclaw.bench.groupsim import texts
from skillclaw.bench.groupsim.texts import TASKS, Call
from skillclaw.bench.groupsim.world import Happened
from skillclaw.evolve.cutting import Cut, cut_session, pack
from skillclaw.evolve.rollouts.collecting import OFF
from skillclaw.evolve.state import EvolveState
from skillclaw.hub import arms
from skillclaw.hub.records import Release
from skillclaw.skills.records import Ref
from skillclaw.trajectory.model import Trajectory

__all__ = ["Lived", "clusters"]


class Lived:
    """The sessions by key. A trajectory is made when somebody asks for it, which is seldom."""

    def __init__(self, memory: EvolveState) -> None:
        self._memory = memory
        self._made: dict[str, Callable[[], Trajectory]] = {}
        self._number = itertools.count(1)

    def session(self, key: str) -> Trajectory | None:
        """The session with this key; None where there is none."""
        made = self._made.get(key)
        return made() if made is not None else None

    def put(self, now: datetime, user: str, ask: str, calls: Sequence[Call], back: int) -> Ref:
        """Keep a session of `back` days before `now`, also in the memory; gives where it is."""
        key = f"e{next(self._number):015x}"
        at = now - timedelta(days=back, hours=3)
        made = texts.session(key, user, ask, calls, started=at.isoformat())
        self._made[key] = lambda: made
        with self._memory.writing():
            self._memory.take(pack(cut_session(made)))
        return Ref(session=key, user=user, agent=texts.AGENT, day=arms.block(at), steps=[2], success=True)

    def packed(
        self,
        key: str,
        at: datetime,
        client: str,
        one: Happened,
        current: Release,
        has: bool,
        canaries: bool,
    ) -> bytes:
        """What the memory keeps of a session of `client` that began `at`: as it cuts such a session, filled
        in. `has`: the skill's current version was there; `canaries`: the machine takes part in them."""
        task = TASKS[one.task]
        made = texts.template(task, one.wording, one.event)
        mark = f"{current.skill}@{current.version}"
        own = {
            "session": key,
            "user": client,
            "model": one.model,
            "day": arms.block(at),
            "success": one.success,
            "skills": (mark,) if one.read else (),
            "offered": (mark,) if has else (),
        }
        head = msgspec.structs.replace(
            made.head,
            mark=f"{key}\0{client}",
            key=key,
            user=client,
            client=client,
            day=arms.block(at),
            started=at.isoformat(),
            outcome="success" if one.success else "failure",
            env={} if canaries else dict([OFF]),
        )
        self._made[key] = lambda: texts.session(
            key,
            client,
            task.asks[one.wording],
            task.failure if one.event else task.smooth,
            started=at.isoformat(),
            success=one.success,
            model=one.model,
        )
        return pack(Cut(head=head, episodes=[msgspec.structs.replace(e, **own) for e in made.episodes]))


@cache
def clusters() -> dict[str, str]:
    """The kind of task by request, as the evolver reads it; by the name of its skill."""
    return {
        episode.intent: task.skill
        for task in TASKS
        for wording in range(len(task.asks))
        for episode in texts.template(task, wording, False).episodes
    }
