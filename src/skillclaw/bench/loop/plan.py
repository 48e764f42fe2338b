"""What a run will do, fixed before it starts: which templates, which instances, on which day.

Everything follows from the suite and the seed. No instance serves two purposes: what screening or the stream
may use is never measured.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Sequence
from functools import cache
from itertools import cycle, islice, zip_longest
from typing import Literal, Protocol, runtime_checkable

from skillclaw.bench.loop.results import ABLATIONS, ARMS, Arm, Variant
from skillclaw.bench.suites.model import Suite, Task
from skillclaw.errors import UsageError
from skillclaw.trajectory.model import Record

__all__ = [
    "ABLATIONS",
    "ARMS",
    "Draw",
    "Plan",
    "choose_unseen",
    "draws",
    "held_out_draws",
    "screen_draws",
    "serves",
    "stream_draws",
    "variant_of",
]

TRIES = 2000
"""Seeds tried for instances with different instructions, before those with one that was drawn already do."""

SEEDS = 1_000_000
"""Instances are drawn with seeds below this."""

Purpose = Literal["screen", "stream", "held out"]


class Plan(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The settings of a run, written before the first attempt; a run is only ever continued with the same.

    source     the name of the folder that the suite's data lie in; where it lies may change
    image      of the suite's rooms; empty without
    relay      whether the model was held to tool calls by the relay
    days       days measured; between two of them lies a night, so that there are days - 1 nights
    stream     tasks that each user's agent works on in a day
    held_out   instances of each template measured a day and arm
    screen     instances of each template and arm in the screening; 0 lets every template in
    threshold  by how much the ceiling must beat none in the screening
    rates      of the scripted agent: success alone, and when it knows the rules
    unseen     those of the templates that are measured but never in the stream
    ceiling_last  whether the ceiling is measured on the last day only
    plant      the name of a wrong skill that is released into the evolving arm before day `plant_day`
    drift      the rule of the suite that is another from day `drift_day` on
    watched    texts that are looked for in the installed skills after each night: what tells the planted
               skill; then what tells the rule as it was, and as it is
    """

    version: int = 1
    suite: str
    source: str
    image: str = ""
    templates: tuple[str, ...]
    unseen: tuple[str, ...]
    agent: str
    model: str
    relay: bool = False
    temperature: float
    seed: int
    users: int
    days: int
    stream: int
    held_out: int
    screen: int
    threshold: float
    rates: tuple[float, ...] = ()
    arms: tuple[Arm, ...] = ARMS
    ceiling_last: bool = False
    plant: str = ""
    plant_day: int = 0
    drift: str = ""
    drift_day: int = 0
    watched: tuple[str, ...] = ()

    @property
    def learners(self) -> tuple[Arm, ...]:
        """The arms that work on the stream and sleep."""
        return ("evolving", *(arm for arm in self.arms if arm in ABLATIONS))

    def measured(self, day: int) -> tuple[Arm, ...]:
        """The arms that are measured on a day: how ablations end is all that is asked of them."""
        last = (*ABLATIONS, "ceiling") if self.ceiling_last else ABLATIONS
        return tuple(arm for arm in self.arms if arm not in last or day == self.days)


class Draw(Record, frozen=True, kw_only=True):
    """One instance to be worked on."""

    template: str
    seed: int
    user: str = ""


def variant_of(plan: Plan, template: str) -> Variant:
    """`template` where learning never meets the template, else `instance`."""
    return "template" if template in plan.unseen else "instance"


