"""Plots as numbers: where a line goes, where its interval lies, where a tick stands. The page draws them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from skillclaw.bench.loop.results import Arm

__all__ = ["Forest", "Plot", "Point", "Series", "forest", "plot", "ticks"]

ORDER: tuple[Arm, ...] = ("ceiling", "frozen", "evolving")
"""From the back to the front."""

GAP = 15.0
"""Between the names at the ends of lines."""

APART = 32.0
"""Between the names of days."""


class Point(NamedTuple):
    """A day of an arm; `low` and `high` are the ends of its interval, or its own place without one."""

    x: float
    y: float
    low: float
    high: float
    said: str


class Series(NamedTuple):
    """An arm: its points, the line through them, the band of their intervals (empty for one point), and
    where its name stands."""

    arm: Arm
    points: list[Point]
    line: str
    band: str
    label: float


class Plot(NamedTuple):
    """A plot of `width` x `height` with its field between `left`, `right`, `top` and `bottom`."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    series: list[Series]
    days: list[tuple[float, str]]
    values: list[tuple[float, str]]
    named: bool
    said: str


class Forest(NamedTuple):
    """A difference and its interval on an axis from -1 to 1, of which `zero` is the middle."""

    x: float
    left: float
    right: float
    zero: float
    width: float
    side: str


def plot(
    rows: Iterable[Mapping[str, Any]],
    key: str,
    *,
    title: str,
    width: float,
    height: float,
    percent: bool = False,
    named: bool = False,
) -> Plot:
    """The days' `key` for each arm. A share (`percent`) goes from 0 to 100% and has intervals; anything else
    from 0 to a round number. `named`: names stand at the lines' ends and take room on the right."""
    given = [row for row in rows if row[key] is not None]
    days: list[int] = sorted({row["day"] for row in given})
    steps = [0.0, 0.25, 0.5, 0.75, 1.0] if percent else ticks(max((row[key] for row in given), default=1.0))
    left, right = (42.0 if percent else 46.0), width - (74.0 if named else 12.0)
    top, bottom = 10.0, height - 24.0
    inset = min(18.0, (right - left) / 8)

    def across(day: int) -> float:
        if len(days) == 1:
            return round((left + right) / 2, 1)
        return round(left + inset + (day - days[0]) / (days[-1] - days[0]) * (right - left - 2 * inset), 1)

    def up(value: float) -> float:
        return round(bottom - value / steps[-1] * (bottom - top), 1)

    series = []
    for arm in ORDER:
        own = sorted((row for row in given if row["arm"] == arm), key=lambda row: row["day"])
        points = []
        for row in own:
            value: float = row[key]
            ci: Sequence[float] | None = row["ci"] if percent else None
            low, high = ci or (value, value)
            said = f"day {row['day']}, {arm}: {_said(value, ci, percent)}"
            points.append(Point(across(row["day"]), up(value), up(low), up(high), said))
        if points:
            series.append(_series(arm, points))
    if len({p.x for s in series for p in s.points}) == 1:
        series = [_moved(s, (n - (len(series) - 1) / 2) * 34) for n, s in enumerate(series)]
    return Plot(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        series=_spread(series, top, bottom),
        days=_thinned([(across(day), str(day)) for day in days]),
        values=[(up(v), f"{v:.0%}" if percent else f"{v:,.10g}") for v in steps],
        named=named and len(days) > 1,
        said=f"{title}. " + "; ".join(s.points[-1].said for s in reversed(series)) + ".",
    )


def _said(value: float, ci: Sequence[float] | None, percent: bool) -> str:
    if not percent:
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return f"{value:.1%}" + (f" (95% interval {ci[0]:.0%} to {ci[1]:.0%})" if ci else "")


def _series(arm: Arm, points: list[Point]) -> Series:
    line = "M" + "L".join(f"{p.x} {p.y}" for p in points)
    band = ""
    if len(points) > 1 and any(p.low != p.high for p in points):
        over = [f"{p.x} {p.high}" for p in points]
        under = [f"{p.x} {p.low}" for p in reversed(points)]
        band = "M" + "L".join(over + under) + "Z"
    return Series(arm, points, line, band, points[-1].y)


def _moved(series: Series, by: float) -> Series:
    """Arms of a single day stand beside each other."""
    return _series(series.arm, [p._replace(x=round(p.x + by, 1)) for p in series.points])


def _spread(series: list[Series], top: float, bottom: float) -> list[Series]:
    """The names at the ends of lines, moved apart where they would lie over each other."""
    order = sorted(series, key=lambda s: s.label)
    places: list[float] = []
    for one in order:
        places.append(max(one.label, places[-1] + GAP if places else top))
    limit = bottom
    for index in range(len(places) - 1, -1, -1):
        places[index] = min(places[index], limit)
        limit = places[index] - GAP
    label = {one.arm: place for one, place in zip(order, places, strict=True)}
    return [one._replace(label=round(label[one.arm], 1)) for one in series]


def _thinned(marks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    kept: list[tuple[float, str]] = []
    for x, text in marks:
        if not kept or x - kept[-1][0] >= APART:
            kept.append((x, text))
    return kept


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to `most` or a little more, four to six of them."""
    if most < 1e-6:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(most / 4))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power * 5 >= most)
    count = math.ceil(round(most / step, 9))
    return [round(n * step, 10) for n in range(count + 1)]


def forest(difference: float | None, ci: Sequence[float] | None, width: float = 170.0) -> Forest | None:
    """The drawing of a difference of shares. `side`: up, down, or none where the interval holds 0."""
    if difference is None:
        return None
    low, high = ci or (difference, difference)
    side = "none" if ci is None or low <= 0 <= high else "up" if low > 0 else "down"

    def at(value: float) -> float:
        return round(6 + (value + 1) / 2 * (width - 12), 1)

    return Forest(at(difference), at(low), at(high), at(0.0), width, side)
