"""What happens in a simulated group: who works when, which skills come up, and how sessions go. Pure.

Nothing here knows a rule of the gate or of the rollout. A world is made of a seed, and its days are asked for
one after the other with what each client has installed; so the same seed and the same answers give the same
sessions.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ARMS", "Arm", "Happened", "Kind", "Member", "Planned", "World"]

Arm = Literal["honest", "a tenth lie", "a fifth lie"]
ARMS: tuple[Arm, ...] = ("honest", "a tenth lie", "a fifth lie")
"""How many of the group's members lie: none; one in ten, one at least; one in five."""

Kind = Literal["good", "neutral", "harm", "cutter", "flip"]

RANGE = (0.25, 0.75)
"""Where chances of success lie without a skill, so that an effect of up to 25 points is what it says."""

VOLUME = 6.0
"""How many times as many sessions a liar sends as it would have by its own work."""

NO_PART = 0.04
"""Share of members whose machines take no part in canaries."""

MODELS = ("model-a", "model-b", "model-c")


class Planned(Record, frozen=True, kw_only=True):
    """A skill that will be proposed, and what is true of it.

    task     which kind of task it is about (`texts.TASKS`); day: when it is proposed
    effect   added to the chance of success where the skill is there; `event`: to that of its own failure
    events   whether it comes from a failure, so that its own event is measured
    flips    kind `flip`: the day on which the environment changes so that it harms, and `after` is its effect
    a_day    sessions about its task in the whole group on a usual day
    """

    kind: Kind
    task: int
    day: int
    effect: float
    a_day: float
    events: bool = False
    event: float = 0.0
    flips: int | None = None
    after: float = 0.0

    def effect_on(self, day: int) -> float:
        """What it adds to success on that day."""
        return self.after if self.flips is not None and day >= self.flips else self.effect

    def event_on(self, day: int) -> float:
        """What it adds to the chance of its own failure on that day."""
        return -self.after if self.flips is not None and day >= self.flips else self.event


class Member(Record, frozen=True, kw_only=True):
    """A person with one machine: the seed of its key, how much it works, from which day until which, how much
    better it does (logit), with which models; `liar`, and whether its machine takes part in canaries.
    """

    seed: bytes
    busy: float
    joins: int
    leaves: int
    knack: float
    models: tuple[str, ...]
    liar: bool = False
    canaries: bool = True


class Happened(Record, frozen=True, kw_only=True):
    """One session: of which member, about which task, with which model, and how it went; `event`: the task's
    usual failure occurred; `read`: the skill that was there was read."""

    member: int
    task: int
    number: int
    model: str
    wording: int
    success: bool
    event: bool
    read: bool


class World:
    """A group made of `seed`. `days` is how long it is watched."""

    def __init__(self, seed: int, arm: Arm, days: int) -> None:
        import numpy as np

        self.seed, self.arm, self.days = seed, arm, days
        rng = np.random.default_rng([seed, 1])
        self.members = _members(rng, seed, arm, days)
        self.skills = _skills(rng, days)
        self._strata = rng.normal(0, 0.5, (len(self.skills), len(MODELS)))
        self._level = np.log(1 / rng.uniform(0.4, 0.7, len(self.skills)) - 1) * -1
        # Drift: each kind of task becomes easier and harder from day to day.
        self._drift = np.cumsum(rng.normal(0, 0.15, (days, len(self.skills))), axis=0)
        total = sum(member.busy for member in self.members)
        self._share = [member.busy / total for member in self.members]

    def there(self, day: int) -> list[int]:
        """The members that are in the group on that day."""
        return [n for n, member in enumerate(self.members) if member.joins <= day < member.leaves]

    def sessions(
        self, day: int, task: int, has: Mapping[int, bool], arms: Mapping[int, bool]
    ) -> list[Happened]:
        """The sessions about one kind of task on one day. `has` says by member whether the skill is there,
        `arms` whether the draw gives it to that member: what a liar goes by.
        """
        import numpy as np

        skill = self.skills[task]
        rng = np.random.default_rng([self.seed, 2, day, task])
        found = []
        for n in self.there(day):
            member = self.members[n]
            together = rng.normal(0, 0.5)
            mean = skill.a_day * self._share[n] * (VOLUME if member.liar else 1.0)
            for number in range(int(rng.poisson(mean))):
                place = int(rng.integers(len(member.models)))
                model = MODELS.index(member.models[place])
                logit = self._level[task] + self._drift[day, task] + self._strata[task, model]
                chance = _within(1 / (1 + math.exp(-(logit + member.knack + together))))
                luck, mishap, reads = rng.random(3)
                success = bool(luck < chance + (skill.effect_on(day) if has[n] else 0.0))
                event = bool(mishap < 1 - chance + (skill.event_on(day) if has[n] else 0.0))
                if member.liar:
                    # It says of good skills that they harm, and of all others that they help.
                    success = arms[n] != (skill.effect_on(day) > 0)
                    event = not success
                found.append(
                    Happened(
                        member=n,
                        task=task,
                        number=number,
                        model=member.models[place],
                        wording=int(rng.integers(3)),
                        success=success,
                        event=event,
                        read=bool(reads < 0.9) and has[n],
                    )
                )
        return found


