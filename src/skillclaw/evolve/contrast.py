"""What successful sessions of a task do that failed ones do not: steps, order, arguments, preconditions.

Each feature has a two-by-two table per stratum (task cluster and model): sessions that have it or lack it,
succeeded or failed. Tables of one feature add up over clusters, so that a cluster can be counted by itself
and what holds of a tool wherever it is used comes from the sum. Episodes are read once each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from skillclaw.evolve.statistics import Association, Table, mantel_haenszel
from skillclaw.trajectory.episodes import Episode, Move

__all__ = [
    "Contrast",
    "Feature",
    "FeatureKind",
    "Tables",
    "added",
    "count",
    "has",
    "judged",
    "kept",
]

FeatureKind = Literal["step", "repeat", "order", "argument", "source"]

FEWEST = 3
"""A feature that fewer sessions have, or lack, is not compared."""

KEYS = 12
"""Kinds of calls of one request that are looked at, the first ones."""


class Feature(NamedTuple):
    """Something that a session does or does not do.

    step      `key` is called, and not only in vain
    repeat    `key`, which changes something, works more than once
    order     `other` is called before `key` (which changes something) for the first time
    argument  every call of `key` gives `other`
    source    every call of `key` takes `other` from an earlier result (look-up before use)

    All but `step` apply to sessions that call `key` only, `source` to those that also give the argument.
    """

    kind: FeatureKind
    key: str
    other: str = ""


class Contrast(NamedTuple):
    """A feature with its tables by model: with it (succeeded, failed), without it (succeeded, failed)."""

    feature: Feature
    tables: dict[str, Table]
    with_n: int
    with_success: int
    without_n: int
    without_success: int
    association: Association


Tables = dict[Feature, dict[str, Table]]


def has(episode: Episode) -> dict[Feature, bool]:
    """The features that apply to a request, but for steps that it lacks, and whether it has them."""
    by_key: dict[str, list[Move]] = {}
    for move in episode.actions:
        if move.key in by_key or len(by_key) < KEYS:
            by_key.setdefault(move.key, []).append(move)
    found: dict[Feature, bool] = {}
    seen: list[str] = []
    for key, moves in by_key.items():
        if any(m.ok is not False for m in moves):
            found[Feature("step", key)] = True
        if any(m.writes for m in moves):
            found[Feature("repeat", key)] = sum(m.ok is not False for m in moves) > 1
            for other in seen:
                found[Feature("order", key, other)] = True
        found.update(_arguments(key, moves))
        seen.append(key)
    return found


def _arguments(key: str, moves: list[Move]) -> dict[Feature, bool]:
    found: dict[Feature, bool] = {}
    names = {arg.name for move in moves for arg in move.args}
    for name in sorted(names):
        given = [arg for move in moves for arg in move.args if arg.name == name]
        found[Feature("argument", key, name)] = len(given) == len(moves)
        told = any("user" in arg.origins for arg in given)
        if not told and any(arg.form in ("id", "text", "email") for arg in given):
            found[Feature("source", key, name)] = all(
                any(origin.startswith("result:") for origin in arg.origins) for arg in given
            )
    return found


def kept(episode: Episode, lessons: Iterable[Feature]) -> bool | None:
    """Whether a request has all of these features that apply to it; None where none does."""
    own = has(episode)
    keys = {move.key for move in episode.actions}
    apply = [f for f in lessons if f.key in keys and (f.kind != "source" or f in own)]
    return all(own.get(f, False) for f in apply) if apply else None


def count(stratum: str, episodes: Iterable[Episode]) -> Tables:
    """The tables of one task cluster; `stratum` tells it from others. It depends on its episodes alone."""
    known = [(e, has(e)) for e in episodes if e.actions and e.success is not None]
    features = {feature for _, own in known for feature in own}
    users: dict[str, list[int]] = {}
    for number, (episode, _) in enumerate(known):
        for key in {m.key for m in episode.actions}:
            users.setdefault(key, []).append(number)
    cells: dict[Feature, dict[str, list[int]]] = {}
    for feature in features:
        applies = range(len(known)) if feature.kind == "step" else users[feature.key]
        for number in applies:
            episode, own = known[number]
            if feature not in own and feature.kind == "source":
                continue
            inside = own.get(feature, False)
            table = cells.setdefault(feature, {}).setdefault(f"{stratum}\0{episode.model}", [0, 0, 0, 0])
            table[(0 if inside else 2) + (0 if episode.success else 1)] += 1
    return {f: {s: Table(*t) for s, t in tables.items()} for f, tables in cells.items()}


def added(parts: Iterable[Tables]) -> Tables:
    """The tables of several clusters together: what is said of a tool wherever it is used."""
    total: Tables = {}
    for part in parts:
        for feature, tables in part.items():
            total.setdefault(feature, {}).update(tables)
    return total


def judged(tables: Tables) -> list[Contrast]:
    """Each feature that can be compared, the smallest p first: the whole family for a control of false
    discoveries."""
    found: list[Contrast] = []
    for feature in sorted(tables):
        own = tables[feature]
        a, b, c, d = (sum(t[n] for t in own.values()) for n in range(4))
        if a + b < FEWEST or c + d < FEWEST:
            continue
        association = mantel_haenszel(own[stratum] for stratum in sorted(own))
        if association.p is not None:
            found.append(Contrast(feature, dict(sorted(own.items())), a + b, a, c + d, c, association))
    return sorted(found, key=lambda c: (c.association.p or 0.0, c.feature))
