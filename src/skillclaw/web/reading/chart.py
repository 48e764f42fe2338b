"""What is drawn of the days: places of lines and bars in a box of `WIDE` x `HIGH`, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.intervals import wilson
from skillclaw.trajectory.model import Record
from skillclaw.web.reading.days import Day

__all__ = ["HIGH", "WIDE", "Bar", "Chart", "Rate", "chart", "whole"]

WIDE, HIGH = 900, 120


class Rate(Record, frozen=True, kw_only=True):
    """A share of successes among the sessions with an outcome, with Wilson's 95% interval; None for none."""

    successes: int
    known: int
    share: float | None
    ci: tuple[float, float] | None


class Bar(Record, frozen=True, kw_only=True):
    """One day: the middle and width of its column; top and height of each part of its bar; the places of its
    success rate and of the rate's interval (None where no session has an outcome)."""

    day: Day
    rate: Rate
    x: float
    left: float
    width: float
    success: tuple[float, float]
    failure: tuple[float, float]
    unknown: tuple[float, float]
    at: float | None
    low: float | None
    high: float | None
    cost: tuple[float, float] | None


class Chart(Record, frozen=True, kw_only=True):
    """The days drawn. `most`: sessions of the day that has most; `tokens`: as much for tokens, None where no
    day knows any; `total`: all days as one."""

    bars: list[Bar]
    most: int
    tokens: int | None
    total: Rate
    usd: float | None


def whole(success: int, failure: int) -> Rate:
    """The success rate of so many sessions that have an outcome."""
    known = success + failure
    return Rate(
        successes=success,
        known=known,
        share=success / known if known else None,
        ci=wilson(success, known) if known else None,
    )


def chart(days: Sequence[Day]) -> Chart:
    """Places for each day."""
    most = max((one.sessions for one in days), default=0)
    tokens = [_tokens(one) for one in days]
    most_tokens = max((one for one in tokens if one is not None), default=None)
    usd = [one.usd for one in days if one.usd is not None]
    return Chart(
        bars=[_bar(one, number, len(days), most, most_tokens) for number, one in enumerate(days)],
        most=most,
        tokens=most_tokens,
        total=whole(sum(one.success for one in days), sum(one.failure for one in days)),
        usd=sum(usd) if usd else None,
    )


def _tokens(day: Day) -> int | None:
    if day.tokens_in is None and day.tokens_out is None:
        return None
    return (day.tokens_in or 0) + (day.tokens_out or 0)


def _bar(day: Day, number: int, count: int, most: int, most_tokens: int | None) -> Bar:
    column = WIDE / count
    rate = whole(day.success, day.failure)
    parts, top = [], float(HIGH)
    for part in (day.success, day.failure, day.unknown):
        height = HIGH * part / most if most else 0.0
        top -= height
        parts.append((round(top, 2), round(height, 2)))
    tokens = _tokens(day)
    cost = None
    if tokens is not None and most_tokens:
        height = HIGH * tokens / most_tokens
        cost = round(HIGH - height, 2), round(height, 2)
    return Bar(
        day=day,
        rate=rate,
        x=round(column * (number + 0.5), 2),
        left=round(column * (number + 0.12), 2),
        width=round(column * 0.76, 2),
        success=parts[0],
        failure=parts[1],
        unknown=parts[2],
        at=_place(rate.share),
        low=_place(rate.ci[0] if rate.ci else None),
        high=_place(rate.ci[1] if rate.ci else None),
        cost=cost,
    )


def _place(share: float | None) -> float | None:
    return None if share is None else round(HIGH * (1 - share), 2)
