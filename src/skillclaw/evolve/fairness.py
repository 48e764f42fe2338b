"""Nobody outweighs the others by volume: how many sessions of one person a unit is mined from. Pure.

Everything that mining counts (odds ratios, contrasts, wordings by majority, contradictions, ranks) counts
sessions, and one person can make any number of them. So where several people have sessions, one person has at
most twice as many as whoever has most besides; a few are always taken, so that small groups lose nothing. On
one's own hub there is nobody else, and all count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillclaw.evolve.cutting import rank
from skillclaw.trajectory.episodes import Episode

__all__ = ["ALWAYS", "TIMES", "fairly", "most"]

ALWAYS = 20
"""Sessions of one person that are taken in any case."""

TIMES = 2
"""How many times as many as whoever has most besides."""


def most(counts: Mapping[str, int]) -> dict[str, int]:
    """How many sessions of each person count, from how many each has."""
    found = {}
    for user, n in counts.items():
        besides = max((other for name, other in counts.items() if name != user), default=0)
        found[user] = n if len(counts) < 2 else min(n, max(ALWAYS, TIMES * besides))
    return found


def fairly(sessions: Sequence[Sequence[Episode]]) -> list[Sequence[Episode]]:
    """The sessions (their episodes, none empty) without what one person has too many of, in their order.

    Which of them stay depends on their names alone, so that the same sessions give the same in any order.
    """
    own: dict[str, list[int]] = {}
    for place, episodes in enumerate(sessions):
        own.setdefault(episodes[0].user, []).append(place)
    limits = most({user: len(places) for user, places in own.items()})
    if all(limits[user] == len(places) for user, places in own.items()):
        return list(sessions)
    kept: set[int] = set()
    for user, places in own.items():
        by_chance = sorted(places, key=lambda p: rank(f"{sessions[p][0].session}\0{sessions[p][0].user}"))
        kept.update(by_chance[: limits[user]])
    return [episodes for place, episodes in enumerate(sessions) if place in kept]
