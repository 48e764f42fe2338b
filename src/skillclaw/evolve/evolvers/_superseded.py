"""Lessons that later ones took the place of: what was taught is now what people correct.

Counting alone is slow here: a rule that changed has the evidence of all the days before, and each day after
it adds to both sides. But a lesson whose very option others now teach to leave out is no longer one, as
soon as enough of them say so.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.evolvers._select import qualifies
from skillclaw.evolve.options import options
from skillclaw.gate.policies import Policy
from skillclaw.skills.records import ActionShape, Pattern

__all__ = ["superseded"]

KINDS = ("correction", "recovery")

SHARE = 0.5
"""The later lesson has at least this part of the earlier one's sessions, and of its people: two people do not
take from fifty what works for them."""


def superseded(patterns: Sequence[Pattern], policy: Policy) -> set[str]:
    """The ids of those patterns in whose place others of `patterns` stand: these qualify, leave out the
    options that the former add, and nobody teaches the reverse."""
    lessons = [p for p in patterns if p.kind in KINDS and p.failed is not None and p.actions]
    good = [p for p in lessons if qualifies(p, policy)]
    return {
        old.id
        for old in lessons
        for new in good
        if new.topic == old.topic
        and (added := _added(old))
        and added <= _left_out(new)
        and not _added(new) & _left_out(old)
        and new.sessions >= SHARE * old.sessions
        and new.users >= SHARE * old.users
    }


def _added(pattern: Pattern) -> set[str]:
    return _options(pattern.actions[-1:]) - _options([pattern.failed] if pattern.failed else [])


def _left_out(pattern: Pattern) -> set[str]:
    return _options([pattern.failed] if pattern.failed else []) - _options(pattern.actions)


def _options(shapes: Sequence[ActionShape]) -> set[str]:
    return {one for shape in shapes for one in options(shape.command or "")}
