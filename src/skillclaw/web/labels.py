"""Names on the map: the largest clusters first, and none where it would cover another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skillclaw.web.clusters import HEIGHT, WIDTH, Circle
from skillclaw.web.text import visible, width

__all__ = ["Label", "name"]

COVERED = 0.06
"""Share of a name that may lie on other circles."""

LEADING = 1.15
PAD = 3.0


class Label(NamedTuple):
    """Lines of text, the first with its baseline at `y`, around `x` as `anchor` (start, middle, end) says."""

    lines: list[tuple[str, float]]
    x: float
    anchor: str


Box = tuple[float, float, float, float]


def name(circles: Sequence[Circle], *, size: float, most: int, line: int) -> list[Label]:
    """Names for at most `most` circles in letters of `size`, in two lines of about `line` characters."""
    found: list[Label] = []
    taken: list[Box] = []
    for index, circle in enumerate(circles[: 3 * most]):
        if len(found) == most:
            break
        lines = _wrap(visible(circle.point.label, 200), line)
        best: tuple[float, Label, Box] | None = None
        for label, box in _places(circle, lines, size):
            x0, y0, x1, y1 = box
            if min(x0, y0, WIDTH - x1, HEIGHT - y1) < PAD or any(_common(box, b) > 0 for b in taken):
                continue
            hidden = sum(_common(box, _box(c)) for i, c in enumerate(circles) if i != index)
            cost = hidden / ((x1 - x0) * (y1 - y0))
            if cost <= COVERED and (best is None or cost < best[0] - 0.02):
                best = (cost, label, box)
        if best is not None:
            found.append(best[1])
            taken.append(best[2])
    return found


def _wrap(text: str, line: int) -> list[str]:
    """The beginning of `text` in at most two lines."""
    first, rest = _cut(text, line)
    if not rest:
        return [first]
    second, rest = _cut(rest, line)
    return [first, second.rstrip(" ,.;:") + "…" if rest else second]


def _cut(text: str, line: int) -> tuple[str, str]:
    if len(text) <= line:
        return text, ""
    space = text.rfind(" ", 0, line + 1)
    at = space if space > line // 2 else line
    return text[:at].rstrip(), text[at:].lstrip()


def _places(circle: Circle, lines: list[str], size: float) -> list[tuple[Label, Box]]:
    wide = 1.06 * max(map(width, lines)) * size
    high = LEADING * size * len(lines)
    x, y, r = circle.x, circle.y, circle.r
    found = []
    for anchor, left, top in (
        ("middle", x - wide / 2, y - high / 2) if 1.8 * r > wide else ("middle", x - wide / 2, y + r + PAD),
        ("start", x + r + PAD, y - high / 2),
        ("end", x - r - PAD - wide, y - high / 2),
        ("middle", x - wide / 2, y - r - PAD - high),
    ):
        at = {"start": left, "middle": left + wide / 2, "end": left + wide}[anchor]
        placed = [(text, round(top + size * (0.85 + LEADING * row), 1)) for row, text in enumerate(lines)]
        found.append((Label(placed, round(at, 1), anchor), (left, top, left + wide, top + high)))
    return found


def _box(circle: Circle) -> Box:
    half = 0.94 * circle.r
    return circle.x - half, circle.y - half, circle.x + half, circle.y + half


def _common(a: Box, b: Box) -> float:
    """The area that two boxes share."""
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    return across * down if across > 0 and down > 0 else 0.0
