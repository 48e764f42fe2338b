"""The report of a cycle as one HTML file that asks nothing of the network.

Text of sessions and skills is untrusted. Jinja escapes every value, `visible` writes out what is invisible,
and a Content-Security-Policy lets nothing run or load but the page's own style and script, by their hashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment
from markupsafe import Markup, escape

from skillclaw.evolve.ranking import Change, Changes, Ranked, carriers, ranked
from skillclaw.evolve.view import CycleView, ProposalLine
from skillclaw.pages import environment, policy
from skillclaw.web.clusters import DRAWN, HEIGHT, LEAST, WIDTH, Circle, choose, place
from skillclaw.web.drawing import Axis, Bar, Forest, axis, bar, forest
from skillclaw.web.labels import Label, name
from skillclaw.web.text import number, odds, percent, visible

__all__ = ["PATTERNS", "render"]

PATTERNS = 300
"""Patterns in the table, the most valuable; it bounds the page."""

LISTED = 100
"""Rows of the other tables."""

MENTIONED = 8
"""Patterns named of each kind of change."""

STEPS = 7
"""Colours between "all fail" and "all succeed"."""

FALSE_DISCOVERY = 0.05


class PatternRow(NamedTuple):
    """A pattern as the table shows it."""

    place: int
    entry: Ranked
    bar: Bar | None
    forest: Forest | None
    days: int
    doubts: list[str]
    proposals: list[ProposalLine]


class Map(NamedTuple):
    """The cluster map: circles with their colour, names for wide and for narrow pages."""

    circles: list[tuple[Circle, str]]
    names: list[Label]
    narrow: list[Label]
    small: int
    left_out: int
    sessions: int


def render(view: CycleView, changes: Changes | None, costs: Mapping[str, float] | None = None) -> str:
    """The page for `view`, the same for the same input.

    `changes`: against the cycle before; None when there is none. `costs`: tool calls lost each time, by
    pattern id, for patterns that do not say it themselves.
    """
    entries = ranked(view.patterns, view.sessions, costs)
    shown = entries[:PATTERNS]
    scale = axis(
        [e.pattern.stats.ci for e in shown if e.pattern.stats.ci] + [e.ci for e in view.effects if e.ci]
    )
    style, script = _asset("page.css"), _asset("page.js")
    page = _environment().get_template("page.html")
    text = page.render(
        view=view,
        changes=changes,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704
        policy=policy(style, script),
        kinds=sorted(Counter(p.kind for p in view.patterns).items()),
        verdicts=sorted(Counter(p.verdict for p in view.proposals).items()),
        surprising=sum(p.stats.q is not None and p.stats.q <= FALSE_DISCOVERY for p in view.patterns),
        rows=_rows(view, shown, scale),
        patterns_left_out=len(entries) - len(shown),
        unpriced=sum(not e.value.cost_known for e in entries),
        unmeasured=sum(e.value.value is None for e in entries),
        axis=scale,
        map=_map(view),
        effects=[(e, forest(e.odds_ratio, e.ci, scale)) for e in view.effects[:LISTED]],
        listed=LISTED,
        least=LEAST,
        map_width=WIDTH,
        map_height=HEIGHT,
    )
    return text.lstrip()


def _rows(view: CycleView, shown: list[Ranked], scale: Axis) -> list[PatternRow]:
    most = max((e.value.ci[1] for e in shown if e.value.ci), default=0.0)
    made: dict[str, list[ProposalLine]] = {}
    for proposal in view.proposals:
        for mark in proposal.patterns:
            made.setdefault(mark, []).append(proposal)
    found = []
    for number_, entry in enumerate(shown, 1):
        pattern, value = entry
        found.append(
            PatternRow(
                place=number_,
                entry=entry,
                bar=bar(value.value, value.ci, most) if value.value is not None and value.ci else None,
                forest=forest(pattern.stats.odds_ratio, pattern.stats.ci, scale),
                days=len({r.day for r in pattern.evidence if r.day}),
                doubts=[*view.confounders.get(pattern.id, []), *carriers(pattern)],
                proposals=made.get(pattern.id) or _earlier(view.became.get(pattern.id, {})),
            )
        )
    return found


def _earlier(verdicts: Mapping[str, str]) -> list[ProposalLine]:
    """What became of a pattern in cycles before: nothing has changed since."""
    return [
        ProposalLine(id="", skill=skill, action="earlier", verdict=verdict)
        for skill, verdict in sorted(verdicts.items())
    ]


def _map(view: CycleView) -> Map:
    chosen = choose(view.clusters)
    circles = place(chosen)
    small = sum(p.sessions < LEAST for p in view.clusters)
    return Map(
        circles=[(c, _colour(c.point.success, c.point.failure)) for c in circles],
        names=name(circles, size=12, most=26, line=19),
        narrow=name(circles, size=29, most=8, line=13),
        small=small,
        left_out=len(view.clusters) - small - len(chosen),
        sessions=sum(p.sessions for p in chosen),
    )


def _colour(success: int, failure: int) -> str:
    """The class of a success rate; `su` where no end is known."""
    known = success + failure
    return f"s{min(STEPS - 1, success * STEPS // known)}" if known else "su"


def _judged(change: Change) -> str:
    """Which skills' verdicts changed, and how."""
    before, now = change.before.verdicts, change.now.verdicts
    return ", ".join(
        f"{skill}: {before.get(skill, 'none')} → {now.get(skill, 'none')}"
        for skill in sorted({*before, *now})
        if before.get(skill) != now.get(skill)
    )


def _breakable(text: str) -> Markup:
    """The text with places where a long name may be broken over lines."""
    return Markup(str(escape(visible(text))).replace("_", "_<wbr>").replace(".", ".<wbr>"))  # noqa: S704


@cache
def _asset(file: str) -> str:
    return Path(__file__).with_name(file).read_text("utf-8")


@cache
def _environment() -> Environment:
    found = environment(_asset("page.html"), visible)
    found.filters.update(number=number, breakable=_breakable)
    found.globals.update(
        percent=percent,
        odds=odds,
        visible=visible,
        judged=_judged,
        drawn=DRAWN,
        mentioned=MENTIONED,
        colours=range(STEPS),
    )
    return found
