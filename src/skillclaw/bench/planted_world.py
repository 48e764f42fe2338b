"""Data sets with planted lessons, and data sets of noise that is made to look like lessons.

Noise that must give nothing: calls that fail for no reason; retries that work by luck, with an argument
changed at random; habits of single users; a strong model with a way of its own (its success is the model's);
boilerplate that many requests share; the same request again with a word more; outcomes that nobody knows;
corrections that no second user repeats. Planted sessions carry the same noise. A session holds one lesson at
most, so that the truth about it is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from skillclaw.bench.planted_claims import CLAIMS
from skillclaw.bench.planted_lessons import MODELS, Lesson, Part, Role, Scene, chance
from skillclaw.bench.planted_noise import (
    ASKS,
    BOILERPLATE,
    HABITS,
    STRONG,
    TOOLS,
    noise,
    remarks,
    some_call,
    strong_way,
)
from skillclaw.bench.planted_repairs import REPAIRS
from skillclaw.bench.planted_session import NAMES, THINGS, Script, session
from skillclaw.trajectory.model import Trajectory, meta
from skillclaw.trajectory.text import word_set

__all__ = [
    "ENOUGH_POWER",
    "FREQUENCIES",
    "LESSONS",
    "Truth",
    "World",
    "noise_world",
    "planted_world",
    "power",
]

LESSONS = (*REPAIRS, *CLAIMS)
FREQUENCIES = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
"""Shares of the sessions that a planted lesson may hold."""

SLATES: tuple[tuple[float, ...], ...] = (
    (0.5, 0.1, 0.05, 0.05, 0.02, 0.02, 0.01, 0.01),
    (0.25, 0.25, 0.1, 0.05, 0.05, 0.02, 0.02, 0.01, 0.01),
    (0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01),
)
"""The frequencies of one data set; together below 1, the rest is noise."""

ENOUGH_POWER = 0.8
ALPHA = 0.05
DRAWS = 400

USERS = tuple(sorted(word_set("ana bo chen dee eli fay gus hana")))
DAYS = 60
UNKNOWN = 0.15
"""Share of the sessions without a claim about success whose outcome nobody knows."""
CORRECTED = 0.04


class Truth(NamedTuple):
    """What is true of a planted lesson in one data set. `roles`: session key -> its role.

    power is the chance that the test finds the difference at these sizes (see `power`); None for lessons that
    claim nothing about success.
    """

    lesson: Lesson
    frequency: float
    roles: dict[str, Role]
    users: int
    power: float | None

    @property
    def evidence(self) -> frozenset[str]:
        """The sessions that a pattern of this lesson must cite."""
        return frozenset(key for key, role in self.roles.items() if role == "evidence")

    @property
    def supported(self) -> bool:
        """At least 5 sessions of at least 3 users: from here on a lesson must be found."""
        return len(self.evidence) >= 5 and self.users >= 3

    @property
    def due(self) -> bool:
        """Supported, and where it claims success, with enough power."""
        return self.supported and (self.power is None or self.power >= ENOUGH_POWER)


class World(NamedTuple):
    """The sessions of a data set and what was planted in them."""

    sessions: list[Trajectory]
    truths: list[Truth]


def noise_world(seed: int, sessions: int) -> World:
    """Noise alone: no pattern of it is true."""
    random = Random(f"noise {seed}")  # noqa: S311 - data, not secrets
    said = remarks(random)
    return World([_session(random, f"n{seed}-{n}", said, None)[0] for n in range(sessions)], [])


def planted_world(seed: int, sessions: int, slate: int) -> World:
    """`sessions` sessions with the frequencies of `SLATES[slate]`; lessons are drawn for each seed anew."""
    random = Random(f"planted {seed} {sessions} {slate}")  # noqa: S311 - data, not secrets
    frequencies = SLATES[slate]
    lessons = random.sample(LESSONS, len(frequencies))
    if seed % 2:
        # A comparison of success needs many sessions: in every other seed these lessons are the frequent.
        lessons.sort(key=lambda lesson: lesson.rates is None)
    held = [n for n, f in enumerate(frequencies) for _ in range(round(f * sessions))]
    places: list[int | None] = [*held, *([None] * (sessions - len(held)))]
    random.shuffle(places)
    said = remarks(random)
    made: list[Trajectory] = []
    parts: list[list[tuple[Trajectory, Part]]] = [[] for _ in lessons]
    for number, place in enumerate(places):
        native = f"p{seed}-{sessions}-{number}"
        trajectory, part = _session(random, native, said, None if place is None else lessons[place])
        made.append(trajectory)
        if place is not None and part is not None:
            parts[place].append((trajectory, part))
    tested = {kind: sum(x.kind == kind for x in lessons) + len(ASKS) for kind in ("procedure", "pitfall")}
    truths = [
        _truth(lesson, frequency, own, tested.get(lesson.kind, 0), seed)
        for lesson, frequency, own in zip(lessons, frequencies, parts, strict=True)
    ]
    return World(made, truths)


def _truth(
    lesson: Lesson, frequency: float, parts: list[tuple[Trajectory, Part]], tested: int, seed: int
) -> Truth:
    roles = {meta(t).key: part.role for t, part in parts}
    users = len({meta(t).user for t, part in parts if part.role == "evidence"})
    found = None
    if lesson.rates is not None:
        did = {model: [0, 0] for model in MODELS}
        for trajectory, part in parts:
            did[trajectory.agent.model_name or ""][0 if part.did else 1] += 1
        found = power([tuple(did[m]) for m in MODELS], lesson.rates, ALPHA / tested, seed)
    return Truth(lesson, frequency, roles, users, found)


def power(groups: list[tuple[int, ...]], rates: tuple[float, float], alpha: float, seed: int = 0) -> float:
    """The chance that a Cochran-Mantel-Haenszel test (continuity corrected) gives p <= `alpha`.

    groups: for each model the sessions (with, without). Their outcomes are drawn `DRAWS` times at `rates`
    (with, without; shifted by the model as `chance` says) and the test is made of each draw, with one stratum
    per model. With `alpha` = 0.05 / m, Benjamini-Hochberg at 5% over m claims keeps what passes, whatever the
    other claims are.
    """
    random = np.random.default_rng(seed)
    observed, expected, variance = np.zeros(DRAWS), np.zeros(DRAWS), np.zeros(DRAWS)
    for (first, second), model in zip(groups, MODELS, strict=True):
        n = first + second
        if not first or not second:
            continue
        a = random.binomial(first, chance(rates[0], model), DRAWS)
        good = a + random.binomial(second, chance(rates[1], model), DRAWS)
        observed += a
        expected += first * good / n
        variance += first * second * good * (n - good) / (n * n * (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.maximum(0.0, np.abs(observed - expected) - 0.5) ** 2 / variance
    better = observed > expected
    return float(np.mean((np.nan_to_num(statistic) >= chi2.isf(alpha, 1)) & better))


def _session(
    random: Random, native: str, unheard: Iterator[str], lesson: Lesson | None
) -> tuple[Trajectory, Part | None]:
    user, model = random.choice(USERS), random.choice(tuple(MODELS))
    agent = random.choice(("claude-code", "codex"))
    thing, name = random.choice(THINGS), random.choice(NAMES)
    ask = random.choice(ASKS).format(thing=thing, name=name)
    success = random.random() < chance(0.5, model)
    own_way = ask == ASKS[1].format(thing=thing, name=name) and model == STRONG[0] and random.random() < 0.9
    script = strong_way(random, thing) if own_way else noise(random, agent, model, thing, name)
    if user in HABITS and lesson is None and not own_way:
        tool, args = HABITS[user]
        script = [(tool, dict(args), "ok", True), *script]
    part = None
    said, then = "", Script()
    if lesson is not None:
        part = lesson.make(Scene(random, agent, model, thing, name, ask, script, success))
        ask, script, success, said, then = part.ask, part.script, part.success, part.said, part.then
    elif random.random() < CORRECTED and (remark := next(unheard, "")):
        said, then = remark, [some_call(random, agent, random.choice(TOOLS), thing, name)]
    if random.random() < 0.4:
        ask = random.choice(BOILERPLATE) + ask
    if random.random() < 0.15:
        ask = f"{ask}, please" if random.random() < 0.5 else f"{ask}!"
    # Where success is the claim, the truth about it must be known.
    unknown = (lesson is None or lesson.rates is None) and random.random() < UNKNOWN
    made = session(
        native,
        user,
        ask,
        script,
        success=None if unknown else success,
        agent=agent,
        model=model,
        project=random.choice(("shop", "office")),
        day=random.randrange(DAYS),
        said_after=(said,) if said else (),
        then=then,
    )
    return made, part
