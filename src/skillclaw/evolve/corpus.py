"""The episodes of a cycle, held compactly, with the look-ups that mining needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from skillclaw.evolve.cutting import rank
from skillclaw.evolve.traits import given
from skillclaw.skills.records import Ref
from skillclaw.trajectory.episodes import Episode, Move

__all__ = ["Corpus", "Weigh", "fair", "refs"]


class Corpus(msgspec.Struct):
    """All episodes by kind, in a fixed order, and the task cluster of each intent."""

    sessions: int
    episodes: int
    procedures: list[Episode]
    recoveries: list[Episode]
    corrections: list[Episode]
    pitfalls: list[Episode]
    task: dict[str, str] = {}
    calls: dict[str, list[tuple[Episode, Move]]] = {}

    def index_calls(self) -> None:
        """Every call by what it ran, over all requests."""
        self.calls = {}
        for episode in self.procedures:
            for move in episode.actions:
                if move.ok is not None:
                    self.calls.setdefault(move.key, []).append((episode, move))

    def names(self, key: str) -> set[str]:
        """What calls of `key` were given (`traits.given`), in at least one call of fifty."""
        calls = self.calls.get(key, [])
        counts = Counter(name for _, move in calls for name in given(move))
        return {name for name, count in counts.items() if count * 50 >= len(calls)}


class Weigh(msgspec.Struct, frozen=True):
    """How much old evidence counts: 0.5 ** (age in days / half-life)."""

    now: datetime
    half_life: float

    def recency(self, evidence: Iterable[Ref]) -> float:
        """Mean weight of the evidence; evidence without a day counts full."""
        weights = [self._weight(ref.day) for ref in evidence]
        return round(sum(weights) / len(weights), 4) if weights else 1.0

    def _weight(self, day: str) -> float:
        try:
            then = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            return 1.0
        age = max(0.0, (self.now - then).total_seconds() / 86_400)
        return float(0.5 ** (age / self.half_life)) if self.half_life > 0 else 1.0


def refs(episodes: Iterable[Episode]) -> list[Ref]:
    """One reference per session, sorted; the steps of several episodes of a session are joined."""
    found: dict[tuple[str, str], tuple[Episode, set[int]]] = {}
    for episode in episodes:
        _, steps = found.setdefault((episode.user, episode.session), (episode, set()))
        steps.update(episode.steps)
    return [
        Ref(
            session=e.session,
            user=e.user,
            agent=e.agent,
            day=e.day,
            steps=sorted(steps)[:20],
            success=e.success,
        )
        for _, (e, steps) in sorted(found.items())
    ]


def fair(refs: list[Ref], keep: int | None) -> list[Ref]:
    """At most `keep` references, of as many people as there are: people take turns."""
    if keep is None or len(refs) <= keep:
        return refs
    turns: Counter[str] = Counter()
    ranked: list[tuple[int, int, Ref]] = []
    for ref in sorted(refs, key=lambda r: rank(f"{r.session}\0{r.user}")):
        ranked.append((turns[ref.user], len(ranked), ref))
        turns[ref.user] += 1
    chosen = [ref for _, _, ref in sorted(ranked, key=lambda x: x[:2])[:keep]]
    return sorted(chosen, key=lambda r: (r.user, r.session))
