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
from statistics import NormalDist, median
from typing import NamedTuple

from skillclaw.gate.rollout.blocks import Block
from skillclaw.gate.rollout.people import FEW

__all__ = ["Contrast", "Trimmed", "contrast", "lowest", "trimmed"]

PULL = 5.0
"""Full blocks' worth of weight that the mean of all has in a client's and in a day's."""

ROUNDS = 5
"""How often people are left out at either end: of a large group several at once."""


ROUNDING = 1e-12
"""A difference of rates below this is what sums leave of none: where no block varies, no error hides it."""

MOST = 3.0
"""How many times the weight of the median person one may have."""


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
    """None where an arm has fewer than two blocks. Blocks that do not vary, as where everybody always
    succeeds, leave no doubt (error 0): that is no reason to hear who is left out."""
    return _fit(found)[0]


class Trimmed(NamedTuple):
    """The contrast without the people at either end, and who they are: those who speak most for harm, and for
    help."""

    contrast: Contrast | None
    harm: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


def trimmed(found: Sequence[Block], out: int) -> Trimmed:
    """The difference without the `out` people who lower it most and the `out` who raise it most: a mean that
    is trimmed by person at both ends (Tukey; Huber and Ronchetti, Robust Statistics, 2009, 1.2 and 3.3), so
    that one person, whatever that person sends, moves it no more than the others differ.

    Who that is, is told by influence: by how much the difference changes without a person, whose blocks have
    the share s of all weight and the sum i of their terms in it, which is i / (1 - s). They are left out in
    turn at one end and the other, and what remains is adjusted anew each time. In a group of few
    (`people.FEW`) nobody is left out. No contrast where the others are too few to compare. Before that nobody
    has more than MOST times the weight of the median person: who says by many sessions that nothing changes
    stands out at neither end.
    """
    people = len({one.user for one in found})
    if people <= FEW or 2 * out >= people:
        return Trimmed(contrast(found))
    kept = _evened(found)
    gone: tuple[list[str], list[str]] = ([], [])
    each = math.ceil(out / ROUNDS)
    while len(gone[1]) < out:
        for end, sign in ((gone[0], 1), (gone[1], -1)):
            fitted, influence = _fit(kept)
            if fitted is None:
                return Trimmed(None, tuple(gone[0]), tuple(gone[1]))
            ordered = sorted(influence, key=lambda one: (sign * influence[one], one))
            end += ordered[: min(each, out - len(end))]
            kept = [one for one in kept if one.user not in end]
    return Trimmed(contrast(kept), tuple(gone[0]), tuple(gone[1]))


def _evened(found: Sequence[Block]) -> list[Block]:
    """The blocks with weights of which no person's sum is above MOST times that of the median person."""
    total: dict[str, float] = defaultdict(float)
    for one in found:
        total[one.user] += one.weight
    most = MOST * median(total.values())
    return [one._replace(weight=one.weight * min(1.0, most / total[one.user])) for one in found]


def _fit(found: Sequence[Block]) -> tuple[Contrast | None, dict[str, float]]:
    """The contrast, and by how much each person moves its difference."""
    left = _residuals(found)
    arms: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for one, residual in zip(found, left, strict=True):
        arms[one.treated].append((one.weight, residual))
    if min(len(arm) for arm in arms) < 2:
        return None, {}
    control, treated = (_mean(arm) for arm in arms)
    error = math.sqrt(control[1] + treated[1])
    weights = [sum(weight for weight, _ in arm) for arm in arms]
    moved: dict[str, float] = defaultdict(float)
    share: dict[str, float] = defaultdict(float)
    for one, residual in zip(found, left, strict=True):
        mean = treated[0] if one.treated else control[0]
        term = one.weight * (residual - mean) / weights[one.treated]
        moved[one.user] += term if one.treated else -term
        share[one.user] += one.weight / sum(weights)
    influence = {user: moved[user] / (1 - min(0.9, share[user])) for user in moved}
    difference = treated[0] - control[0]
    if abs(difference) < ROUNDING:
        difference = 0.0
    return Contrast(difference, error, len(found) - 2), influence


def lowest(found: Sequence[Block], confidence: float) -> float:
    """The lower bound without the person whose leaving lowers it most; -1 where nothing can be compared
    without somebody."""
    bounds = []
    for person in sorted({one.user for one in found}):
        rest = contrast([one for one in found if one.user != person])
        bounds.append(-1.0 if rest is None else rest.bound(confidence, lower=True))
    return min(bounds, default=-1.0)


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
