"""Several runs as one result: the bars, their intervals, and what cannot be pooled."""

from __future__ import annotations

import random
from typing import Any

import pytest

from skillclaw.bench.loop.plan import Plan
from skillclaw.bench.loop.pooling import OneRun, Pooled, pool
from skillclaw.bench.loop.results import Arm, Attempt, Night
from skillclaw.bench.loop.summary import pooled
from skillclaw.errors import BadInputError

TEMPLATES = tuple(f"t{n}" for n in range(8))
RULES = {name: ("orders-site",) if name in ("t0", "t1") else ("other",) for name in TEMPLATES}


def plan(seed: int, **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "suite": "house",
        "source": "",
        "templates": TEMPLATES,
        "unseen": (),
        "agent": "minimal",
        "model": "m",
        "temperature": 0.2,
        "seed": seed,
        "users": 4,
        "days": 4,
        "stream": 8,
        "held_out": 1,
        "screen": 0,
        "threshold": 0.2,
    }
    return Plan(**(values | changes))


def attempt(arm: Arm, day: int, template: str, success: bool, *, skills: tuple[str, ...] = ()) -> Attempt:
    return Attempt(
        arm=arm,
        phase="held_out",
        day=day,
        suite="house",
        category="odd" if int(template[1:]) % 2 else "even",
        template=template,
        task=f"{template}-{day}",
        seed=day,
        success=success,
        score=float(success),
        steps=1,
        tokens_in=1,
        tokens_out=1,
        seconds=1,
        turns=1,
        skills=skills,
    )


def run(seed: int, right: dict[Arm, set[str]], nights: list[Night] | None = None, **changes: Any) -> OneRun:
    """The templates that each arm gets right on the last day."""
    made = plan(seed, arms=tuple(right), **changes)
    found = [attempt(arm, 4, name, name in right[arm]) for arm in right for name in TEMPLATES]
    return OneRun(made, found, nights or [])


def bars(found: Pooled) -> dict[str, bool | None]:
    return {bar.bar.split(",")[0]: bar.met for bar in found.bars}


HELPS = "Held-out success above the frozen control"
FALLS = "No category falls by more than 10 points"
MANY = "Many users beat one"
GONE = "The planted wrong skill is gone by the last day"
RELEARNED = "The drifted rule is relearned by the last day"


def test_what_every_run_gains_on_most_templates_meets_the_bar() -> None:
    better: dict[Arm, set[str]] = {
        "evolving": set(TEMPLATES[:6]),
        "frozen": set(),
        "single": set(TEMPLATES[:1]),
    }
    found = pool([run(seed, better) for seed in (0, 1, 2)], RULES)
    assert found.primary.difference == 0.75 and found.primary.pairs == 24 and found.primary.runs == 3
    assert bars(found) == {HELPS: True, FALLS: True, MANY: True}
    assert "24 pairs of 8 templates in 3 runs: 18 better, 0 worse" in pooled(found)


def test_what_one_template_carries_is_not_shown_to_help() -> None:
    right: dict[Arm, set[str]] = {"evolving": {"t0"}, "frozen": set()}
    found = pool([run(seed, right) for seed in (0, 1, 2)], RULES)
    assert found.primary.difference == 0.125
    assert bars(found)[HELPS] is False


def test_a_category_that_falls_misses_its_bar_though_all_together_gain() -> None:
    right: dict[Arm, set[str]] = {"evolving": {"t0", "t2", "t4", "t6"}, "frozen": {"t1"}}
    found = pool([run(seed, right) for seed in (0, 1, 2)], RULES)
    assert found.primary.difference == 0.375
    assert bars(found)[FALLS] is False
    assert "Worst: odd" in found.bars[1].said


def test_where_no_run_gains_the_interval_seldom_lies_above_zero() -> None:
    chance = random.Random(5)
    hits = 0
    for _ in range(60):
        runs = [
            run(
                seed, {arm: {t for t in TEMPLATES if chance.random() < 0.3} for arm in ("evolving", "frozen")}
            )
            for seed in (0, 1, 2)
        ]
        hits += bool(bars(pool(runs, RULES, draws=300))[HELPS])
    assert hits <= 4


def planted(days: dict[int, bool]) -> OneRun:
    made = plan(9, arms=("evolving", "frozen"), plant="shift-times", plant_day=2, watched=("--zone local",))
    there = {day: ("shift-times",) if days[day] else () for day in days}
    found = [attempt("evolving", day, "t0", False, skills=there[day]) for day in days]
    return OneRun(made, [*found, *(attempt("frozen", day, "t0", True) for day in days)], [])


@pytest.mark.parametrize("last", [True, False])
def test_a_planted_skill_has_to_be_gone_on_the_last_day(last: bool) -> None:
    found = pool([planted({1: False, 2: True, 3: True, 4: last})], RULES)
    assert bars(found)[GONE] is not last
    assert found.planted[0]["offered"] == {"2": True, "3": True, "4": last}
    assert found.planted[0]["success"]["4"] == {"evolving": 0.0, "frozen": 1.0}


@pytest.mark.parametrize(
    ("holds", "met"), [(("new",), True), (("old", "new"), False), (("old",), False), ((), False)]
)
def test_a_rule_is_relearned_where_a_skill_tells_it_as_it_is_and_none_as_it_was(
    holds: tuple[str, ...], met: bool
) -> None:
    nights = [Night(day=3, sessions=1, patterns=1, seconds=1, holds=holds)]
    right: dict[Arm, set[str]] = {"evolving": {"t0", "t2"}, "frozen": set()}
    found = pool([run(9, right, nights, drift="orders-site", drift_day=3, watched=("old", "new"))], RULES)
    assert bars(found)[RELEARNED] is met
    assert found.drifted[0]["success"]["4"]["evolving"] == 0.5, "of the two templates that need the rule"


def test_a_run_with_a_plant_says_nothing_of_the_first_bars() -> None:
    right: dict[Arm, set[str]] = {"evolving": set(TEMPLATES), "frozen": set()}
    found = pool([run(0, {"evolving": set(), "frozen": set()}), run(1, right, plant="x", plant_day=2)], RULES)
    assert found.primary.difference == 0.0 and found.primary.runs == 1


@pytest.mark.parametrize("changes", [{"seed": 0}, {"model": "other"}, {"stream": 9}])
def test_runs_that_are_not_alike_or_are_one_are_refused(changes: dict[str, Any]) -> None:
    right: dict[Arm, set[str]] = {"evolving": set(), "frozen": set()}
    other = run(1, right)
    other = other._replace(plan=plan(**({"seed": 1, "arms": ("evolving", "frozen")} | changes)))
    with pytest.raises(BadInputError, match="cannot be pooled"):
        pool([run(0, right), other], RULES)
