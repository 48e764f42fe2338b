"""One SVG: requests per second by streams, CPU of a request, and what is added to it; by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["plot"]

WIDTH, HEIGHT = 960, 330
TOP, BOTTOM = 66.0, 272.0
COLOURS = {"direct": "#6b7280", "bare": "#2563eb", "skillclaw": "#c2410c", "litellm": "#7c3aed"}
NAMES = {"direct": "no proxy", "bare": "bare aiohttp forwarder", "skillclaw": "SkillClaw, recording"}
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2937}.t{font-weight:600;font-size:13px}.s{fill:#6b7280}"
    ".g{stroke:#e5e7eb}.v{font-size:11px}"
)
Row = Mapping[str, Any]


def plot(result: Mapping[str, Any]) -> str:
    """The picture of what `run_proxy_bench` returns. All axes are logarithmic."""
    rows: Sequence[Row] = result["rows"]
    targets = [name for name in COLOURS if any(row["target"] == name for row in rows)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(_said(rows), quote=True)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_legend(targets),
        *_lines(rows, targets, 16, 300),
        *_dots(_of(rows, "sse10", 16, "cpu_ms"), "CPU of a streamed request, ms", 346, 264),
        *_dots(
            _of(rows, "paced", 16, "added_ttfb_p50_ms"), "added first byte, 16 paced streams, ms", 650, 294
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _of(rows: Sequence[Row], case: str, concurrency: int, key: str) -> dict[str, float]:
    found = {}
    for row in rows:
        if (row["case"], row["concurrency"]) == (case, concurrency) and row["target"] != "direct":
            found[str(row["target"])] = float(row[key])
    return found


def _said(rows: Sequence[Row]) -> str:
    said = [
        f"{row['target']} {row['rps']:.0f}"
        for row in rows
        if row["case"] == "sse10" and row["concurrency"] == 16
    ]
    return f"Requests per second at 16 streams: {', '.join(said)}."


def _legend(targets: Sequence[str]) -> list[str]:
    parts, x = [], 16.0
    for name in targets:
        text = NAMES.get(name, "LiteLLM")
        parts.append(f'<rect x="{x:g}" y="12" width="12" height="12" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{x + 18:g}" y="22">{escape(text)}</text>')
        x += 42 + 7 * len(text)
    return parts


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _lines(rows: Sequence[Row], targets: Sequence[str], left: float, width: float) -> list[str]:
    """Requests per second over streams."""
    own = [row for row in rows if row["case"] == "sse10"]
    streams = sorted({int(row["concurrency"]) for row in own})
    low, high = _decades([float(row["rps"]) for row in own])
    begin = left + 46

    def up(value: float) -> float:
        return round(BOTTOM - (math.log10(value) - low) / (high - low) * (BOTTOM - TOP), 1)

    def across(stream: int) -> float:
        return round(begin + 16 + streams.index(stream) / max(1, len(streams) - 1) * (width - 92), 1)

    parts = [f'<text class="t" x="{left:g}" y="48">requests/s, streams of 10 events</text>']
    for power in range(low, high + 1):
        y = up(10.0**power)
        parts.append(f'<line class="g" x1="{begin:g}" x2="{left + width - 20:g}" y1="{y}" y2="{y}"/>')
        parts.append(
            f'<text class="s" x="{begin - 6:g}" y="{y + 4:g}" text-anchor="end">{10.0**power:,g}</text>'
        )
    for stream in streams:
        parts.append(
            f'<text class="s" x="{across(stream)}" y="{BOTTOM + 18:g}" text-anchor="middle">{stream}</text>'
        )
    parts.append(
        f'<text class="s" x="{begin + (width - 66) / 2:g}" y="{BOTTOM + 36:g}" text-anchor="middle">'
        "streams at a time</text>"
    )
    for name in targets:
        points = [
            (across(int(row["concurrency"])), up(float(row["rps"])), float(row["rps"]))
            for row in own
            if row["target"] == name
        ]
        line = " ".join(f"{x},{y}" for x, y, _ in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x}" cy="{y}" r="3.5" fill="{COLOURS[name]}">'
            f"<title>{name}: {value:,.0f}/s</title></circle>"
            for x, y, value in points
        ]
    return parts


def _dots(values: Mapping[str, float], title: str, left: float, width: float) -> list[str]:
    """A dot for each target, on a logarithmic axis; values below 0.01 stand at 0.01."""
    parts = [f'<text class="t" x="{left:g}" y="48">{escape(title)}</text>']
    shown = {name: max(value, 0.01) for name, value in values.items()}
    low, high = _decades(list(shown.values()))
    if min(shown.values()) == 10.0**low:
        low -= 1
    room = width - 60
    for power in range(low, high + 1):
        x = round(left + (power - low) / (high - low) * room, 1)
        parts.append(f'<line class="g" x1="{x}" x2="{x}" y1="{TOP:g}" y2="{BOTTOM:g}"/>')
        parts.append(
            f'<text class="s" x="{x}" y="{BOTTOM + 18:g}" text-anchor="middle">{10.0**power:g}</text>'
        )
    step = (BOTTOM - TOP) / max(1, len(shown))
    for at, (name, value) in enumerate(shown.items()):
        x = round(left + (math.log10(value) - low) / (high - low) * room, 1)
        y = round(TOP + step * (at + 0.5), 1)
        parts.append(f'<line class="g" x1="{left:g}" x2="{x}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{COLOURS[name]}"/>')
        parts.append(f'<text class="v" x="{x + 10:g}" y="{y + 4:g}">{values[name]:.3g}</text>')
    return parts
