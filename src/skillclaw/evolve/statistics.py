"""The numbers of a pattern: stratified odds ratios, intervals, false discovery rates.

A strict line is kept between a number and its absence: what cannot be computed is None, never 0 or infinity.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from skillclaw.evolve.intervals import Z95, wilson
from skillclaw.skills.records import Carrier

__all__ = [
    "Association",
    "Row",
    "Table",
    "benjamini_hochberg",
    "carriers",
    "clustered_difference",
    "mantel_haenszel",
    "stratified",
    "wilson",
]

MOST = 0.6
"""Share of the successes from which on one model, user or agent is named."""

LEADS = 0.2
"""With a smaller share nobody carries an effect."""


class Table(NamedTuple):
    """One stratum: with the pattern `a` succeeded and `b` failed, without it `c` succeeded and `d` failed."""

    a: int
    b: int
    c: int
    d: int


class Association(NamedTuple):
    """Common odds ratio with its 95% interval, and the p value of "no association"; None: not computable."""

    odds_ratio: float | None
    ci: tuple[float, float] | None
    p: float | None


def mantel_haenszel(tables: Iterable[Table]) -> Association:
    """The Mantel-Haenszel odds ratio over strata, with the Robins-Breslow-Greenland 95% interval.

    Robins, Breslow, Greenland, Biometrics 42 (1986) 311-323. p: Cochran-Mantel-Haenszel chi-square with
    continuity correction (conservative where counts are small). Strata where one side is empty say nothing.
    """
    r_sum = s_sum = pr = ps_qr = qs = 0.0
    observed = expected = variance = 0.0
    for a, b, c, d in tables:
        n = a + b + c + d
        if n < 2 or (a + b) == 0 or (c + d) == 0:
            continue
        r, s = a * d / n, b * c / n
        p, q = (a + d) / n, (b + c) / n
        r_sum += r
        s_sum += s
        pr += p * r
        ps_qr += p * s + q * r
        qs += q * s
        observed += a
        expected += (a + b) * (a + c) / n
        variance += (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1))
    p_value = None
    if variance > 0:
        statistic = max(0.0, abs(observed - expected) - 0.5) ** 2 / variance
        from scipy.stats import chi2  # half a second that the dashboard need not pay at its start

        p_value = float(chi2.sf(statistic, 1))
    if r_sum <= 0 or s_sum <= 0:
        return Association(None, None, p_value)
    ratio = r_sum / s_sum
    spread = math.sqrt(pr / (2 * r_sum**2) + ps_qr / (2 * r_sum * s_sum) + qs / (2 * s_sum**2))
    low, high = math.exp(math.log(ratio) - Z95 * spread), math.exp(math.log(ratio) + Z95 * spread)
    return Association(ratio, (low, high), p_value)


class Row(NamedTuple):
    """One session in a comparison: its stratum, whether it did the thing, how it ended, and whose it was."""

    stratum: str
    inside: bool
    success: bool
    model: str = ""
    user: str = ""
    agent: str = ""


def stratified(rows: Iterable[Row]) -> list[Table]:
    """The 2x2 table of each stratum, in the order of their names."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        table = counts.setdefault(row.stratum, [0, 0, 0, 0])
        table[(0 if row.inside else 2) + (0 if row.success else 1)] += 1
    return [Table(*counts[stratum]) for stratum in sorted(counts)]


def carriers(rows: Sequence[Row], whole: Association) -> list[Carrier]:
    """Models, users and agents that carry an effect: most of the sessions that did the thing and succeeded
    are theirs, or in the sessions of all others the interval no longer leaves out 1.
    """
    found: list[Carrier] = []
    good = [row for row in rows if row.inside and row.success]
    for kind in ("model", "user", "agent"):
        if len({getattr(row, kind) for row in rows}) < 2:
            continue
        counts = Counter(getattr(row, kind) for row in good)
        for name, count in sorted(counts.items(), key=lambda x: (-x[1], x[0])):
            share = count / len(good)
            if share < LEADS:
                break
            rest = mantel_haenszel(stratified(row for row in rows if getattr(row, kind) != name))
            lost = clear(whole) and not clear(rest)
            if share >= MOST or lost:
                found.append(
                    Carrier(
                        kind=kind,
                        name=name,
                        share=round(share, 4),
                        odds_ratio=None if rest.odds_ratio is None else round(rest.odds_ratio, 4),
                        ci=None if rest.ci is None else (round(rest.ci[0], 4), round(rest.ci[1], 4)),
                    )
                )
    return found


def clear(found: Association) -> bool:
    """Whether the interval leaves out "no effect"."""
    return found.ci is not None and (found.ci[0] > 1 or found.ci[1] < 1)


def benjamini_hochberg(ps: Sequence[float | None]) -> list[float | None]:
    """The q value of each p (Benjamini, Hochberg 1995); None stays None and counts for nothing."""
    known = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    found: list[float | None] = [None] * len(ps)
    smallest = 1.0
    for rank in range(len(known), 0, -1):
        p, index = known[rank - 1]
        smallest = min(smallest, p * len(known) / rank)
        found[index] = smallest
    return found


def clustered_difference(rows: Sequence[tuple[str, bool, bool]]) -> tuple[float, tuple[float, float]] | None:
    """Difference of two success shares with a 95% interval that is robust to clusters.

    rows: (cluster, in the first group, success). The interval is the linearised (sandwich) one with the
    factor g/(g-1) for g clusters; None when a group is empty or there is one cluster only.
    """
    first = [(c, s) for c, inside, s in rows if inside]
    second = [(c, s) for c, inside, s in rows if not inside]
    clusters = sorted({c for c, _, _ in rows})
    if not first or not second or len(clusters) < 2:
        return None
    mean_1 = sum(s for _, s in first) / len(first)
    mean_2 = sum(s for _, s in second) / len(second)
    influence = dict.fromkeys(clusters, 0.0)
    for cluster, success in first:
        influence[cluster] += (success - mean_1) / len(first)
    for cluster, success in second:
        influence[cluster] -= (success - mean_2) / len(second)
    g = len(clusters)
    spread = math.sqrt(g / (g - 1) * sum(v * v for v in influence.values()))
    from scipy.stats import norm

    z = float(norm.ppf(0.975))
    difference = mean_1 - mean_2
    return difference, (difference - z * spread, difference + z * spread)
