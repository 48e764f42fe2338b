"""How often the pooled bar finds a true gain: the table of docs/loop.md (`-m slow -rP` prints its rows)."""

from __future__ import annotations

import numpy as np
import pytest

from skillclaw.bench.loop.plan import Plan
from skillclaw.bench.loop.pooling import OneRun, pool
from skillclaw.bench.loop.results import Arm, Attempt

RUNS, TEMPLATES, SETS, DRAWS = 3, 14, 200, 1000
OF_TEMPLATES, OF_RUNS = 0.25, 0.08
"""Standard deviations of the gain."""
ALONE = 0.02
"""What the frozen arm solves."""


def attempt(arm: Arm, template: int, seed: int, success: bool) -> Attempt:
    return Attempt(
        arm=arm,
        phase="held_out",
        day=4,
        suite="house",
        category="all",
        template=f"t{template}",
        task=f"t{template}-{seed}",
        seed=seed,
        success=success,
        score=float(success),
        steps=1,
        tokens_in=1,
        tokens_out=1,
        seconds=1,
        turns=1,
    )


def plan(seed: int, instances: int) -> Plan:
    return Plan(
        suite="house",
        source="",
        templates=tuple(f"t{n}" for n in range(TEMPLATES)),
        unseen=(),
        agent="minimal",
        model="m",
        temperature=0.2,
        seed=seed,
        users=4,
        days=4,
        stream=8,
        held_out=instances,
        screen=0,
        threshold=0.2,
        arms=("evolving", "frozen"),
    )


def found(gain: float, instances: int, chance: np.random.Generator) -> bool:
    """Whether three runs of a method with this mean gain meet the bar."""
    own = np.clip(gain + chance.normal(0, OF_TEMPLATES, TEMPLATES), 0, 1) if gain else np.zeros(TEMPLATES)
    own = np.clip(own * gain / max(float(own.mean()), 1e-9), 0, 1)
    runs = []
    for seed in range(RUNS):
        learned = np.clip(own + (chance.normal(0, OF_RUNS) if gain else 0), 0, 1)
        attempts = []
        for template in range(TEMPLATES):
            for instance in range(instances):
                better = bool(chance.random() < min(1.0, learned[template] + ALONE))
                attempts.append(attempt("evolving", template, instance, better))
                attempts.append(attempt("frozen", template, instance, bool(chance.random() < ALONE)))
        runs.append(OneRun(plan(seed, instances), attempts, []))
    return bool(pool(runs, {}, draws=DRAWS).bars[0].met)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("instances", [1, 2])
def test_a_true_gain_is_found_as_often_as_the_docs_say(instances: int) -> None:
    chance = np.random.default_rng(instances)
    shares = {gain: sum(found(gain, instances, chance) for _ in range(SETS)) / SETS for gain in (0, 0.2, 0.4)}
    more = {gain: sum(found(gain, instances, chance) for _ in range(SETS)) / SETS for gain in (0.1, 0.3)}
    for gain, share in sorted((shares | more).items()):
        print(f"{instances} instances, {100 * gain:.0f} points: {share:.1%}")
    assert shares[0] <= 0.05
    assert shares[0.2] < shares[0.4]
    assert shares[0.4] >= 0.8
