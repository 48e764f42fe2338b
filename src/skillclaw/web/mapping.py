"""The cluster map of a cycle: circles with their colours and names."""

from __future__ import annotations

from typing import NamedTuple

from skillclaw.evolve.view import CycleView
from skillclaw.web.clusters import LEAST, Circle, choose, place
from skillclaw.web.labels import Label, name

__all__ = ["STEPS", "Map", "colour", "drawn"]

STEPS = 7
"""Colours between "all fail" and "all succeed"."""


class Map(NamedTuple):
    """The cluster map: circles with their colour, names for wide and for narrow pages."""

    circles: list[tuple[Circle, str]]
    names: list[Label]
    narrow: list[Label]
    small: int
    left_out: int
    sessions: int


def drawn(view: CycleView) -> Map:
    """The map of a cycle's task clusters; takes seconds where there are many."""
    chosen = choose(view.clusters)
    circles = place(chosen)
    small = sum(p.sessions < LEAST for p in view.clusters)
    return Map(
        circles=[(c, colour(c.point.success, c.point.failure)) for c in circles],
        names=name(circles, size=12, most=26, line=19),
        narrow=name(circles, size=29, most=8, line=13),
        small=small,
        left_out=len(view.clusters) - small - len(chosen),
        sessions=sum(p.sessions for p in chosen),
    )


def colour(success: int, failure: int) -> str:
    """The class of a success rate; `su` where no end is known."""
    known = success + failure
    return f"s{min(STEPS - 1, success * STEPS // known)}" if known else "su"
