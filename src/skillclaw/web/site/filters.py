"""Figures and times as pages show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from skillclaw.web.text import number, visible

__all__ = ["FILTERS", "percent", "points", "short", "when", "zone"]


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
    """A moment as `2026-03-01 14:05` in this machine's zone; as it is where it is none."""
    if not time:
        return "–"
    try:
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is not None:
            moment = moment.astimezone()
    except (ValueError, OverflowError):
        return visible(time, 40)
    return moment.strftime("%Y-%m-%d %H:%M")


def zone() -> str:
    """This machine's zone as pages name it, e.g. `CET (UTC+01:00)`."""
    moment = datetime.now().astimezone()
    name, offset = moment.tzname() or "", moment.strftime("%z")
    told = f"UTC{offset[:3]}:{offset[3:5]}"
    return name if name == "UTC" else told if name[:1] in "+-" else f"{name} ({told})"


def line(text: str | None, most: int = 200) -> str:
    """A text on one line."""
    return visible(text or "", most)


def thousands(value: float | None) -> str:
    """A count with its thousands apart; a dash where there is none."""
    return "–" if value is None else f"{value:,.0f}"


def tojson_text(value: Any) -> str:
    """A value as indented JSON, for people; it is escaped as any other text."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=2)[:200_000]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "line": line,
    "number": number,
    "percent": percent,
    "points": points,
    "short": short,
    "thousands": thousands,
    "tojson_text": tojson_text,
    "when": when,
}
