"""What users asked for, and finding the pattern for a new request by its words alone."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from skillclaw.evolve.cluster import top_terms, vectors
from skillclaw.evolve.slots import label
from skillclaw.skills.records import Intent, Pattern
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.text import terms

__all__ = ["IntentIndex", "Vocabulary", "asked_label", "make_intent", "wanted"]

EXAMPLES = 60
"""Requests kept with a pattern, each different in its words once values are taken out."""

ENOUGH = 0.3
"""A request less like any intent than this (cosine) has no procedure."""

QUANTITY = 3
"""A compared quantity counts as if said this often: it may decide what is to be done."""

_COMPARED = re.compile(
    r"\b(more|less|higher|lower|over|under|above|below|least|most|than) +(than +)?(\d{1,9})(?![\d:/-])",
    re.IGNORECASE,
)
_KEPT = re.compile("[\ue000-\uefff]")


def _quantities(text: str) -> Iterator[str]:
    for match in _COMPARED.finditer(text):
        yield f"{match[1].lower()} {match[3]}"


def wanted(text: str) -> list[str]:
    """The terms of a request or of a label, with compared quantities ("more than 11" as `more 11`).

    Numbers are otherwise masked; one that is compared with is part of what is asked.
    """
    return terms(text) + [quantity for quantity in _quantities(text) for _ in range(QUANTITY)]


def asked_label(slotted: str) -> str:
    """A slotted request with what varies masked, but for compared quantities."""
    numbers: list[str] = []

    def keep(match: re.Match[str]) -> str:
        numbers.append(match[3])
        mark = chr(0xE000 + min(len(numbers) - 1, 0xFFF))
        return f"{match[1]} {match[2] or ''}{mark}"

    masked = label(_COMPARED.sub(keep, _KEPT.sub("", slotted)))
    return _KEPT.sub(lambda m: numbers[ord(m[0]) - 0xE000], masked)


class Vocabulary(Record, frozen=True):
    """In how many of `total` distinct requests of all sessions each term (`wanted`) occurs."""

    total: int
    counts: dict[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """From the slotted requests themselves."""
        distinct = sorted(set(texts))
        counts = Counter(term for text in distinct for term in set(wanted(text)))
        return cls(total=len(distinct), counts=dict(counts))

    def weight(self, term: str) -> float:
        """How telling a term is: the logarithm of how rare it is, at least 1."""
        return math.log((1 + self.total) / (1 + self.counts.get(term, 0))) + 1


def make_intent(episodes: Sequence[Episode], slots: dict[str, str], vocabulary: Vocabulary) -> Intent:
    """The intent of these requests: the commonest label, the words that tell it from others, examples."""
    labels: Counter[str] = Counter()
    for text, n in Counter(slots.get(e.intent, e.intent) for e in episodes).items():
        labels[asked_label(text)] += n
    ranked = sorted(labels, key=lambda t: (-labels[t], len(t), t))
    bags = [terms(text) for text in sorted({slots.get(e.intent, e.intent) for e in episodes})]
    telling = top_terms(bags, vocabulary.counts, vocabulary.total, 24)
    return Intent(label=ranked[0], terms=telling, examples=ranked[:EXAMPLES])


class IntentIndex:
    """Finds the pattern whose intent a request states. It sees nothing of patterns but their intents.

    The pattern of the most alike example: what one pattern is asked for may be said in quite different words,
    and patterns that differ in one word of many are told apart by it.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = [p for p in patterns if p.intent is not None]
        bags: list[list[str]] = []
        self._owners: list[int] = []
        for number, pattern in enumerate(self._patterns):
            for text in pattern.intent.examples if pattern.intent else []:
                bags.append(wanted(text))
                self._owners.append(number)
        self._weights: dict[str, tuple[int, float]] = {}
        if not any(bags):
            self._patterns = []
            return
        self._matrix, names = vectors(bags)
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
        for term, count in Counter(wanted(request)).items():
            if term in self._weights:
                column, weight = self._weights[term]
                vector[column] = (1 + np.log(count)) * weight
        norm = float(np.linalg.norm(vector))
        if norm == 0:
            return None
        similarity = np.round(self._matrix @ (vector / norm), 6)
        best = int(np.argmax(similarity))
        return self._patterns[self._owners[best]] if similarity[best] >= enough else None
