"""The effect against the frozen control: the same tasks in both arms, and how sure their differences are.

Attempts with an error say nothing about an agent: a pair with one is dropped whole, and counted. What cannot
be computed is None, never a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.stats import binomtest

from skillclaw.bench.loop.resampling import DRAWS, SEED, Floats, interval, sums
from skillclaw.bench.loop.results import ABLATIONS, ARMS, Arm, Attempt, Phase, Variant

__all__ = [
    "ARMS",
    "Ci",
    "Effect",
    "Gap",
    "Pair",
    "Pairing",
    "Trend",
    "effect",
    "gap_closed",
    "held_out",
    "holm",
    "mcnemar",
    "mean_of",
    "paired",
    "trend",
]

Ci = tuple[float, float]


class Pair(NamedTuple):
    """The same task in two arms."""

    ours: Attempt
    theirs: Attempt


class Pairing(NamedTuple):
    """Usable pairs; pairs `dropped` because an arm has an error; attempts that have no other half."""

    pairs: list[Pair]
    dropped: int
    unpaired: int


class Effect(msgspec.Struct, frozen=True):
    """The first of two `arms` minus the second, on pairs of `days`.

    `ours`, `theirs` are their success shares, `difference` that of the shares with its bootstrap interval
    `ci` (None for fewer than two templates). Pairs are `better` or `worse` where only the first or only the
    second arm succeeded; `p` is exact McNemar's, `p_holm` the same corrected within its family of
    comparisons. `steps` and `tokens` are mean differences.
    """

    arms: tuple[Arm, Arm]
    days: tuple[int, ...]
    category: str | None
    variant: Variant | None
    pairs: int
    templates: int
    dropped: int
    unpaired: int
    ours: float | None
    theirs: float | None
    difference: float | None
    ci: Ci | None
    better: int
    worse: int
    p: float | None
    p_holm: float | None
    steps: float | None
    steps_ci: Ci | None
    tokens: float | None
    tokens_ci: Ci | None


class Gap(msgspec.Struct, frozen=True):
    """How much of what the hand-written skills gain the learned ones gain too: (evolving - frozen) /
    (ceiling - frozen) on tasks that all three arms did. `ci` is None where more than 2.5% of the draws have
    no gap to close.
    """

    days: tuple[int, ...]
    triples: int
    templates: int
    evolving: float | None
    frozen: float | None
    ceiling: float | None
    closed: float | None
    ci: Ci | None


class Trend(msgspec.Struct, frozen=True):
    """The difference evolving - frozen on the last day less that on the first: what the days added."""

    first: int | None
    last: int | None
    at_first: float | None
    at_last: float | None
    change: float | None
    ci: Ci | None


def held_out(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The measuring attempts."""
    return [a for a in attempts if a.phase == "held_out"]


Place = tuple[int, str, int, int]


def _by_task(attempts: Iterable[Attempt], days: Sequence[int] | None) -> dict[Arm, dict[Place, Attempt]]:
    """Each arm's attempts by day, template, seed, and a number where an arm has several (in the order of
    their users): what two arms share is the same task."""
    arms: dict[Arm, dict[Place, Attempt]] = {arm: {} for arm in (*ARMS, *ABLATIONS)}
    seen: Counter[tuple[Arm, int, str, int]] = Counter()
    for a in sorted(attempts, key=lambda a: a.key):
        if days is None or a.day in days:
            place = (a.arm, a.day, a.template, a.seed)
            arms[a.arm][a.day, a.template, a.seed, seen[place]] = a
            seen[place] += 1
    return arms


def paired(
    attempts: Iterable[Attempt],
    days: Sequence[int] | None = None,
    *,
    arms: tuple[Arm, Arm] = ("evolving", "frozen"),
) -> Pairing:
    """Attempts of one phase paired by day, template and seed, on `days` where given."""
    tasks = _by_task(attempts, days)
    ours, theirs = tasks[arms[0]], tasks[arms[1]]
    both = sorted(set(ours) & set(theirs))
    pairs = [Pair(ours[key], theirs[key]) for key in both if not ours[key].error and not theirs[key].error]
    return Pairing(pairs, len(both) - len(pairs), len(set(ours) ^ set(theirs)))


