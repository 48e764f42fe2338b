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
from skillclaw.gate.rollout.people import FEW

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Evidence", "by_person", "evidence", "interval", "trimmed"]

STAKES = (1.0, 2.0, 4.0, 8.0)
"""Stakes whose mean is taken, before what a block can bear; they suit differences from 3 to 30 points."""

KEPT = 0.2
"""The part of each person's stake that is kept back: no person's bets lose more of what the others won than
to this share."""

MOST = 0.9
"""Share of what there is that one block can lose at most."""


class Evidence(NamedTuple):
    """E-values that the skill helps, and harms: of everybody (`helps`, `harms`), and of people without those
    at either end (`helps_trimmed`, `harms_trimmed`), by which is decided. `loud_help` and `loud_harm` are the
    people who speak most for either, as many as are left out.

    What is left without somebody is forecast by each person's own days: who sees all draws beforehand, as
    everybody can, could else tell others' forecasts by them (low before days with the skill, high before days
    without), and so speak by their sessions.
    """

    helps: float
    harms: float
    helps_trimmed: float
    harms_trimmed: float
    loud_help: tuple[str, ...] = ()
    loud_harm: tuple[str, ...] = ()


def evidence(found: Sequence[Block], share: float, left_out: int) -> Evidence:
    """What the blocks say; 1 is nothing. `left_out`: how many people are left out at either end
    (of few nobody who speaks for harm); with 0 the trimmed values are those of everybody."""
    import numpy as np

    if not found:
        return Evidence(1.0, 1.0, 1.0, 1.0)
    joint = _bets(found, [one.forecast for one in found], share)
    helps, harms = (_mean(np.log1p(bets).sum(axis=0)[None]) for bets in (joint, -joint))
    if not left_out:
        return Evidence(helps, harms, helps, harms)
    people, gains, losses = by_person(found, share)
    # Of few people there is no telling who is right: then a harm needs no more than one.
    against = left_out if len(people) > FEW else 0

    def loud(logs: Floats) -> tuple[str, ...]:
        total = [_mean(one[None]) for one in logs]
        ordered = sorted(range(len(people)), key=lambda at: (-total[at], people[at]))
        return tuple(people[at] for at in ordered[:left_out])

    return Evidence(
        helps=helps,
        harms=harms,
        helps_trimmed=trimmed(gains, left_out),
        harms_trimmed=trimmed(losses, against),
        loud_help=loud(gains),
        loud_harm=loud(losses),
    )


def by_person(found: Sequence[Block], share: float) -> tuple[list[str], Floats, Floats]:
    """The people in order, and the logs of the products of each one's bets on help, and on harm (people by
    stakes), with forecasts from each one's own days."""
    import numpy as np

    own = _bets(found, [one.own for one in found], share)
    people, place = np.unique([one.user for one in found], return_inverse=True)
    logs = np.zeros((2, len(people), len(STAKES)))
    np.add.at(logs[0], place, np.log1p(own))
    np.add.at(logs[1], place, np.log1p(-own))
    return [str(one) for one in people], logs[0], logs[1]


def trimmed(logs: Floats, speakers: int) -> float:
    """The e-value of people without those at either end; `logs` are each person's log of the product x of its
    bets (people by stakes).

    Without any fixed set I of people the bets of the others are fair games, and so is the mean over all sets
    J that may be left out besides, each person with chance q = KEPT. That is the sum over J of
    q^|J| (1 - q)^(n - |J|) times the product of x over who is in neither: the product of q + (1 - q) x over
    the n people who are not in I. Nobody can hide much alone, for each factor is at least q. The least over
    all I of `speakers` people is not above what is fair without those who lie, whoever they are, and however
    they know the draws: so nobody can alone speak for it. The factors grow with x, so that it is least
    without the largest. Who comes later begins with a factor of 1, so that it does not matter how many people
    there will be. (A mean of e-values is one: Vovk and Wang, "E-values: calibration, combination and
    applications", Annals of Statistics 49 (2021) 1736-1754.)
    """
    import numpy as np

    kept = np.sort(logs, axis=0)[: max(0, len(logs) - speakers)]
    return _mean(np.logaddexp(math.log(KEPT), math.log1p(-KEPT) + kept).sum(axis=0)[None])


def interval(found: Sequence[Block], share: float, alpha: float = 0.05) -> tuple[float, float] | None:
    """The differences that the blocks do not speak against, as lowest and highest: chance leaves the true one
    out at any time with probability `alpha` at most. None where no block is there.

    A difference d, the same in each block, is tested as no difference is, with Y - A d in the place of Y, by
    the mean of the bets on more and on less. Looked for in steps of 0.05, then of 0.005 at either end.
    """
    import numpy as np

    if not found:
        return None
    arrays = _Arrays(found)
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


def _bets(found: Sequence[Block], forecasts: Sequence[float], share: float) -> Floats:
    """What each block wins of 1 for each stake, where it is bet that the skill helps."""
    import numpy as np

    weight, forecast = np.array([one.weight for one in found]), np.array(forecasts)
    arm, value = np.array([float(one.treated) for one in found]), np.array([one.value for one in found])
    x = weight * (arm - share) * (value - forecast)
    bound = weight * max(share, 1 - share) * np.maximum(forecast, 1 - forecast)
    stakes = np.minimum(np.array(STAKES), MOST / np.maximum(bound, 1e-9)[:, None])
    return np.asarray(stakes * x[:, None])


class _Arrays:
    """The blocks as columns; `reach` is how far a value can lie from its forecast."""

    def __init__(self, found: Sequence[Block]) -> None:
        import numpy as np

        self.arm = np.array([float(one.treated) for one in found])
        self.value = np.array([one.value for one in found])
        self.forecast = np.array([one.forecast for one in found])
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
