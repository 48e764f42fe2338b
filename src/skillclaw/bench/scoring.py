"""Success of those who follow against the others: shares, stratified odds ratios, intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from skillclaw.bench.datasets import Row
from skillclaw.evolve.statistics import Table, clustered_difference, mantel_haenszel

__all__ = ["DRAWS", "Held", "compare", "most_frequent", "paired", "sequence", "share"]

DRAWS = 4000
"""Draws of the bootstrap over tasks; its seed is fixed."""

SEED = 20260101


class Held(msgspec.Struct, frozen=True):
    """A held-out session with a procedure (or a lesson): does it follow it, and does it succeed.

    stratum  what it is compared within beside its user: the template, or the task
    """

    session: str
    stratum: str
    task: str
    user: str
    follows: bool
    success: bool


def sequence(row: Row) -> tuple[str, ...]:
    """The names of all calls of a WorkBench run, in order."""
    return tuple(str(step["tool"]) for step in row["steps"])


def most_frequent(rows: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """The sequence that occurs most often (at least twice) under each name; of equals the first seen."""
    counts: dict[str, Counter[tuple[str, ...]]] = {}
    for name, calls in rows:
        counts.setdefault(name, Counter())[calls] += 1
    found = {}
    for name, seen in counts.items():
        calls, count = seen.most_common(1)[0]
        if count >= 2:
            found[name] = calls
    return found


def share(values: Sequence[bool]) -> float | None:
    """The share that is true; None of nothing."""
    return round(sum(values) / len(values), 6) if values else None


def compare(held: Sequence[Held]) -> dict[str, Any]:
    """Success of followers and others, their difference (interval robust to clusters by stratum), their
    ratio, and the Mantel-Haenszel odds ratio by user and stratum.
    """
    follow = [h.success for h in held if h.follows]
    other = [h.success for h in held if not h.follows]
    tables: dict[tuple[str, str], list[int]] = {}
    for h in held:
        table = tables.setdefault((h.user, h.stratum), [0, 0, 0, 0])
        table[(0 if h.follows else 2) + (0 if h.success else 1)] += 1
    found = mantel_haenszel(Table(*tables[k]) for k in sorted(tables))
    difference = clustered_difference([(h.stratum, h.follows, h.success) for h in held])
    rates = (share(follow), share(other))
    return {
        "tasks": len({h.task for h in held}),
        "templates": len({h.stratum for h in held}),
        "match_success": rates[0],
        "match_n": len(follow),
        "other_success": rates[1],
        "other_n": len(other),
        "ratio": round(rates[0] / rates[1], 3) if rates[0] is not None and rates[1] else None,
        "difference": round(difference[0], 6) if difference else None,
        "ci": [round(v, 6) for v in difference[1]] if difference else None,
        "or_mh": round(found.odds_ratio, 3) if found.odds_ratio is not None else None,
        "or_ci": [round(v, 3) for v in found.ci] if found.ci is not None else None,
    }


def paired(ours: Sequence[Held], other: Mapping[str, bool]) -> dict[str, Any]:
    """Success of our followers less that of another rule's, on the sessions that both have a procedure for.

    `other` says for each session whether it follows the other rule. The interval is the percentile one of a
    bootstrap that draws tasks with all their sessions.
    """
    both = [h for h in ours if h.session in other]
    sums: dict[str, list[int]] = {}
    for h in both:
        row = sums.setdefault(h.task, [0, 0, 0, 0])
        row[0] += h.follows and h.success
        row[1] += h.follows
        row[2] += other[h.session] and h.success
        row[3] += other[h.session]
    table = np.array([sums[task] for task in sorted(sums)], dtype=np.float64).reshape(-1, 4)
    total = table.sum(axis=0)
    result: dict[str, Any] = {
        "sessions": len(both),
        "tasks": len(sums),
        "templates": len({h.stratum for h in both}),
        "ours": None,
        "ours_n": int(total[1]),
        "other": None,
        "other_n": int(total[3]),
        "difference": None,
        "ci": None,
        "draws": DRAWS,
    }
    if not total[1] or not total[3]:
        return result
    random = np.random.default_rng(SEED)
    drawn = table[random.integers(0, len(table), (DRAWS, len(table)))].sum(axis=1)
    drawn = drawn[(drawn[:, 1] > 0) & (drawn[:, 3] > 0)]
    differences = drawn[:, 0] / drawn[:, 1] - drawn[:, 2] / drawn[:, 3]
    low, high = np.percentile(differences, [2.5, 97.5])
    ours_rate, other_rate = float(total[0] / total[1]), float(total[2] / total[3])
    result["ours"], result["other"] = round(ours_rate, 6), round(other_rate, 6)
    result["difference"] = round(ours_rate - other_rate, 6)
    result["ci"] = [round(float(low), 6), round(float(high), 6)]
    return result
