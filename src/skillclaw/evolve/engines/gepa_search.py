"""GEPA over the words of a description, graded by trigger evaluation: the part that needs the package `gepa`.

A candidate is a list of words behind a description that stays. GEPA keeps a population on a Pareto front of
single requests; a mutation adds a word of a request that was missed, or drops one that a near miss has. No
model is asked and the seed is fixed, so that the same trials give the same words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from skillclaw.gate.triggers import Trial
from skillclaw.skills.retrieval import Entry, Index, telling
from skillclaw.skills.vocabulary import content_words

__all__ = ["search"]

WORDS = "words"
"""The one component of a candidate that changes."""

CALLS = 3000
"""Trials that one search may look at."""

BATCH = 12
"""Trials of a mutation's test."""

MOST = 16
"""Words that a candidate may have."""

SEED = 20260101

Describe = Callable[[Sequence[str]], str]
"""The description with these words."""


class _Grader:
    """What GEPA asks: how a candidate does on some trials, and what to tell who mutates it."""

    propose_new_texts = None

    def __init__(self, name: str, entries: Mapping[str, Entry], describe: Describe) -> None:
        self._name, self._entries, self._describe = name, entries, describe
        self._indexes: dict[str, Index] = {}

    def evaluate(self, batch: list[Trial], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        """1 for each trial that comes out as it should."""
        from gepa.core.adapter import EvaluationBatch

        right = [self._right(trial, candidate[WORDS]) for trial in batch]
        return EvaluationBatch(
            outputs=right,
            scores=[float(one) for one in right],
            trajectories=list(zip(batch, right, strict=True)) if capture_traces else None,
        )

    def make_reflective_dataset(
        self, candidate: dict[str, str], batch: Any, components: list[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """The trials that came out wrong."""
        wrong = [{"request": t.request, "own": t.own} for t, right in batch.trajectories if not right]
        return dict.fromkeys(components, wrong)

    def _right(self, trial: Trial, words: str) -> bool:
        if words not in self._indexes:
            entry = Entry(name=self._name, description=self._describe(words.split()))
            self._indexes[words] = Index({**self._entries, self._name: entry}.values())
        up = any(hit.name == self._name for hit in self._indexes[words].find(trial.request))
        return up is trial.own


class _Silent:
    def log(self, message: str) -> None:
        """Nothing: what GEPA tells while it searches quotes requests."""


def search(
    name: str,
    entries: Mapping[str, Entry],
    train: Sequence[Trial],
    keep: Callable[[str], bool],
    describe: Describe,
    words: Sequence[str],
) -> list[str]:
    """The words that do best on the train side, from `words` on. Raises ImportError without `gepa`."""
    import gepa

    chance = random.Random(SEED)  # noqa: S311 - only a search

    def mutate(candidate: dict[str, str], wrong: Mapping[str, Any], components: list[str]) -> dict[str, str]:
        del components
        now = candidate[WORDS].split()
        missed = [t["request"] for t in wrong.get(WORDS, ()) if t["own"]]
        drawn = {w for t in wrong.get(WORDS, ()) if not t["own"] for w in telling(t["request"])}
        there = {stem for word in now for stem in telling(word)}
        new = sorted({w for t in missed for w in content_words(t) if w.isascii() and set(telling(w)) - there})
        new = [word for word in new if keep(word)]
        loose = [word for word in now if drawn & set(telling(word))]
        if loose and (not new or chance.random() < 0.4):
            gone = chance.choice(loose)
            return {WORDS: " ".join(word for word in now if word != gone)}
        if new and len(now) < MOST:
            return {WORDS: " ".join([*now, chance.choice(new)])}
        return {WORDS: " ".join(now)}

    found = gepa.optimize(
        seed_candidate={WORDS: " ".join(words)},
        trainset=list(train),
        valset=list(train),
        adapter=_Grader(name, entries, describe),
        custom_candidate_proposer=mutate,
        reflection_minibatch_size=BATCH,
        max_metric_calls=CALLS,
        logger=_Silent(),
        seed=SEED,
        track_best_outputs=False,
    )
    best: dict[str, str] = found.best_candidate
    return best[WORDS].split()
