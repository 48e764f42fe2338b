"""The report of a cycle as one HTML file that asks nothing of the network.

Text of sessions and skills is untrusted. Jinja escapes every value, `visible` writes out what is invisible,
and a Content-Security-Policy lets nothing run or load but the page's own style and script, by their hashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from skillclaw.evolve.ranking import Change, Changes, ranked
from skillclaw.evolve.view import CycleView
from skillclaw.pages import environment, policy
from skillclaw.web.clusters import DRAWN, HEIGHT, LEAST, WIDTH
from skillclaw.web.drawing import axis, forest
from skillclaw.web.mapping import STEPS, drawn
from skillclaw.web.rows import pattern_rows
from skillclaw.web.text import number, odds, percent, visible

__all__ = ["render"]

PATTERNS = 300
"""Patterns in the table, the most valuable; it bounds the page."""

LISTED = 100
"""Rows of the other tables."""

MENTIONED = 8
"""Patterns named of each kind of change."""

FALSE_DISCOVERY = 0.05


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
        rows=pattern_rows(view, shown, scale),
        patterns_left_out=len(entries) - len(shown),
        unpriced=sum(not e.value.cost_known for e in entries),
        unmeasured=sum(e.value.value is None for e in entries),
        axis=scale,
        map=drawn(view),
        effects=[(e, forest(e.odds_ratio, e.ci, scale)) for e in view.effects[:LISTED]],
        listed=LISTED,
        least=LEAST,
        map_width=WIDTH,
        map_height=HEIGHT,
    )
    return text.lstrip()


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
