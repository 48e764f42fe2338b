"""Figures and times as pages show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from skillclaw.web.text import number, visible

__all__ = ["FILTERS", "percent", "points", "short", "when"]


def percent(value: float | None, digits: int = 0) -> str:
    """A share as percent; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.{digits}f}%"


def points(value: float | None) -> str:
    """A difference of shares in percentage points, signed."""
    return "–" if value is None else f"{100 * value:+.0f}".replace("-", "−")


def short(version: str | None) -> str:
    """A version, key or id, short enough to be read."""
    return (version or "")[:12]


def when(time: str | None) -> str:
    """A moment as `2026-03-01 14:05` (UTC); as it is where it is none."""
    if not time:
        return "–"
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return visible(time, 40)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M")


def line(text: str | None, most: int = 200) -> str:
    """A text on one line."""
    return visible(text or "", most)


def thousands(value: float | None) -> str:
    """A count with its thousands apart; a dash where there is none."""
    return "–" if value is None else f"{value:,.0f}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "line": line,
    "number": number,
    "percent": percent,
    "points": points,
    "short": short,
    "thousands": thousands,
    "when": when,
}
