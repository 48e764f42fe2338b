"""Task clusters, and success with and without something over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from skillclaw.evolve.cluster import NEAR, cluster_texts
from skillclaw.evolve.corpus import Corpus
from skillclaw.evolve.slots import slotted
from skillclaw.evolve.statistics import Association, Table, mantel_haenszel
from skillclaw.skills.records import Stats
from skillclaw.trajectory.episodes import Episode

__all__ = ["MIN_SESSIONS", "association", "cluster_tasks"]

MIN_SESSIONS = 3
"""Fewer sessions than this are an anecdote, not a pattern."""


def cluster_tasks(corpus: Corpus, *, near: float = NEAR) -> tuple[dict[int, list[Episode]], dict[str, str]]:
    """The requests by task cluster, and each intent with what varies as `<...>`."""
    slots = slotted(corpus.procedures)
    intents = sorted(slots)
    numbers = cluster_texts([slots[intent] for intent in intents], near=near)
    corpus.task = dict(zip(intents, numbers, strict=True))
    clusters: dict[int, list[Episode]] = {}
    for episode in corpus.procedures:
        number = corpus.task[episode.intent]
        if number >= 0 and episode.intent:
            clusters.setdefault(number, []).append(episode)
    return clusters, slots


def association(rows: Iterable[tuple[str, bool, bool]]) -> tuple[Stats, Association]:
    """Success with and without something, over strata. rows: (stratum, with, success)."""
    tables: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for stratum, inside, success in rows:
        tables[stratum][(0 if inside else 2) + (0 if success else 1)] += 1
    ordered = [Table(*tables[name]) for name in sorted(tables)]
    found = mantel_haenszel(ordered)
    ratio = round(found.odds_ratio, 4) if found.odds_ratio is not None else None
    ci = (round(found.ci[0], 4), round(found.ci[1], 4)) if found.ci is not None else None
    stats = Stats(
        with_n=sum(t.a + t.b for t in ordered),
        with_success=sum(t.a for t in ordered),
        without_n=sum(t.c + t.d for t in ordered),
        without_success=sum(t.c for t in ordered),
        odds_ratio=ratio,
        ci=ci,
        p=found.p,
    )
    return stats, found
