"""What users asked for, and finding the pattern for a new request by its words alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from skillclaw.evolve.cluster import top_terms, vectors
from skillclaw.evolve.slots import label
from skillclaw.skills.records import Intent, Pattern
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.text import terms

__all__ = ["IntentIndex", "Vocabulary", "make_intent"]

EXAMPLES = 12
"""Requests kept with a pattern, each different in its words once values are taken out."""

ENOUGH = 0.3
"""A request less like any intent than this (cosine) has no procedure."""


class Vocabulary(Record, frozen=True):
    """In how many of `total` distinct requests of all sessions each term occurs."""

    total: int
    counts: dict[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """From the requests themselves."""
        distinct = sorted(set(texts))
        return cls(
            total=len(distinct), counts=dict(Counter(term for text in distinct for term in set(terms(text))))
        )


def make_intent(episodes: Sequence[Episode], slots: dict[str, str], vocabulary: Vocabulary) -> Intent:
    """The intent of these requests: the commonest label, the words that tell it from others, examples."""
    labels = Counter(label(slots.get(e.intent, e.intent)) for e in episodes)
    ranked = sorted(labels, key=lambda t: (-labels[t], len(t), t))
    bags = [terms(text) for text in sorted({slots.get(e.intent, e.intent) for e in episodes})]
    telling = top_terms(bags, vocabulary.counts, vocabulary.total, 24)
    return Intent(label=ranked[0], terms=telling, examples=ranked[:EXAMPLES])


class IntentIndex:
    """Finds the pattern whose intent a request states. It sees nothing of patterns but their intents."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = [p for p in patterns if p.intent is not None]
        bags: list[list[str]] = []
        owners: list[int] = []
        for number, pattern in enumerate(self._patterns):
            for text in pattern.intent.examples if pattern.intent else []:
                bags.append(terms(text))
                owners.append(number)
        self._weights: dict[str, tuple[int, float]] = {}
        if not bags or not any(bags):
            self._patterns = []
            return
        matrix, names = vectors(bags)
        dense = np.zeros((len(self._patterns), len(names)), dtype=np.float32)
        for row, owner in enumerate(owners):
            dense[owner] += np.asarray(matrix[row].todense()).ravel()
        norms = np.linalg.norm(dense, axis=1, keepdims=True)
        norms[norms == 0] = 1
        self._centroids = dense / norms
        frequency = Counter(term for bag in bags for term in set(bag))
        self._weights = {
            name: (column, float(np.log((1 + len(bags)) / (1 + frequency[name])) + 1))
            for column, name in enumerate(names)
        }

    def find(self, request: str, *, enough: float = ENOUGH) -> Pattern | None:
        """The pattern nearest to the words of `request`; None when none is near."""
        if not self._patterns:
            return None
        vector = np.zeros(len(self._weights), dtype=np.float32)
        for term, count in Counter(terms(request)).items():
            if term in self._weights:
                column, weight = self._weights[term]
                vector[column] = (1 + np.log(count)) * weight
        norm = float(np.linalg.norm(vector))
        if norm == 0:
            return None
        similarity = self._centroids @ (vector / norm)
        best = int(np.argmax(similarity))
        return self._patterns[best] if similarity[best] >= enough else None