def draws(
    plan: Plan,
    suite: Suite,
    purpose: Purpose,
    template: str,
    count: int,
    again: str = "",
    taken: Collection[int] = (),
) -> list[Draw]:
    """`count` instances of `template` for this purpose, with as many different instructions as there are.

    again  tells draws for the same purpose apart (the day)
    taken  seeds that must not be drawn

    Which purpose an instance may serve follows from its instruction: none that screening or the stream may
    use is ever drawn for measuring. Raises UsageError where there are too few.
    """
    chance = random.Random(f"{plan.seed} {purpose} {again} {template}")  # noqa: S311 - drawn again
    found: dict[str, Draw] = {}
    spare: list[Draw] = []
    drawn = set(taken)
    for _ in range(TRIES):
        if len(found) == count:
            break
        seed = chance.randrange(SEEDS)
        if seed in drawn:
            continue
        drawn.add(seed)
        instruction = suite.draw(template, seed).instruction
        if serves(plan.seed, suite, template, instruction) != purpose:
            continue
        draw = Draw(template=template, seed=seed)
        if instruction in found:
            spare.append(draw)
        else:
            found[instruction] = draw
    chosen = [*found.values(), *spare][:count]
    if len(chosen) < count:
        raise _too_few(template, purpose, count, len(chosen))
    return chosen


def _numbered(plan: Plan, seeds: Sequence[int], purpose: Purpose, template: str, count: int) -> list[Draw]:
    """`count` of a template's fixed instances, in an order that the run's seed settles."""
    order = random.Random(f"{plan.seed} {template}").sample(seeds, len(seeds))  # noqa: S311 - drawn again
    if purpose == "stream":
        order = order[plan.screen :]
    if count > len(order) and (purpose != "stream" or not order):
        raise _too_few(template, purpose, count, len(order))
    # Work may come again; what is measured, or chooses what is, may not.
    return [Draw(template=template, seed=seed) for seed in islice(cycle(order), count)]


def _too_few(template: str, purpose: str, wanted: int, there: int) -> UsageError:
    return UsageError(
        f"The template {template} has too few instances for this plan.",
        f"{wanted} are wanted for {purpose}; there are {there}.",
        "Plan fewer days, or fewer instances of each template.",
    )


def serves(seed: int, suite: Suite, template: str, instruction: str) -> Purpose:
    """What an instance with this instruction serves in a run with this seed: a fifth screen, two fifths the
    stream, two fifths measure."""
    if isinstance(suite, Counted):
        return _shares(seed, suite, template)[instruction]
    return _purpose(hashlib.sha256(f"{seed} {instruction}".encode()).digest()[0] / 256)


def _purpose(share: float) -> Purpose:
    return "screen" if share < 0.2 else "stream" if share < 0.6 else "held out"


@cache
def _shares(seed: int, suite: Counted, template: str) -> dict[str, Purpose]:
    """Every instruction of a template dealt out, so that each purpose gets its share of few as of many."""
    known = {suite.draw(template, number).instruction for number in range(suite.combinations(template))}
    order = sorted(known, key=lambda said: hashlib.sha256(f"{seed} {said}".encode()).digest())
    return {said: _purpose((rank + 0.5) / len(order)) for rank, said in enumerate(order)}


def screen_draws(plan: Plan, suite: Suite) -> list[Draw]:
    """The instances of the screening, for both its arms: one of every template, then another of every one."""
    found = [
        _of_learning(plan, suite, "screen", template, plan.screen) for template in _by_turns(plan, suite)
    ]
    return [draw for turn in zip(*found, strict=True) for draw in turn]


def _by_turns(plan: Plan, suite: Suite) -> list[str]:
    """The templates, categories by turns: whatever part of them is done speaks of all categories."""
    groups: dict[str, list[str]] = {}
    for template in suite.templates():
        if template.id in plan.templates:
            groups.setdefault(template.category, []).append(template.id)
    return [one for turn in zip_longest(*groups.values()) for one in turn if one is not None]


def stream_draws(plan: Plan, suite: Suite, entered: Sequence[str]) -> list[list[Draw]]:
    """For each day but the last, what each user's agent works on: users by turns, templates shuffled.

    entered  the templates that the screening let in
    """
    learning = [template for template in entered if template not in plan.unseen]
    if not learning:
        return [[] for _ in range(plan.days - 1)]
    a_day = plan.users * plan.stream
    chance = random.Random(f"{plan.seed} stream")  # noqa: S311 - drawn again from the seed
    order: list[str] = []
    while len(order) < a_day * (plan.days - 1):
        order += chance.sample(learning, len(learning))
    order = order[: a_day * (plan.days - 1)]
    ready = {
        template: iter(_of_learning(plan, suite, "stream", template, order.count(template)))
        for template in learning
    }
    given = [next(ready[template]) for template in order]
    return [
        # Nobody is given one task twice in a day: where there are few, a day is shorter.
        list(
            dict.fromkeys(
                Draw(template=one.template, seed=one.seed, user=f"user{turn % plan.users + 1}")
                for turn, one in enumerate(given[day * a_day : (day + 1) * a_day])
            )
        )
        for day in range(plan.days - 1)
    ]


