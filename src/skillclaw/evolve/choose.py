"""Which way through a task succeeds most surely, chosen for each request from what similar requests showed.

A way is the calls of a request in order. How good it is for a request is the share of the requests it
succeeded in, each weighed by how alike its words are, and shrunk towards `BASE` where little was seen:

    worth = (sum(w * rate) + STRENGTH * BASE) / (sum(w) + STRENGTH),  w = cosine ** SHARPNESS

A request counts once however many sessions tried it: sessions of one task mostly end alike, so that twenty
tries of one task say less than five tasks tried once. Frequency alone would pick what most agents do, which
for many tasks is to look and stop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from skillclaw.evolve.procedures import path, path_keys
from skillclaw.trajectory.episodes import Episode

__all__ = ["BASE", "LARGEST", "Bag", "Choice", "Way", "choose", "goes", "unit_of"]

BASE = 0.35
"""What a way is thought to achieve before anything is seen."""

STRENGTH = 4.0
"""How many requests that prior weighs as much as."""

SHARPNESS = 4
"""Power of the cosine: at 4, a request half as alike weighs a sixteenth."""

LEAST = 1e-9
"""A way that was tried by requests less alike than this (summed weight) was not seen."""

FITS = 0.05
"""A way uses only tools that at least this share of such requests used."""

WAYS = 200
"""Ways of a family that are looked at, the most used first: it bounds the work."""

LARGEST = 1500
"""Distinct wordings of a family that are compared with each other; their matrix then takes 9 MB."""

TYPICAL = 0.5
"""Ways that differ only in repeats, mended tries and checks afterwards count as one when no single form of it
holds this share of its successes."""

Bag = tuple[str, ...]
"""The terms of a request, see `intents.wanted`."""


class Way(NamedTuple):
    """The calls of a request in order. `tidy`: without failed tries, repeats and checks after the last
    change.
    """

    keys: tuple[str, ...]
    tidy: bool = False


class Choice(NamedTuple):
    """What was chosen. `by_bag`: the way for each wording. `blind`: the way chosen for each wording and unit
    without that unit's sessions, so that their outcome can be held against the choice.
    """

    by_bag: dict[Bag, Way]
    blind: dict[tuple[Bag, str], Way]


def unit_of(episode: Episode) -> str:
    """What counts once: the task where there is one, else the session."""
    return episode.task or f"{episode.user}\0{episode.session}"


def goes(episode: Episode, way: Way) -> bool:
    """Whether a request was served this way, by the names of its calls alone."""
    return (path_keys(path(episode.actions)) if way.tidy else _calls(episode)) == way.keys


def _calls(episode: Episode) -> tuple[str, ...]:
    return tuple(move.key for move in episode.actions)


def choose(
    episodes: Sequence[Episode],
    bag: Callable[[Episode], Bag],
    weight: Callable[[str], float],
    barred: Collection[tuple[Bag, Way]] = (),
) -> Choice:
    """The way for each wording among these requests. `bag` gives the terms of a request, `weight` how telling
    a term is.

    A way is looked at when it succeeded in at least two requests, in three sessions, and for two users where
    there are two.
    """
    acted = [e for e in episodes if e.actions and e.success is not None and bag(e)]
    ways = _ways(acted)
    counts = Counter(bag(e) for e in acted)
    bags = sorted(sorted(counts, key=lambda b: (-counts[b], b))[:LARGEST])
    if not ways or not bags:
        return Choice({}, {})
    row = {b: n for n, b in enumerate(bags)}
    acted = [e for e in acted if bag(e) in row]
    alike = _alike(bags, weight)
    shape = (len(bags), len(ways))
    good, tried = np.zeros(shape), np.zeros(shape)
    seen: dict[tuple[Bag, str], dict[int, list[int]]] = {}
    for episode in acted:
        unit = seen.setdefault((bag(episode), unit_of(episode)), {})
        for way in _own(episode):
            if way in ways:
                cell = unit.setdefault(ways[way], [0, 0])
                cell[0] += bool(episode.success)
                cell[1] += 1
    for (asked, _), unit in seen.items():
        for column, (successes, n) in unit.items():
            good[row[asked], column] += successes / n
            tried[row[asked], column] += 1
    all_good, all_tried = alike @ good, alike @ tried
    names = list(ways)
    fits = _fits(acted, bag, row, alike, names)
    for asked, way in barred:
        fits[row[asked], ways[way]] = False
    by_bag = {
        b: names[best]
        for b, n in row.items()
        if (best := _best(all_good[n], all_tried[n], fits[n])) is not None
    }
    blind: dict[tuple[Bag, str], Way] = {}
    for mark, unit in seen.items():
        less_good, less_tried = all_good[row[mark[0]]].copy(), all_tried[row[mark[0]]].copy()
        for column, (successes, n) in unit.items():
            less_good[column] -= successes / n
            less_tried[column] -= 1
        best = _best(less_good, less_tried, fits[row[mark[0]]])
        if best is not None:
            blind[mark] = names[best]
    return Choice(by_bag, blind)


def _own(episode: Episode) -> set[Way]:
    keys = path_keys(path(episode.actions))
    # What only failed is no way.
    return {Way(_calls(episode)), Way(keys, tidy=True)} if keys else set()


def _ways(acted: Sequence[Episode]) -> dict[Way, int]:
    """The ways worth a look, each with its column."""
    successes: dict[Way, list[Episode]] = {}
    forms: dict[Way, Counter[tuple[str, ...]]] = {}
    for episode in acted:
        if episode.success:
            for way in _own(episode):
                successes.setdefault(way, []).append(episode)
                forms.setdefault(way, Counter())[_calls(episode)] += 1
    users = min(2, len({e.user for e in acted}))
    kept = [
        way
        for way, es in successes.items()
        if len({unit_of(e) for e in es}) >= 2
        and len({(e.user, e.session) for e in es}) >= 3
        and len({e.user for e in es}) >= users
        and not (way.tidy and max(forms[way].values()) >= TYPICAL * len(es))
    ]
    kept.sort(key=lambda w: (-len(successes[w]), w))
    return {way: column for column, way in enumerate(sorted(kept[:WAYS]))}


def _fits(
    acted: Sequence[Episode],
    bag: Callable[[Episode], Bag],
    row: dict[Bag, int],
    alike: Any,
    ways: Sequence[Way],
) -> Any:
    """For each wording and way: whether its tools are those that sessions of such requests use at all,
    however they ended."""
    keys = sorted({key for way in ways for key in way.keys})
    column = {key: n for n, key in enumerate(keys)}
    uses, n = np.zeros((len(row), len(keys))), np.zeros(len(row))
    for episode in acted:
        n[row[bag(episode)]] += 1
        for key in {move.key for move in episode.actions}:
            if key in column:
                uses[row[bag(episode)], column[key]] += 1
    share = (alike @ uses) / (alike @ n)[:, None]
    return np.stack([(share[:, [column[k] for k in way.keys]] >= FITS).all(axis=1) for way in ways], axis=1)


def _best(good: Any, tried: Any, fits: Any) -> int | None:
    worth = np.where(fits & (tried >= LEAST), (good + STRENGTH * BASE) / (tried + STRENGTH), -1.0)
    # Rounded, so that sums in another order do not decide.
    best = int(np.round(worth, 9).argmax())
    return best if worth[best] > 0 else None


def _alike(bags: Sequence[Bag], weight: Callable[[str], float]) -> Any:
    columns: dict[str, int] = {}
    rows: list[int] = []
    at: list[int] = []
    values: list[float] = []
    for number, own in enumerate(bags):
        for term, count in sorted(Counter(own).items()):
            rows.append(number)
            at.append(columns.setdefault(term, len(columns)))
            values.append((1 + float(np.log(count))) * weight(term))
    matrix = csr_matrix((values, (rows, at)), shape=(len(bags), max(1, len(columns))))
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    norms[norms == 0] = 1
    matrix = csr_matrix(matrix.multiply(1 / norms[:, None]))
    return np.clip(np.asarray((matrix @ matrix.T).todense()), 0, 1) ** SHARPNESS
