"""The requests behind a skill: what users asked in the sessions that its lines cite."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from skillclaw.skills.records import Item, Pattern, Ref
from skillclaw.trajectory.asks import intent, requests
from skillclaw.trajectory.flow import flow
from skillclaw.trajectory.model import Trajectory

__all__ = ["MOST", "cited_requests", "refs_of", "refs_of_items"]

MOST = 60
"""Sessions of one skill that are looked into; a fair sample where it cites more."""


def refs_of(patterns: Iterable[Pattern]) -> list[Ref]:
    """The evidence of `patterns` together, each session once."""
    found: dict[str, Ref] = {}
    for pattern in patterns:
        for ref in pattern.evidence:
            found.setdefault(ref.session, ref)
    return [found[session] for session in sorted(found)]


def refs_of_items(items: Iterable[Item]) -> list[Ref]:
    """What the items cite, each session once with all its steps, in order of session."""
    found: dict[tuple[str, str], Ref] = {}
    for item in items:
        for ref in item.evidence:
            key = (ref.session, ref.user)
            known = found.get(key)
            steps = sorted({*(known.steps if known else ()), *ref.steps})
            found[key] = Ref(
                session=ref.session,
                user=ref.user,
                agent=ref.agent,
                day=ref.day,
                steps=steps,
                success=ref.success,
            )
    return [found[key] for key in sorted(found)]


def cited_requests(
    refs: Sequence[Ref], sessions: Callable[[str], Trajectory | None], limit: int = MOST
) -> list[str]:
    """The requests that the cited steps belong to, each once, in order; the first of its session where a
    reference names no step. At most `limit` sessions are read: those with the lowest hash."""
    chosen = sorted(refs, key=lambda ref: hashlib.sha256(ref.session.encode()).digest())[:limit]
    found: set[str] = set()
    for ref in chosen:
        trajectory = sessions(ref.session)
        if trajectory is not None:
            found.update(_asked(trajectory, ref.steps))
    return sorted(found)


def _asked(trajectory: Trajectory, steps: Sequence[int]) -> set[str]:
    asked = requests(flow(trajectory))
    if not asked:
        return set()
    own = [
        max((r for r in asked if r.begins <= step), key=lambda r: r.begins, default=asked[0])
        for step in steps
    ]
    return {text for request in own or asked[:1] if (text := intent(request.texts))}