def held_out_draws(plan: Plan, suite: Suite, entered: Sequence[str]) -> list[list[Draw]]:
    """For each day the instances that every arm is measured on: a fresh draw a day.

    Raises UsageError where there are too few.
    """
    days: list[list[Draw]] = [[] for _ in range(plan.days)]
    if not days:
        return days
    alone = [template for template in entered if is_single(suite, template)]
    for number, template in enumerate(one for one in alone if one in plan.unseen):
        days[number % len(days)].append(Draw(template=template, seed=0))
    for template in entered:
        if template in alone:
            continue
        if isinstance(suite, Numbered):
            seeds, wanted = suite.held_out_seeds(template), plan.days * plan.held_out
            drawn = _numbered(plan, seeds, "held out", template, wanted)
            for number, day in enumerate(days):
                day += drawn[number * plan.held_out : (number + 1) * plan.held_out]
            continue
        taken: set[int] = set()
        for number, day in enumerate(days, 1):
            fresh = draws(plan, suite, "held out", template, plan.held_out, str(number), taken)
            taken |= {draw.seed for draw in fresh}
            day += fresh
    if entered and not all(days):
        raise UsageError(
            f"{suite.name} has fewer tasks to measure than the plan has days.",
            f"There are {sum(map(len, days))}, each measured once; the plan has {plan.days} days.",
            "Plan fewer days.",
        )
    return days


def _of_learning(plan: Plan, suite: Suite, purpose: Purpose, template: str, count: int) -> list[Draw]:
    if is_single(suite, template):
        if purpose == "screen" and count:
            raise UsageError(
                f"{suite.name} cannot be screened: its templates have one instance each.",
                "What screening uses must not be measured.",
                "Add --screen 0.",
            )
        return [Draw(template=template, seed=0)] * count
    if isinstance(suite, Numbered):
        return _numbered(plan, suite.learning_seeds(template), purpose, template, count)
    return draws(plan, suite, purpose, template, count)


def is_single(suite: Suite, template: str) -> bool:
    """Whether the template is one task: then it is in the stream or measured, never both."""
    return isinstance(suite, Counted) and suite.combinations(template) == 1


def choose_unseen(suite: Suite, templates: Sequence[str], seed: int) -> tuple[str, ...]:
    """The templates that the stream must not use: the suite's own choice, and half of the single ones."""
    own = suite.held_out() if isinstance(suite, Choosing) else frozenset()
    alone = sorted(
        (one for one in templates if one not in own and is_single(suite, one)),
        key=lambda one: hashlib.sha256(f"{seed} {one}".encode()).digest(),
    )
    unseen = own | set(alone[::2])
    return tuple(one for one in templates if one in unseen)


@runtime_checkable
class Choosing(Protocol):
    """A suite that sets templates apart from learning itself."""

    def held_out(self) -> frozenset[str]:
        """Their ids."""
        ...


@runtime_checkable
class Counted(Protocol):
    """A suite that knows how many different instructions a template has; seeds go round through them."""

    def draw(self, template: str, seed: int) -> Task:
        """As `Suite.draw`."""
        ...

    def combinations(self, template: str) -> int:
        """The number of instructions."""
        ...


@runtime_checkable
class Numbered(Protocol):
    """A suite with a fixed number of instances of a template, which says itself which serve what."""

    def learning_seeds(self, template: str) -> Sequence[int]:
        """Seeds of the instances to learn from."""
        ...

    def held_out_seeds(self, template: str) -> Sequence[int]:
        """Seeds of the instances to measure on."""
        ...
