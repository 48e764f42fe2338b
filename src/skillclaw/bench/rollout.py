"""`skillclaw bench rollout`: how often the rules of the rollout are right, on simulated groups.

Each run is one canary in a group of its own: clients that use their agents more or less, a success rate that
drifts from day to day, task strata, clients that are better or worse, and sessions of one client and day that
go well or badly together. Arms are drawn by `hub.arms` and decided by `gate.rollout.decide`, once a day, as
the evolver does.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from skillclaw.errors import UsageError
from skillclaw.gate.rollout import Observation, Rules, decide
from skillclaw.hub.arms import block, treated
from skillclaw.trajectory.model import Record

__all__ = [
    "SCENARIOS",
    "Fate",
    "Row",
    "Scenario",
    "markdown",
    "observed",
    "play",
    "run_rollout_bench",
    "summary",
    "upper",
]

RELEASED = datetime(2026, 3, 2, tzinfo=UTC)
RANGE = (0.2, 0.8)
"""Where chances of success lie without the skill, so that any effect up to 20 points is what it says."""

Progress = Callable[[int, int | None, str], None]


class Scenario(Record, frozen=True, kw_only=True):
    """What is simulated.

    effect    added to the chance of success where the skill is there
    a_day     eligible sessions a day in the group; clients: how many there are, drawn anew for each run
    outcome   where the pattern's own failing action is known too and `effect` is on that: the effect on the
              outcome; None where the outcome is all there is
    liars     clients that tell of all that they send what is not so: success with the skill and failure
              without, of a skill that helps (that raises success) the other way round
    volume    how many times as many sessions a liar sends
    unknown   share of the eligible sessions of which nobody knows how they went
    """

    name: str
    effect: float
    a_day: float = 20.0
    clients: tuple[int, int] = (5, 20)
    outcome: float | None = None
    liars: int = 0
    volume: float = 10.0
    unknown: float = 0.0

    @property
    def helps(self) -> bool:
        """Whether it raises success."""
        return (self.effect if self.outcome is None else self.outcome) > 0


SCENARIOS = [
    Scenario(name="neutral", effect=0.0),
    Scenario(name="harm 5", effect=-0.05),
    Scenario(name="harm 15", effect=-0.15),
    Scenario(name="good 5", effect=0.05),
    Scenario(name="good 10", effect=0.10),
    Scenario(name="good 20", effect=0.20),
    Scenario(name="neutral, 60 a day", effect=0.0, a_day=60),
    Scenario(name="good 5, 60 a day", effect=0.05, a_day=60),
    Scenario(name="good 10, 60 a day", effect=0.10, a_day=60),
    Scenario(name="harm 15, 60 a day", effect=-0.15, a_day=60),
    Scenario(name="neutral, with events", effect=0.0, outcome=0.0),
    Scenario(name="good 20, with events", effect=0.20, outcome=0.05),
    Scenario(name="good 20, lowers success 15", effect=0.20, outcome=-0.15),
    Scenario(name="neutral, 3 a day", effect=0.0, a_day=3),
    Scenario(name="good 10, 3 a day", effect=0.10, a_day=3),
    Scenario(name="neutral, one liar", effect=0.0, liars=1),
    Scenario(name="harm 15, one liar", effect=-0.15, liars=1),
    Scenario(name="good 10, one liar", effect=0.10, liars=1),
    Scenario(name="good 20, one liar", effect=0.20, liars=1),
    Scenario(name="good 20, lowers success 15, one liar", effect=0.20, outcome=-0.15, liars=1),
    Scenario(name="neutral, four in ten unknown", effect=0.0, unknown=0.4),
    Scenario(name="harm 15, four in ten unknown", effect=-0.15, unknown=0.4),
    Scenario(name="good 20, four in ten unknown", effect=0.20, unknown=0.4),
]
Fate = tuple[Literal["promote", "unproven", "rollback"], int, int]
"""What became of one canary, after how many days, and how many eligible sessions there were by then."""


class Row(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What became of the canaries of one scenario. Shares are of `runs`; days are medians, null for none.

    promoted_upper   95% upper bound (Clopper and Pearson, one-sided) of the share that was promoted
    back_14_lower    95% lower bound of the share that was rolled back within 14 days
    """

    scenario: str
    runs: int
    promoted: float
    promoted_upper: float
    unproven: float
    rolled_back: float
    back_14: float
    back_14_lower: float
    days_to_promote: float | None
    days_to_roll_back: float | None
    eligible: float


def observed(scenario: Scenario, seed: int, days: int) -> list[list[Observation]]:
    """The eligible sessions of each day of one simulated group."""
    import numpy as np

    rng = np.random.default_rng([seed, *scenario.name.encode()])
    count = int(rng.integers(scenario.clients[0], scenario.clients[1] + 1))
    names = [rng.bytes(32).hex() for _ in range(count)]
    busy = rng.dirichlet(np.full(count, 2.0)) * scenario.a_day
    busy[: scenario.liars] *= scenario.volume
    skill = rng.normal(0, 0.6, count)
    strata = rng.normal(0, 0.7, 4)
    level = math.log(1 / rng.uniform(0.4, 0.8) - 1) * -1
    drift = 0.0
    found = []
    for at in range(days):
        drift += rng.normal(0, 0.15)
        day = block(RELEASED + timedelta(days=at))
        sessions: list[Observation] = []
        for client, name in enumerate(names):
            arm = treated(name, "skill", f"{seed}", day, Rules().share)
            together = rng.normal(0, 0.5)
            for number in range(int(rng.poisson(busy[client]))):
                stratum = int(rng.integers(4))
                logit = level + drift + skill[client] + strata[stratum] + together
                chance = min(RANGE[1], max(RANGE[0], 1 / (1 + math.exp(-logit))))
                fine = bool(rng.random() < chance + scenario.effect * arm)
                other = bool(rng.random() < chance + (scenario.outcome or 0.0) * arm)
                if client < scenario.liars:
                    fine = other = arm != scenario.helps
                known = not scenario.unknown or bool(rng.random() >= scenario.unknown)
                success = other if scenario.outcome is not None else fine
                sessions.append(
                    Observation(
                        client=name,
                        user=f"u{client}",
                        day=day,
                        session=f"{client}-{at}-{number}",
                        treated=arm,
                        event=not fine if scenario.outcome is not None else None,
                        success=success if known else None,
                        read=arm,
                        stratum=str(stratum),
                    )
                )
        found.append(sessions)
    return found


