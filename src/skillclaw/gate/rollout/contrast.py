"""The difference between the arms with an interval for one look, for the guard. Pure.

Each block's value is taken less what is usual for its strata, and less a forecast from the other blocks of
its client, then of its day (both drawn towards none). That changes nothing of the draw, so the difference of
the arms' means stays all but unbiased, with less noise (Wu and Gagnon-Bartsch, "The LOOP estimator",
Evaluation Review 42 (2018) 458-488). The spread is Neyman's over blocks, which are what was drawn, so that
sessions of a block may depend on each other as they like (Abadie, Athey, Imbens and Wooldridge, "When should
you adjust standard errors for clustering?", QJE 138 (2023) 1-35).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

from skillclaw.gate.rollout.blocks import Block

__all__ = ["Contrast", "contrast", "lowest"]

PULL = 5.0
"""Full blocks' worth of weight that the mean of all has in a client's and in a day's."""


class Contrast(NamedTuple):
    """Treated less control, 1 the best; standard error, and blocks less two."""

    difference: float
    error: float
    freedom: int

    def bound(self, confidence: float, *, lower: bool) -> float:
        """One-sided bound of the difference by Student's t (Fisher's expansion of its quantile)."""
        z = NormalDist().inv_cdf(confidence)
        f = self.freedom
        t = z + (z**3 + z) / (4 * f) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * f * f)
        return self.difference - t * self.error if lower else self.difference + t * self.error


def contrast(found: Sequence[Block]) -> Contrast | None:
    """None where an arm has fewer than two blocks, or the blocks do not vary."""
    left = _residuals(found)
    arms: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for one, residual in zip(found, left, strict=True):
        arms[one.treated].append((one.weight, residual))
    if min(len(arm) for arm in arms) < 2:
        return None
    control, treated = (_mean(arm) for arm in arms)
    error = math.sqrt(control[1] + treated[1])
    if error == 0:
        return None
    return Contrast(treated[0] - control[0], error, len(found) - 2)


def lowest(found: Sequence[Block], left_out: int, confidence: float) -> float:
    """The lower bound without the `left_out` people whose leaving lowers it most, taken out one after the
    other; -1 where nothing can be compared without them, or there is nobody else."""
    kept, bound = list(found), 1.0
    for _ in range(left_out):
        bounds = {}
        for person in sorted({one.user for one in kept}):
            rest = contrast([one for one in kept if one.user != person])
            bounds[person] = -1.0 if rest is None else rest.bound(confidence, lower=True)
        if not bounds:
            return -1.0
        person = min(bounds, key=lambda one: bounds[one])
        bound, kept = bounds[person], [one for one in kept if one.user != person]
    return bound


def _residuals(found: Sequence[Block]) -> list[float]:
    """Values less what is usual for their strata, for the client's other days, and for the day elsewhere."""
    left = [one.value - one.usual for one in found]
    for keys in ([one.client for one in found], [one.day for one in found]):
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for one, key, value in zip(found, keys, left, strict=True):
            sums[key][0] += one.weight
            sums[key][1] += one.weight * value
        left = [
            value - _others(sums[key], one.weight, value)
            for one, key, value in zip(found, keys, left, strict=True)
        ]
    return left


def _others(sums: Sequence[float], weight: float, value: float) -> float:
    return (sums[1] - weight * value) / (sums[0] - weight + PULL)


def _mean(arm: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Weighted mean, and the square of its standard error."""
    total = sum(weight for weight, _ in arm)
    mean = sum(weight * value for weight, value in arm) / total
    n = len(arm)
    spread = sum((weight * (value - mean)) ** 2 for weight, value in arm) / total**2
    return mean, spread * n / (n - 1)