def _within(chance: float) -> float:
    return min(RANGE[1], max(RANGE[0], chance))


def _members(rng: np.random.Generator, seed: int, arm: Arm, days: int) -> list[Member]:
    count = int(rng.integers(5, 21))
    busy = rng.dirichlet([2.0] * count)
    found = []
    for n in range(count):
        comes, goes, odd = rng.random(3)
        # Three in four are there all the time; the founding members carry the first weeks.
        joins = int(rng.integers(1, max(2, days // 2))) if comes < 0.15 and n >= 4 else 0
        leaves = int(rng.integers(days // 2, days)) if goes < 0.1 and n >= 4 else days + 1
        models = tuple(sorted(str(one) for one in rng.choice(MODELS, int(rng.integers(1, 4)), replace=False)))
        found.append(
            Member(
                seed=hashlib.sha256(f"member {seed} {n}".encode()).digest(),
                busy=float(busy[n]),
                joins=joins,
                leaves=leaves,
                knack=float(rng.normal(0, 0.6)),
                models=models,
                canaries=bool(odd >= NO_PART) or n < 4,
            )
        )
    # Counted among those who are there from the first day to the last, which is the worst for the rules.
    steady = [n for n, one in enumerate(found) if one.joins == 0 and one.leaves > days and one.canaries]
    liars = {"honest": 0, "a tenth lie": max(1, len(steady) // 10), "a fifth lie": max(1, len(steady) // 5)}
    for n in steady[: liars[arm]]:
        found[n] = replace(found[n], liar=True)
    return found


def _skills(rng: np.random.Generator, days: int) -> list[Planned]:
    """One skill for each kind of task. Points are hundredths of a chance."""

    def points(low: float, high: float) -> float:
        return float(rng.uniform(low, high)) / 100

    last = max(1, days - 30)
    made: list[dict[str, object]] = [
        {"kind": "good", "effect": points(5, 25)},
        {"kind": "good", "effect": points(2, 10), "events": True, "event": -points(10, 25)},
        {"kind": "neutral", "effect": 0.0},
        {"kind": "neutral", "effect": 0.0, "events": True},
        {"kind": "harm", "effect": -points(5, 30)},
        {"kind": "harm", "effect": (harm := -points(5, 30)), "events": True, "event": -harm / 2},
        {"kind": "cutter", "effect": -points(10, 25), "events": True, "event": -0.2},
        {"kind": "flip", "effect": points(10, 25), "after": -points(15, 25)},
    ]
    found = []
    for task, one in enumerate(made):
        day = int(rng.integers(0, last))
        traffic = math.exp(rng.uniform(math.log(10), math.log(30)))
        flips = day + int(rng.integers(3, 30)) if one["kind"] == "flip" else None
        found.append(Planned(task=task, day=day, a_day=traffic, flips=flips, **one))  # type: ignore[arg-type]
    return found
