"""The description optimiser: other words in a description, taken only if requests held out say so.

A candidate keeps the first sentence, and with it the first 60 characters, which are all that some hosts show.
What follows may lose sentences, and gains words that users wrote: those that tell the requests which the
description misses from the near misses, as long as enough sessions of enough people have them. A candidate is
chosen on the train side of the split and taken only if the test side is better and the train side no worse.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from skillclaw.evolve.evolvers._phrases import joined
from skillclaw.gate.triggers import Trial, TriggerScore, evaluate
from skillclaw.skills.frontmatter import DESCRIPTION_MAX, plain
from skillclaw.skills.retrieval import Entry, Index, telling
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.model import Record

__all__ = ["GAIN", "GOOD", "LEAST", "Better", "better", "parts_of", "wanting", "with_words"]

LEAST = 4
"""Own requests on each side of the split below which a description is left as it is."""

GOOD = 0.9
"""A description that does at least this well on the train side (F1) is left as it is."""

GAIN = 0.01
"""What the test side must gain (F1), so that a description does not change for nothing."""

ROUNDS = 4
WORDS = (2, 4, 6, 9, 12)
"""How many words candidates gain."""

ALSO = "Also about "
_SENTENCE = re.compile(r"(?<=[.;。；!?])\s+")
_NAME = re.compile(r"(?<=[\w,;)'’] )[A-Z][^\W\d_]+|\b[^\W\d_]+(?=['’]s\b)")
"""A capital within a sentence, and who owns something: the word is a name there."""

Keep = Callable[[str], bool]
"""Whether enough sessions of enough people have a word."""


class Better(Record, frozen=True, kw_only=True):
    """A description that does better than the one before, with both scores on both sides of the split."""

    description: str
    train: tuple[TriggerScore, TriggerScore]
    test: tuple[TriggerScore, TriggerScore]

    def since(self, before: Better) -> Better:
        """This one after another, with the scores from before either."""
        return Better(
            description=self.description,
            train=(before.train[0], self.train[1]),
            test=(before.test[0], self.test[1]),
        )

    def text(self) -> str:
        """For people, with the numbers."""
        before, after = self.test
        return (
            f"on requests held out it {after.text()} (before: {before.text()}); "
            f"on the others it {self.train[1].text()} (before: {self.train[0].text()})"
        )


def wanting(name: str, index: Index, trials: Sequence[Trial]) -> bool:
    """Whether a description fails on the train side, with enough requests on both sides to tell."""
    train = evaluate(name, index, (t for t in trials if not t.test))
    test = sum(t.own and t.test for t in trials)
    return train.own >= LEAST and test >= LEAST and train.value < GOOD


def better(name: str, entries: Mapping[str, Entry], trials: Sequence[Trial], keep: Keep) -> Better | None:
    """The best description for the skill `name` of `entries`; None where none is better than its own."""
    train, test = [t for t in trials if not t.test], [t for t in trials if t.test]
    first = current = entries[name].description
    for _ in range(ROUNDS):
        if not wanting(name, _index(entries, name, current), trials):
            break
        chosen = _step(name, entries, current, train, keep)
        if chosen is None or not _holds(name, entries, current, chosen, train, test):
            break
        current = chosen
    if current == first:
        return None
    before, after = _index(entries, name, first), _index(entries, name, current)
    return Better(
        description=current,
        train=(evaluate(name, before, train), evaluate(name, after, train)),
        test=(evaluate(name, before, test), evaluate(name, after, test)),
    )


def _step(
    name: str, entries: Mapping[str, Entry], current: str, train: Sequence[Trial], keep: Keep
) -> str | None:
    """The candidate that does best on the train side, if it does better than what is there."""
    index = _index(entries, name, current)
    words = _telling_words(name, index, train, current, keep)
    best, reached = None, evaluate(name, index, train).value
    for candidate in _candidates(current, words):
        value = evaluate(name, _index(entries, name, candidate), train).value
        if value > reached + 1e-9:
            best, reached = candidate, value
    return best


def _holds(
    name: str, entries: Mapping[str, Entry], old: str, new: str, train: Sequence[Trial], test: Sequence[Trial]
) -> bool:
    before, after = _index(entries, name, old), _index(entries, name, new)
    gained = evaluate(name, after, test).value - evaluate(name, before, test).value
    return gained >= GAIN and evaluate(name, after, train).value >= evaluate(name, before, train).value


def _index(entries: Mapping[str, Entry], name: str, description: str) -> Index:
    return Index({**entries, name: Entry(name=name, description=description)}.values())


def _candidates(current: str, words: Sequence[str]) -> Iterator[str]:
    """Descriptions made of `current`, fewest changes first: each without one sentence at most behind the
    first, and with some of `words` beside those that were added before."""
    (first, *rest), added = parts_of(current)
    for dropped in (None, *range(len(rest))):
        kept = [sentence for place, sentence in enumerate(rest) if place != dropped]
        for before in (added, []) if added else ([],):
            for count in (0, *WORDS):
                if count and count - len(words) >= 3:
                    continue
                said = list(dict.fromkeys([*before, *words[:count]]))
                candidate = with_words([first, *kept], said)
                if candidate != current and len(candidate) <= DESCRIPTION_MAX:
                    yield candidate


def parts_of(description: str) -> tuple[list[str], list[str]]:
    """The sentences of a description, and the words that were added to it before."""
    sentences = _SENTENCE.split(description)
    also = [s.removeprefix(ALSO).rstrip(".") for s in sentences[1:] if s.startswith(ALSO)]
    kept = [
        sentence for place, sentence in enumerate(sentences) if not place or not sentence.startswith(ALSO)
    ]
    return kept, [word for text in also for word in re.split(r", | and ", text)]


def with_words(sentences: Sequence[str], words: Sequence[str]) -> str:
    """A description of these sentences, and a last one with the words."""
    return plain(" ".join([*sentences, *([f"{ALSO}{joined(list(words))}."] if words else [])]))


def _telling_words(name: str, index: Index, train: Sequence[Trial], current: str, keep: Keep) -> list[str]:
    """Words of own requests, those first that the near misses have least and missed requests most."""
    there = set(telling(current))
    own: Counter[str] = Counter()
    near: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    written: dict[str, str] = {}
    names: Counter[str] = Counter()
    for trial in train:
        found = set(telling(trial.request))
        if not trial.own:
            near.update(found)
            continue
        own.update(found)
        names.update({stem for match in _NAME.finditer(trial.request) for stem in telling(match[0])})
        for word in content_words(trial.request):
            for stem in telling(word):
                written.setdefault(stem, word)
        if all(hit.name != name for hit in index.find(trial.request)):
            missed.update(found)
    owns, nears = sum(t.own for t in train), sum(not t.own for t in train)
    value = {
        word: count * math.log(((own[word] + 0.5) / (owns + 1)) / ((near[word] + 0.5) / (nears + 1)))
        for word, count in missed.items()
        if word not in there and "'" not in word and 3 * names[word] < own[word]
    }
    ranked = sorted((word for word in value if value[word] > 0), key=lambda word: (-value[word], word))
    return [written[word] for word in ranked if word in written and keep(written[word])][: max(WORDS)]
