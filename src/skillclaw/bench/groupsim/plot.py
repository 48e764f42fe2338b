"""One SVG: how canaries ended in each arm, and on which day. By hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from skillclaw.bench.groupsim.figures import CLASSES, Row, days_of
from skillclaw.bench.groupsim.records import Told
from skillclaw.bench.groupsim.world import ARMS
from skillclaw.bench.loop.plot import ticks

__all__ = ["plot"]

WIDTH = 960.0
SHOWN = ("good", "neutral", "harm", "fewer failures, less success", "turned harmful as a canary")
ENDS = (("stable", "#15803d"), ("unproven", "#d6d3d1"), ("rolled_back", "#b91c1c"))
COLOURS = {"honest": "#15803d", "a tenth lie": "#c2410c", "a fifth lie": "#7c3aed"}
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2937}.t{font-weight:600;font-size:13px}.s{fill:#6b7280}"
    ".g{stroke:#e5e7eb}"
)
BAR, GAP = 14.0, 10.0
FIELD = 200.0


def plot(result: Mapping[str, Any]) -> str:
    """The picture of what `run_group_bench` returns."""
    rows: Sequence[Row] = result["figures"].rows
    told: Sequence[Told] = result["groups"]
    bars, below = _bars(rows, 40.0)
    height = below + FIELD + 70
    harms = "harm, 15 points or more, 20 a day"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img" '
        f'aria-label="{escape(_alt(rows), quote=True)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH:g}" height="{height:g}" fill="#ffffff"/>',
        *_legend(),
        *bars,
        *_curves(
            told, "good, 15 points or more", "stable", "promoted, of what adds 15 points or more", 16, below
        ),
        *_curves(told, harms, "rolled back", "rolled back, of harms of 15 points at 20 a day", 496, below),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _alt(rows: Sequence[Row]) -> str:
    said = [f"{r.skills} ({r.arm}): {r.stable:.0%} stable, {r.rolled_back:.0%} rolled back" for r in rows]
    return "; ".join(said) + "."


def _legend() -> list[str]:
    parts, x = [], 250.0
    for end, colour in ENDS:
        parts.append(f'<rect x="{x:g}" y="12" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18:g}" y="22">{end.replace("_", " ")}</text>')
        x += 110
    return parts


def _bars(rows: Sequence[Row], top: float) -> tuple[list[str], float]:
    """A bar for each class and arm, of the shares of the three ends; and where the next may begin."""
    parts, y = [], top
    left, width = 300.0, WIDTH - 380
    for name in SHOWN:
        own = [row for row in rows if row.skills == name and row.n]
        for at, row in enumerate(own):
            if not at:
                parts.append(f'<text class="t" x="16" y="{y + 11:g}">{escape(name)}</text>')
            parts.append(
                f'<text class="s" x="{left - 8:g}" y="{y + 11:g}" text-anchor="end">{row.arm}</text>'
            )
            x = left
            for end, colour in ENDS:
                share = getattr(row, end)
                told = f"{name}, {row.arm}: {share:.1%} {end.replace('_', ' ')}"
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:g}" width="{share * width:.1f}" height="{BAR - 2:g}" '
                    f'fill="{colour}"><title>{escape(told)}</title></rect>'
                )
                x += share * width
            parts.append(f'<text class="s" x="{left + width + 8:g}" y="{y + 11:g}">{row.n} skills</text>')
            y += BAR
        y += GAP
    return parts, y + 20


def _curves(told: Sequence[Told], name: str, end: str, title: str, left: float, top: float) -> list[str]:
    """The share that had come to this end, by days since the release."""
    begin, width, bottom = left + 40, 380.0, top + FIELD
    days = ticks(30.0)
    parts = [f'<text class="t" x="{left:g}" y="{top:g}">{escape(title)}</text>']

    def across(day: float) -> float:
        return round(begin + day / days[-1] * width, 1)

    def up(share: float) -> float:
        return round(bottom - share * (FIELD - 20), 1)

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(
            f'<line class="g" x1="{begin:g}" x2="{begin + width:g}" y1="{up(share)}" y2="{up(share)}"/>'
        )
        parts.append(
            f'<text class="s" x="{begin - 6:g}" y="{up(share) + 4:g}" text-anchor="end">{share:.0%}</text>'
        )
    for day in days:
        parts.append(
            f'<text class="s" x="{across(day)}" y="{bottom + 18:g}" text-anchor="middle">{day:g}</text>'
        )
    parts.append(
        f'<text class="s" x="{begin + width / 2:g}" y="{bottom + 36:g}" text-anchor="middle">'
        "days since the release</text>"
    )
    for at, arm in enumerate(ARMS):
        fates = [f for one in told if one.arm == arm for f in one.fates if f.ended is not None]
        own = [f for f in fates if CLASSES[name](f)]
        if not own:
            continue
        ended = days_of(own, end)
        points, share = [f"{across(0)},{up(0)}"], 0.0
        for day in sorted(set(ended)):
            points.append(f"{across(day)},{up(share)}")
            share = sum(one <= day for one in ended) / len(own)
            points.append(f"{across(day)},{up(share)}")
        points.append(f"{across(days[-1])},{up(share)}")
        line = " ".join(points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[arm]}" stroke-width="2"/>')
        y = top + 18 + 15 * at
        parts.append(
            f'<text x="{begin + 8:g}" y="{y:g}" style="fill:{COLOURS[arm]}">{arm} ({len(own)} skills)</text>'
        )
    return parts
