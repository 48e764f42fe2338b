"""Small drawings as numbers: where a bar ends, where an interval lies on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Axis", "Bar", "Forest", "axis", "bar", "forest"]

SIDE = 8.0


class Axis(NamedTuple):
    """A logarithmic axis from 10^low to 10^high, `width` pixels wide; ticks are (x, text)."""

    low: int
    high: int
    width: float

    def at(self, value: float) -> float:
        """The x of `value`, at the nearer end when it lies outside."""
        share = (math.log10(value) - self.low) / (self.high - self.low) if value > 0 else 0.0
        return round(SIDE + min(1.0, max(0.0, share)) * (self.width - 2 * SIDE), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """A tick for each power of ten."""
        return [(self.at(10.0**e), f"{10.0**e:g}") for e in range(self.low, self.high + 1)]


class Forest(NamedTuple):
    """A ratio (x) with its interval (left, right); `beyond_*`: it goes on outside the axis."""

    x: float
    left: float
    right: float
    beyond_left: bool
    beyond_right: bool
    side: str


class Bar(NamedTuple):
    """A value and its interval as lengths."""

    length: float
    left: float
    right: float


def axis(intervals: Iterable[tuple[float, float]], width: float = 150.0) -> Axis:
    """An axis that holds 1 and the intervals, within 0.01 and 1000."""
    low, high = -1.0, 1.0
    for first, last in intervals:
        low = min(low, math.log10(max(first, 1e-9)))
        high = max(high, math.log10(max(last, 1e-9)))
    return Axis(max(-2, math.floor(low)), min(3, math.ceil(high)), width)


def forest(ratio: float | None, ci: tuple[float, float] | None, on: Axis) -> Forest | None:
    """The drawing of a ratio; None without one. `side`: up, down, or none when the interval holds 1."""
    if ratio is None:
        return None
    low, high = ci if ci is not None else (ratio, ratio)
    side = "none" if ci is None or low <= 1 <= high else "up" if low > 1 else "down"
    return Forest(on.at(ratio), on.at(low), on.at(high), low < 10.0**on.low, high > 10.0**on.high, side)


def bar(value: float, ci: tuple[float, float], most: float, width: float = 96.0) -> Bar:
    """Lengths in pixels, where `most` is the whole width."""
    unit = width / most if most > 0 else 0.0
    return Bar(*(round(min(width, v * unit), 1) for v in (value, *ci)))