def mcnemar(better: int, worse: int) -> float:
    """McNemar's exact p, two-sided: the discordant pairs against a fair coin. 1 without any."""
    return float(binomtest(better, better + worse, 0.5).pvalue) if better + worse else 1.0


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Each p corrected for the number of them (Holm, Scandinavian Journal of Statistics 6 (1979) 65-70); None
    stays None and counts for nothing."""
    known = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    found: list[float | None] = [None] * len(ps)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        found[index] = largest
    return found


def effect(
    attempts: Iterable[Attempt],
    days: Sequence[int],
    *,
    category: str | None = None,
    variant: Variant | None = None,
    phase: Phase = "held_out",
    arms: tuple[Arm, Arm] = ("evolving", "frozen"),
    draws: int = DRAWS,
    seed: int = SEED,
) -> Effect:
    """The first of `arms` minus the second on the pairs of `days`, of a category and a variant where given;
    `p_holm` is left to whoever knows the family."""
    chosen = [
        a
        for a in attempts
        if a.phase == phase
        and (category is None or a.category == category)
        and (variant is None or a.variant == variant)
    ]
    pairs, dropped, unpaired = paired(chosen, days, arms=arms)
    rows = [(p.ours.template, _differences(p)) for p in pairs]
    clusters = _clusters(rows, sorted({template for template, _ in rows}))
    mean = np.mean([row for _, row in rows], axis=0) if rows else None
    drawn = None
    if len(clusters) > 1:
        (total,) = sums([clusters], draws=draws, seed=seed)
        drawn = total / total[:, -1:]
    better = sum(p.ours.success and not p.theirs.success for p in pairs)
    worse = sum(p.theirs.success and not p.ours.success for p in pairs)

    def value(column: int) -> float | None:
        return None if mean is None else float(mean[column])

    def spread(column: int) -> Ci | None:
        return None if drawn is None else interval(drawn[:, column])

    return Effect(
        arms=arms,
        days=tuple(days),
        category=category,
        variant=variant,
        pairs=len(pairs),
        templates=len(clusters),
        dropped=dropped,
        unpaired=unpaired,
        ours=mean_of([p.ours.success for p in pairs]),
        theirs=mean_of([p.theirs.success for p in pairs]),
        difference=value(0),
        ci=spread(0),
        better=better,
        worse=worse,
        p=mcnemar(better, worse) if pairs else None,
        p_holm=None,
        steps=value(1),
        steps_ci=spread(1),
        tokens=value(2),
        tokens_ci=spread(2),
    )


def _differences(pair: Pair) -> Sequence[float]:
    ours, theirs = pair
    return (
        float(ours.success) - float(theirs.success),
        float(ours.steps - theirs.steps),
        float(ours.tokens_in + ours.tokens_out - theirs.tokens_in - theirs.tokens_out),
        1.0,
    )


def _clusters(rows: Iterable[tuple[str, Sequence[float]]], templates: Sequence[str]) -> list[Floats]:
    """The rows of each template; the last column counts them."""
    found: dict[str, list[Sequence[float]]] = {template: [] for template in templates}
    width = 0
    for template, row in rows:
        found[template].append(row)
        width = len(row)
    return [np.array(found[t], dtype=np.float64).reshape(-1, width) for t in templates]


def gap_closed(
    attempts: Iterable[Attempt], days: Sequence[int], *, draws: int = DRAWS, seed: int = SEED
) -> Gap:
    """The share of the ceiling's gain that the evolving arm reaches on `days`."""
    tasks = _by_task(held_out(attempts), days)
    shared = sorted(set.intersection(*(set(tasks[arm]) for arm in ARMS)))
    triples = [[tasks[arm][key] for arm in ARMS] for key in shared]
    rows = [
        (triple[0].template, [*(float(a.success) for a in triple), 1.0])
        for triple in triples
        if not any(a.error for a in triple)
    ]
    clusters = _clusters(rows, sorted({template for template, _ in rows}))
    if not rows:
        return Gap(tuple(days), 0, 0, None, None, None, None, None)
    ours, theirs, best, _ = (float(v) for v in np.mean([row for _, row in rows], axis=0))
    closed = (ours - theirs) / (best - theirs) if best > theirs else None
    ci = None
    if closed is not None and len(clusters) > 1:
        (total,) = sums([clusters], draws=draws, seed=seed)
        gain, gap = total[:, 0] - total[:, 1], total[:, 2] - total[:, 1]
        if np.mean(gap > 0) >= 0.975:
            ci = interval(gain[gap > 0] / gap[gap > 0])
    return Gap(tuple(days), len(rows), len(clusters), ours, theirs, best, closed, ci)


def trend(attempts: Iterable[Attempt], *, draws: int = DRAWS, seed: int = SEED) -> Trend:
    """The difference in differences between the first and the last day that both arms were measured on."""
    given = held_out(attempts)
    shared = {a.day for a in given if a.arm == "evolving"} & {a.day for a in given if a.arm == "frozen"}
    if len(shared) < 2:
        return Trend(None, None, None, None, None, None)
    first, last = min(shared), max(shared)
    days = [[(p.ours.template, _differences(p)) for p in paired(given, [day]).pairs] for day in (first, last)]
    if not all(days):
        return Trend(first, last, None, None, None, None)
    before, after = (float(np.mean([row[0] for _, row in rows])) for rows in days)
    templates = sorted({template for rows in days for template, _ in rows})
    ci = None
    if len(templates) > 1:
        early, late = sums([_clusters(rows, templates) for rows in days], draws=draws, seed=seed)
        held = (early[:, -1] > 0) & (late[:, -1] > 0)
        ci = interval(late[held, 0] / late[held, -1] - early[held, 0] / early[held, -1])
    return Trend(first, last, before, after, after - before, ci)


def mean_of(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return float(np.mean(values)) if values else None
