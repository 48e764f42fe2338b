"""From measurements to figures: medians of rounds, and ratios against the bars, paired within a round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from skillclaw.bench.proxybench.cases import BARS, Bar

__all__ = ["Cells", "ratios", "rows"]

Cells = Mapping[tuple[str, str, int], Sequence[Mapping[str, float]]]
"""Of each target, case and concurrency: what each round measured, in the order of the rounds."""
ADDED = {"added_p50_ms": "p50_ms", "added_p99_ms": "p99_ms", "added_ttfb_p50_ms": "ttfb_p50_ms"}


def rows(cells: Cells) -> list[dict[str, Any]]:
    """A row for each cell: medians of the rounds.

    `added_*`: against the direct target of the same round; `rps_low` and `rps_high`: the slowest and the
    fastest round, so that noise shows.
    """
    made = []
    for (target, case, concurrency), rounds in cells.items():
        row: dict[str, Any] = {"target": target, "case": case, "concurrency": concurrency}
        row |= {key: round(statistics.median(cell[key] for cell in rounds), 4) for key in rounds[0]}
        direct = cells["direct", case, concurrency]
        for name, key in ADDED.items():
            row[name] = _paired(rounds, direct, key, lambda own, other: own - other)
        row["rps_low"] = round(min(cell["rps"] for cell in rounds), 1)
        row["rps_high"] = round(max(cell["rps"] for cell in rounds), 1)
        made.append(row)
    return made


def ratios(cells: Cells, processes: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Of each bar that was measured: `value`, `unit`, `bar`, `sense` (least or most), `holds`, `what`."""
    found = {}
    for bar in BARS:
        value = _value(bar, cells, processes)
        if value is not None:
            found[bar.name] = {
                "what": bar.what,
                "value": value,
                "unit": bar.unit,
                "sense": bar.sense,
                "bar": bar.bar,
                "holds": value >= bar.bar if bar.sense == "least" else value <= bar.bar,
            }
    return found


def _value(bar: Bar, cells: Cells, processes: Mapping[str, Mapping[str, float]]) -> float | None:
    if bar.how == "value":
        return processes["skillclaw"][bar.key]
    own = cells.get(("skillclaw", bar.case, bar.concurrency))
    other = cells.get((bar.against, bar.case, bar.concurrency))
    if own is None or other is None:
        return None
    if bar.how == "quotient":
        return _paired(own, other, bar.key, lambda a, b: a / b)
    return _paired(own, other, bar.key, lambda a, b: a - b)


def _paired(
    own: Sequence[Mapping[str, float]],
    other: Sequence[Mapping[str, float]],
    key: str,
    combine: Callable[[float, float], float],
) -> float:
    pairs = zip(own, other, strict=True)
    return round(statistics.median(combine(mine[key], theirs[key]) for mine, theirs in pairs), 4)
