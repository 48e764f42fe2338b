"""What enough sessions show and the skills do not say, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._draft import draft
from skillclaw.evolve.evolvers._select import qualifies, strength
from skillclaw.evolve.view import LeftOut
from skillclaw.skills.records import Pattern
from skillclaw.skills.text import has_mask
from skillclaw.trajectory.text import one_line

__all__ = ["left_out", "supported"]

LOOKED = 40
"""Patterns that are looked at, the best supported first."""
WIDE = 160
"""Characters of a title."""


def supported(patterns: Sequence[Pattern], context: EvolveContext) -> list[Pattern]:
    """Those that the numbers allow to be written down, the best supported first."""
    return sorted((p for p in patterns if qualifies(p, context.policy)), key=strength)


def left_out(patterns: Sequence[Pattern], said: Collection[str], context: EvolveContext) -> list[LeftOut]:
    """The `patterns` of which no line may be written; `said` are the ids of those that stand in a skill."""
    found = []
    for pattern in [p for p in patterns if p.id not in said][:LOOKED]:
        asked = replace(context, refused={})
        if not draft([pattern], asked):
            reason = asked.refused.get(pattern.id, "") or _unsaid(pattern)
            found.append(LeftOut(patterns=[pattern.id], what=one_line(pattern.title, WIDE), reason=reason))
    return found


def _unsaid(pattern: Pattern) -> str:
    """Why it was not even put into words."""
    shapes = [*pattern.actions, *([pattern.failed] if pattern.failed else [])]
    texts = [pattern.title, *(shape.command or "" for shape in shapes)]
    if mask := next(filter(None, map(has_mask, texts)), None):
        return f"It holds {mask}, which stands for something private, so it cannot be followed."
    return "No line can be made of it that says what to do, and when."
