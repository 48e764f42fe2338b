"""The bootstrap of paired results: templates are drawn, and of each drawn template instances.

Both stages with replacement (Davison, Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
It counts some of the spread between instances twice, so it is rather too wide with many instances of a
template; drawing templates alone is too narrow. docs/loop.md has the coverage of both as measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRAWS", "SEED", "Floats", "interval", "sums"]

Floats = NDArray[np.float64]

DRAWS = 10_000
SEED = 20_261_126
CHUNK = 2_000_000
"""Numbers held at a time; it bounds memory and changes no result."""


def sums(groups: Sequence[Sequence[Floats]], *, draws: int, seed: int) -> list[Floats]:
    """The column sums of each group in each draw, as arrays of (draws, columns).

    groups  for each group (a day, say) the rows of each template, an array of (instances, columns). All
            groups have the same templates in the same order; a template without rows in a group has an array
            of no rows. Every draw takes the same templates in every group.
    """
    count = len(groups[0])
    assert count and all(len(group) == count for group in groups)
    random = np.random.default_rng(seed)
    chosen = random.integers(0, count, (draws, count))
    return [_one(group, chosen, random) for group in groups]


def _one(group: Sequence[Floats], chosen: NDArray[np.int64], random: np.random.Generator) -> Floats:
    sizes = np.array([len(rows) for rows in group])
    columns = group[0].shape[1]
    most = int(sizes.max())
    if not most:
        return np.zeros((len(chosen), columns))
    padded = np.zeros((len(group), most, columns))
    for number, rows in enumerate(group):
        padded[number, : len(rows)] = rows
    step = max(1, CHUNK // (len(group) * most * columns))
    found = []
    for start in range(0, len(chosen), step):
        templates = chosen[start : start + step]
        held = sizes[templates][..., None]
        drawn = (random.random((*templates.shape, most)) * held).astype(np.int64)
        taken = padded[templates[..., None], drawn]
        taken *= (np.arange(most) < held)[..., None]
        found.append(taken.sum(axis=(1, 2)))
    return np.concatenate(found)


def interval(values: Floats) -> tuple[float, float]:
    """The percentile 95% interval."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
