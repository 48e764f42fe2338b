"""Which skill a request would bring up, judged by names and descriptions alone. Pure and deterministic.

An agent sees a list of names with descriptions and takes what fits. How a model chooses cannot be computed;
that the words of a request have to meet the words of a description can. Scores are cosines of TF-IDF vectors
over words and over character trigrams of words, so that `invoices` meets `invoicing`; Chinese is taken in
pairs of characters. docs/care.md has figures on WorkBench, where this finds more than BM25 does.

No library: those that are kept well want arrays (scikit-learn, `bm25s`), which this room and the light
install do without; what is compared are tens to hundreds of short texts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from skillclaw.trajectory.model import Record
from skillclaw.trajectory.text import ORDER, STOP, mask, word_set, words

__all__ = ["ENOUGH", "Entry", "Hit", "Index", "telling"]

ENOUGH = 0.1
"""A description less like a request than this (cosine) does not bring its skill up."""

CLOSE = 0.9
"""A second skill comes up too when its score is at least this share of the best one's."""

MOST = 3
"""Skills that one request brings up, at most."""

BEGINNING = 5
"""Letters by which words count as forms of one."""

LONGEST = 4000
"""Characters of a text that are looked at."""

_NOT_FOR = re.compile(
    r"(?:^|(?<=[.;。；!?])\s*)"
    r"(?:not (?:for|when|to be used|meant for)|(?:do not|don['’]t|never) use|不(?:要)?用于|不适用于)"
    r"[^.;。；]*[.;。；]?",
    re.IGNORECASE,
)
"""Sentences of a description that say what a skill is not for: their words must not draw requests."""

_FRAME = word_set(
    "ask asks asked user use used using step steps way also about related work works task tasks skill"
)
"""Words in which descriptions and requests are framed; they say nothing of what it is about."""


class Entry(Record, frozen=True, kw_only=True):
    """A skill as an agent's list shows it."""

    name: str
    description: str


class Hit(Record, frozen=True, kw_only=True):
    """A skill that a request brings up, and how alike they are (0 to 1)."""

    name: str
    score: float


def telling(text: str) -> list[str]:
    """The words of `text` that say what it is about, in order; what varies (numbers, dates, paths, quoted
    values) is left out."""
    found: list[str] = []
    for word in words(mask(text[:LONGEST])):
        if word.startswith("<") or word in STOP or word in ORDER:
            continue
        found += [part for part in re.split(r"[-_]", word) if len(part) > 1 and part not in STOP | _FRAME]
    return found


@lru_cache(maxsize=8192)
def _parts(text: str) -> Counter[str]:
    """Words, and their trigrams with `#` before them; not to be changed."""
    found: Counter[str] = Counter()
    for word in telling(text):
        found[word] += 1
        if word.isascii():
            whole = f"^{word}$"
            found.update(f"#{whole[at : at + 3]}" for at in range(len(whole) - 2))
    return found


def _beginnings(parts: Iterable[str]) -> frozenset[str]:
    return frozenset(part[:BEGINNING] for part in parts if part[0] != "#")


class Index:
    """Names and descriptions, to be asked which of them a request brings up."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = sorted(entries, key=lambda e: (e.name, e.description))
        bags = [
            _parts(f"{e.name.replace('-', ' ')}. {_NOT_FOR.sub(' ', e.description)}") for e in self.entries
        ]
        self._begins = [_beginnings(bag) for bag in bags]
        self._seen = Counter(part for bag in bags for part in bag)
        self._vectors = [self._unit(bag) for bag in bags]

    def _unit(self, bag: Counter[str]) -> dict[str, float]:
        rare = math.log(1 + len(self.entries)) + 1
        vector = {
            part: (1 + math.log(count)) * (rare - math.log(1 + self._seen.get(part, 0)))
            for part, count in bag.items()
        }
        length = math.sqrt(sum(value * value for value in vector.values()))
        return {part: value / length for part, value in vector.items()} if length else {}

    def ranked(self, request: str) -> list[Hit]:
        """All skills that have a word in common with the request, or its beginning; the likeliest first."""
        parts = _parts(request)
        asked, begins = self._unit(parts), _beginnings(parts)
        hits = []
        for entry, vector, own in zip(self.entries, self._vectors, self._begins, strict=True):
            if begins.isdisjoint(own):
                continue  # some trigrams are common to words that have nothing to do with each other
            score = round(sum(value * vector.get(part, 0.0) for part, value in asked.items()), 6)
            if score > 0:
                hits.append(Hit(name=entry.name, score=score))
        return sorted(hits, key=lambda hit: (-hit.score, hit.name))

    def find(self, request: str, *, close: float = CLOSE) -> list[Hit]:
        """The skills that the request brings up: the likeliest, and those with at least the share `close` of
        its score."""
        hits = self.ranked(request)[:MOST]
        return [hit for hit in hits if hit.score >= max(ENOUGH, close * hits[0].score)]
