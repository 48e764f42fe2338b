"""Sessions -> episodes -> patterns with their statistics (DESIGN 3.4). No LLM, deterministic, near linear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from skillclaw.evolve.cluster import NEAR
from skillclaw.evolve.corpus import Weigh, read_corpus
from skillclaw.evolve.corrections import find_corrections
from skillclaw.evolve.family import find_procedures
from skillclaw.evolve.lapses import find_lapses
from skillclaw.evolve.pitfalls import find_pitfalls
from skillclaw.evolve.recoveries import find_recoveries
from skillclaw.evolve.statistics import benjamini_hochberg
from skillclaw.evolve.tasks import cluster_tasks
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.model import Record, Trajectory

__all__ = ["FALSE_DISCOVERY", "Mined", "mine"]

FALSE_DISCOVERY = 0.05
"""Patterns that rest on a comparison of success count only with q up to this."""


class Mined(Record, frozen=True, kw_only=True):
    """What a pass found: sessions read, episodes cut, patterns (best supported first)."""

    sessions: int
    episodes: int
    patterns: list[Pattern]


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


def mine(
    sessions: Iterable[Trajectory],
    *,
    now: datetime,
    half_life_days: float,
    progress: Callable[[int, int | None, str], None] = _quiet,
    near: float = NEAR,
) -> Mined:
    """The patterns in `sessions`, the same for the same sessions in any order.

    Sessions are read once and only their episodes are held. `now` and `half_life_days` set how much old
    evidence counts (`Stats.recency`); `near` is the greatest average distance of requests within a task
    cluster (0..1).
    """
    corpus = read_corpus(sessions, progress)
    weigh = Weigh(now, half_life_days)
    progress(0, 4, "finding procedures")
    clusters, slots = cluster_tasks(corpus, near=near)
    procedures = find_procedures(clusters, slots, weigh)
    progress(1, 4, "finding recoveries")
    recoveries = find_recoveries(corpus, weigh)
    progress(2, 4, "finding pitfalls")
    pitfalls = find_pitfalls(corpus, weigh) + find_lapses(clusters, weigh)
    progress(3, 4, "finding corrections")
    corrections = find_corrections(corpus, weigh)
    progress(4, 4, "")
    kept = [
        *_discoveries(procedures),
        *_discoveries([(p, False) for p in recoveries]),
        *_discoveries([(p, True) for p in pitfalls]),
        *_discoveries([(p, False) for p in corrections]),
    ]
    kept.sort(key=lambda p: (-p.users, -p.sessions, p.kind, p.id))
    return Mined(sessions=corpus.sessions, episodes=corpus.episodes, patterns=kept)


def _discoveries(judged: list[tuple[Pattern, bool]]) -> list[Pattern]:
    """The patterns of one kind with q values; one that is needed must be small and point the right way."""
    kept: list[Pattern] = []
    for (pattern, needed), q in zip(judged, benjamini_hochberg([p.stats.p for p, _ in judged]), strict=True):
        stats = pattern.stats
        if needed:
            better = stats.with_success * stats.without_n > stats.without_success * stats.with_n
            if q is None or q > FALSE_DISCOVERY or not better or (stats.ci is not None and stats.ci[0] <= 1):
                continue
        rounded = msgspec.structs.replace(
            stats,
            p=None if stats.p is None else float(f"{stats.p:.4g}"),
            q=None if q is None else float(f"{q:.4g}"),
        )
        kept.append(msgspec.structs.replace(pattern, stats=rounded))
    return kept
