"""What can be said of any pattern from the episodes behind it: support, environment, what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from skillclaw.skills.records import Pattern, Support
from skillclaw.trajectory.episodes import Episode

__all__ = ["measured"]

VALUES = 6
"""Values kept of one fact of the environment, the most frequent first."""

Mark = tuple[str, str]


def measured(pattern: Pattern, episodes: Iterable[Episode]) -> Pattern:
    """`pattern` with its support, the environment of its evidence and its cost, from its unit's episodes."""
    evidence = {(ref.user, ref.session): ref for ref in pattern.evidence}
    behind: list[Episode] = []
    failing: list[Episode] = []
    seen: dict[str, Counter[str]] = {}
    counted: set[Mark] = set()
    for episode in episodes:
        mark = (episode.user, episode.session)
        if mark in evidence:
            behind.append(episode)
            if mark not in counted:
                counted.add(mark)
                for name, value in episode.env.items():
                    seen.setdefault(name, Counter())[value] += 1
        elif episode.success is False:
            failing.append(episode)
    cost = _cost(pattern, behind, failing)
    refs = pattern.evidence
    return msgspec.structs.replace(
        pattern,
        support=Support(
            sessions=len({ref.session for ref in refs}),
            users=len({ref.user for ref in refs}),
            agents=len({ref.agent for ref in refs}),
            days=len({ref.day for ref in refs if ref.day}),
        ),
        env={
            name: sorted(sorted(values, key=lambda v: (-values[v], v))[:VALUES])
            for name, values in sorted(seen.items())
        },
        stats=msgspec.structs.replace(pattern.stats, cost=None if cost is None else round(cost, 2)),
    )


def _cost(pattern: Pattern, behind: Iterable[Episode], failing: Iterable[Episode]) -> float | None:
    """Tool calls lost where the advice is not followed, on average.

    Recovery, correction: the calls from the one that went wrong up to the one that was right, which is not
    lost. Procedure: all calls of the sessions of its family of tasks that failed. Pitfall: those of the
    sessions that fell into it.
    """
    if pattern.kind in ("recovery", "correction"):
        lost = [
            episode.actions[-1].place - episode.failed.place
            for episode in behind
            if episode.kind == pattern.kind and episode.failed is not None and episode.actions
        ]
        lost = [n for n in lost if n > 0]
    else:
        chosen = failing if pattern.kind == "procedure" else behind
        lost = [len(e.actions) for e in chosen if e.kind == "procedure" and e.actions]
    return sum(lost) / len(lost) if lost else None
