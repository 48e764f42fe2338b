"""docs/runs/held-out.svg: what was solved day by day in each real run of docs/runs (`make pictures`).

Drawn from the runs' reports alone, so that a test can tell that the picture shows them.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from skillclaw.bench.loop.plot import Plot, plot

RUNS = Path(__file__).parents[2] / "docs" / "runs"
WIDTH, HEIGHT, HEAD, ACROSS = 360, 200, 34, 2
COLOURS = {"evolving": "#1f5f94", "frozen": "#a9500f", "ceiling": "#5d676d"}


def reports() -> dict[str, dict[str, Any]]:
    """The reports of runs with days, by the runs' names."""
    found = {path.parent.name: json.loads(path.read_text("utf-8")) for path in RUNS.glob("*/report.json")}
    return {name: report for name, report in sorted(found.items()) if report["days"]}


def drawn(runs: dict[str, dict[str, Any]]) -> str:
    """The picture as SVG: a plot for each run, with Wilson's 95% interval of each day as a band."""
    rows = -(-len(runs) // ACROSS)
    width, height = ACROSS * WIDTH, rows * (HEIGHT + HEAD)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="11" role="img">',
        "<title>Held-out tasks solved, by day and arm, in each run</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, (name, report) in enumerate(runs.items()):
        days = [row for row in report["days"] if row["category"] is None and row["variant"] is None]
        row, column = divmod(number, ACROSS)
        title = f"{name}: {report['suite']}, seed {report['seed']}"
        parts.append(f'<g transform="translate({column * WIDTH} {row * (HEIGHT + HEAD)})">')
        parts.append(f'<text x="42" y="22" font-size="14" font-weight="bold">{escape(title)}</text>')
        parts.append(f'<g transform="translate(0 {HEAD})">')
        parts += _lines(
            plot(days, "success", title=title, width=WIDTH, height=HEIGHT, percent=True, named=True)
        )
        parts.append("</g></g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _lines(of: Plot) -> list[str]:
    parts = []
    for y, text in of.values:
        parts.append(f'<path d="M{of.left} {y}H{of.right}" stroke="#ddd"/>')
        parts.append(f'<text x="{of.left - 8}" y="{y + 4}" text-anchor="end" fill="#555">{text}</text>')
    for number, (x, text) in enumerate(of.days):
        word = f"day {text}" if number == 0 else text
        parts.append(f'<text x="{x}" y="{of.bottom + 18}" text-anchor="middle" fill="#555">{word}</text>')
    for one in of.series:
        colour = COLOURS[one.arm]
        if one.band:
            parts.append(f'<path d="{one.band}" fill="{colour}" opacity="0.12"/>')
        parts.append(f'<path d="{one.line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{p.x}" cy="{p.y}" r="3.5" fill="{colour}"><title>{escape(p.said)}</title></circle>'
            for p in one.points
        ]
        place = f'x="{of.right + 2}" y="{one.label + 4}"'
        parts.append(f'<text {place} fill="{colour}" font-weight="bold">{one.arm}</text>')
    return parts


def main() -> None:
    """Draw."""
    (RUNS / "held-out.svg").write_text(drawn(reports()), "utf-8")


if __name__ == "__main__":
    main()
