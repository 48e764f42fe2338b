"""Success with and without something, over task clusters and models."""

from __future__ import annotations

from collections.abc import Iterable

from skillclaw.evolve.statistics import Association, Row, carriers, mantel_haenszel, stratified
from skillclaw.skills.records import Stats
from skillclaw.trajectory.episodes import Episode

__all__ = ["ATTESTED", "MIN_SESSIONS", "association", "attested", "row"]

MIN_SESSIONS = 3
"""Fewer sessions than this are an anecdote, not a pattern."""


ATTESTED = 2
"""Sessions whose success is not only the agent's word (`Episode.attested`), at least, where a claim rests on
success. How a session ends in the agent's words follows from the way it went: a weak agent's wrong way looks
right in all sessions that went it."""


def attested(episodes: Iterable[Episode]) -> bool:
    """Whether enough of these successes are more than the agent's word."""
    return len({(e.user, e.session) for e in episodes if e.success and e.attested}) >= ATTESTED


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
