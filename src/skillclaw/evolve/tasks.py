"""Success with and without something, over task clusters and models."""

from __future__ import annotations

from collections.abc import Iterable

from skillclaw.evolve.statistics import Association, Row, carriers, mantel_haenszel, stratified
from skillclaw.skills.records import Stats
from skillclaw.trajectory.episodes import Episode

__all__ = ["MIN_SESSIONS", "association", "row"]

MIN_SESSIONS = 3
"""Fewer sessions than this are an anecdote, not a pattern."""


def row(episode: Episode, cluster: object, *, inside: bool) -> Row:
    """A request as a row of a comparison: its stratum is its task cluster and model."""
    return Row(
        f"{cluster}\0{episode.model}",
        inside,
        bool(episode.success),
        episode.model,
        episode.user,
        episode.agent,
    )


def association(rows: Iterable[Row]) -> tuple[Stats, Association]:
    """Success with and without something, over strata, and who carries the difference."""
    known = list(rows)
    tables = stratified(known)
    found = mantel_haenszel(tables)
    ratio = round(found.odds_ratio, 4) if found.odds_ratio is not None else None
    ci = (round(found.ci[0], 4), round(found.ci[1], 4)) if found.ci is not None else None
    stats = Stats(
        with_n=sum(t.a + t.b for t in tables),
        with_success=sum(t.a for t in tables),
        without_n=sum(t.c + t.d for t in tables),
        without_success=sum(t.c for t in tables),
        odds_ratio=ratio,
        ci=ci,
        p=found.p,
        carriers=carriers(known, found),
    )
    return stats, found
