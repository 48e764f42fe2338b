"""Patterns as rows of a table: their place, and what is drawn of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from skillclaw.evolve.ranking import Ranked, carriers
from skillclaw.evolve.view import CycleView, ProposalLine
from skillclaw.web.drawing import Axis, Bar, Forest, bar, forest

__all__ = ["PatternRow", "pattern_rows"]


class PatternRow(NamedTuple):
    """A pattern as the table shows it."""

    place: int
    entry: Ranked
    bar: Bar | None
    forest: Forest | None
    days: int
    doubts: list[str]
    proposals: list[ProposalLine]


def pattern_rows(view: CycleView, shown: Sequence[Ranked], scale: Axis) -> list[PatternRow]:
    """The rows of these patterns, which are the first of the ranking; intervals are drawn on `scale`."""
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