def play(scenario: Scenario, rules: Rules, seed: int) -> Fate:
    """What became of one canary."""
    sessions: list[Observation] = []
    for day, new in enumerate(observed(scenario, seed, math.ceil(rules.timeout)), 1):
        sessions += new
        decision = decide(sessions, released=RELEASED, now=RELEASED + timedelta(days=day), rules=rules)
        if decision.action != "wait":
            return decision.action, day, len(sessions)
    raise AssertionError("a canary is decided at its time-out")


def upper(hits: int, runs: int) -> float:
    """One-sided 95% upper bound of a share (Clopper and Pearson, Biometrika 26 (1934) 404-413)."""
    from scipy.stats import beta

    return 1.0 if hits >= runs else float(beta.ppf(0.95, hits + 1, runs - hits))


def run_rollout_bench(
    runs: int,
    *,
    only: Sequence[str] = (),
    rules: Rules | None = None,
    jobs: int = 1,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Every scenario, or those named `only`, with the seeds from 0 to `runs` - 1. `jobs` 1: in this process.

    `fates` has what became of each canary, in the order of the seeds.
    """
    unknown = set(only) - {one.name for one in SCENARIOS}
    if unknown:
        raise UsageError(
            f"There is no scenario {sorted(unknown)[0]!r}.",
            "",
            f"Known: {', '.join(s.name for s in SCENARIOS)}",
        )
    rules = rules if rules is not None else Rules()
    began = time.monotonic()
    fates: dict[str, list[Fate]] = {}
    for scenario in SCENARIOS:
        if only and scenario.name not in only:
            continue
        ends = fates[scenario.name] = []
        for end in _ends(partial(play, scenario, rules), runs, jobs):
            ends.append(end)
            if len(ends) % 20 == 0:
                progress(len(ends), runs, scenario.name)
    rows = [_row(name, ends) for name, ends in fates.items()]
    return {"rules": rules, "rows": rows, "fates": fates, "seconds": round(time.monotonic() - began, 1)}


def _ends(one: Callable[[int], Fate], runs: int, jobs: int) -> Iterator[Fate]:
    if jobs <= 1:
        yield from map(one, range(runs))
        return
    # A fresh process has none of this one's threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(one, range(runs), chunksize=5)


def _row(name: str, ends: Sequence[Fate]) -> Row:
    runs = len(ends)
    promoted = [day for action, day, _ in ends if action == "promote"]
    back = [day for action, day, _ in ends if action == "rollback"]
    soon = sum(day <= 14 for day in back)
    return Row(
        scenario=name,
        runs=runs,
        promoted=len(promoted) / runs,
        promoted_upper=round(upper(len(promoted), runs), 4),
        unproven=sum(action == "unproven" for action, _, _ in ends) / runs,
        rolled_back=len(back) / runs,
        back_14=soon / runs,
        back_14_lower=round(1 - upper(runs - soon, runs), 4),
        days_to_promote=_median(promoted),
        days_to_roll_back=_median(back),
        eligible=_median([n for _, _, n in ends]) or 0.0,
    )


def _median(values: Sequence[int]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def markdown(result: dict[str, Any]) -> str:
    """The rows as the table of docs/rollout.md."""
    parts = ("scenario", "runs", "promoted (at most)", "unproven", "rolled back")
    head = (*parts, "in 14 days (at least)", "median day up", "down")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in result["rows"]:
        cells = (
            row.scenario,
            f"{row.runs:,}",
            f"{row.promoted:.1%} ({row.promoted_upper:.1%})",
            f"{row.unproven:.1%}",
            f"{row.rolled_back:.1%}",
            f"{row.back_14:.2%} ({row.back_14_lower:.2%})",
            *("" if d is None else f"{d:g}" for d in (row.days_to_promote, row.days_to_roll_back)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def summary(result: dict[str, Any]) -> str:
    """The rows for people."""
    head = (
        "scenario",
        "promoted",
        "at most",
        "unproven",
        "rolled back",
        "in 14 days",
        "at least",
        "days up",
        "days down",
    )
    lines = [head]
    for row in result["rows"]:
        shares = (
            row.promoted,
            row.promoted_upper,
            row.unproven,
            row.rolled_back,
            row.back_14,
            row.back_14_lower,
        )
        days = (row.days_to_promote, row.days_to_roll_back)
        lines.append(
            (row.scenario, *(f"{s:.1%}" for s in shares), *("-" if d is None else f"{d:g}" for d in days))
        )
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if not at else cell.rjust(w)
            for at, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
