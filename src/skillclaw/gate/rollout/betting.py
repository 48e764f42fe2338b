"""Evidence that is valid at any time: a bet on the draw of each block. Pure.

For a block with weight w, arm A (1 or 0, drawn with chance p), value Y and forecast m let
X = w (A - p) (Y - m). The draw is known to depend on nothing, so where the skill changes nothing X is zero
on average, whatever sessions, clients and days have to do with each other, and whatever m was made of, as
long as that was before. So E = mean over l of the product of (1 + l X) is a fair game: chance lets it reach
1/a at any time with probability a at most (Ville 1939; Waudby-Smith and Ramdas, "Estimating means of bounded
random variables by betting", JRSS B 86 (2024) 1-27; for designed experiments Ham, Bojinov, Lindon and
Tingley, "Design-based confidence sequences", 2022). A mean over fixed stakes l needs no tuning, and lets
what one person contributed be taken out exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from skillclaw.gate.rollout.blocks import Block

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Evidence", "evidence", "interval"]

STAKES = (1.0, 2.0, 4.0, 8.0)
"""Stakes whose mean is taken, before what a block can bear; they suit differences from 3 to 30 points."""

MOST = 0.9
"""Share of what there is that one block can lose at most."""


class Evidence(NamedTuple):
    """E-values that the skill helps, and harms. `robust` is the first without the people who speak most for
    it: of each stake those that gain most, so that it is at most what is left without any so many. `harms` is
    half of all, half of the mean over those without one person, so that nobody alone can hide a harm.

    What is left without somebody is forecast by each person's own days: who sees all draws beforehand, as
    everybody can, could else tell others' forecasts by them (low before days with the skill, high before days
    without), and so speak by their sessions.
    """

    helps: float
    harms: float
    robust: float


def evidence(found: Sequence[Block], share: float, left_out: int) -> Evidence:
    """What the blocks say; 1 is nothing. `left_out`: how many people are left out of `robust`."""
    import numpy as np

    if not found:
        return Evidence(1.0, 1.0, 1.0)
    arrays = _Arrays(found, share)
    x = arrays.weight * (arrays.arm - share) * (arrays.value - arrays.forecast)
    bound = arrays.weight * max(share, 1 - share) * arrays.reach
    stakes = np.minimum(np.array(STAKES), MOST / np.maximum(bound, 1e-9)[:, None])
    total = np.log1p(stakes * x[:, None]).sum(axis=0)
    all_losses = np.log1p(-stakes * x[:, None]).sum(axis=0)
    people, place = np.unique([one.user for one in found], return_inverse=True)

    def by_person(bets: Floats) -> Floats:
        own = np.zeros((len(people), len(STAKES)))
        np.add.at(own, place, np.log1p(bets))
        return own

    own = arrays.weight * (arrays.arm - share) * (arrays.value - arrays.own)
    bound = arrays.weight * max(share, 1 - share) * np.maximum(arrays.own, 1 - arrays.own)
    stakes = np.minimum(np.array(STAKES), MOST / np.maximum(bound, 1e-9)[:, None])
    gains, losses = by_person(stakes * own[:, None]), by_person(-stakes * own[:, None])
    best = np.sort(gains, axis=0)[::-1][: min(left_out, len(people))]
    harms = _mean(all_losses[None])
    if len(people) > 1:
        harms = (harms + _mean(losses.sum(axis=0) - losses)) / 2
    return Evidence(
        helps=_mean(total[None]),
        harms=harms,
        robust=_mean((gains.sum(axis=0) - np.maximum(best, 0.0).sum(axis=0))[None]),
    )


def interval(found: Sequence[Block], share: float, alpha: float = 0.05) -> tuple[float, float] | None:
    """The differences that the blocks do not speak against, as lowest and highest: chance leaves the true one
    out at any time with probability `alpha` at most. None where no block is there.

    A difference d, the same in each block, is tested as no difference is, with Y - A d in the place of Y, by
    the mean of the bets on more and on less. Looked for in steps of 0.05, then of 0.005 at either end.
    """
    import numpy as np

    if not found:
        return None
    arrays = _Arrays(found, share)
    coarse = np.linspace(-1.0, 1.0, 41)
    kept = coarse[_possible(arrays, coarse, share, alpha)]
    if not len(kept):
        return None  # the effect is not one number: what helps one day harms on another
    low, high = float(kept[0]), float(kept[-1])
    below = np.linspace(max(-1.0, low - 0.05), low, 11)
    above = np.linspace(high, min(1.0, high + 0.05), 11)
    low = float(below[_possible(arrays, below, share, alpha)][0])
    high = float(above[_possible(arrays, above, share, alpha)][-1])
    return max(-1.0, low - 0.005), min(1.0, high + 0.005)


class _Arrays:
    """The blocks as columns; `reach` is how far a value can lie from its forecast."""

    def __init__(self, found: Sequence[Block], share: float) -> None:
        import numpy as np

        self.arm = np.array([float(one.treated) for one in found])
        self.value = np.array([one.value for one in found])
        self.forecast = np.array([one.forecast for one in found])
        self.own = np.array([one.own for one in found])
        self.weight = np.array([one.weight for one in found])
        self.reach = np.maximum(self.forecast, 1 - self.forecast)


def _possible(arrays: _Arrays, differences: Floats, share: float, alpha: float) -> NDArray[np.bool_]:
    import numpy as np

    d = differences[:, None]
    x = arrays.weight * (arrays.arm - share) * (arrays.value - arrays.arm * d - arrays.forecast)
    reach = np.maximum(share * arrays.reach, (1 - share) * (arrays.reach + np.abs(d)))
    stakes = np.minimum(np.array(STAKES), MOST / np.maximum(arrays.weight * reach, 1e-9)[:, :, None])
    bet = stakes * x[:, :, None]
    with np.errstate(over="ignore", under="ignore"):
        more, less = np.prod(1 + bet, axis=1).mean(axis=1), np.prod(1 - bet, axis=1).mean(axis=1)
    return np.asarray((more + less) / 2 < 1 / alpha)


def _mean(logs: Floats) -> float:
    """The mean of exp(logs), 1e299 at most."""
    flat = [float(value) for value in logs.ravel()]
    top = max(flat)
    return math.exp(min(690.0, top + math.log(sum(math.exp(value - top) for value in flat) / len(flat))))
