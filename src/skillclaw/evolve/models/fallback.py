"""What an engine does where its model gives nothing: the extractive one takes over, and the user is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError

if TYPE_CHECKING:
    from skillclaw.evolve.evolvers import Current, EvolveContext
    from skillclaw.skills.records import Pattern, Proposal

__all__ = ["fall_back", "reasons", "told"]

MODELLED = frozenset({"agent", "cli", "llm"})
"""The engines whose words are a model's."""
SHOWN = 5
"""Topics that a note names."""


def fall_back(
    error: SkillClawError,
    patterns: Sequence[Pattern],
    current: Mapping[str, Current],
    context: EvolveContext,
) -> list[Proposal]:
    """What the extractive engine makes of these patterns, which a model failed at.

    Their topics are noted in `context.failed`, so that the next cycle tries them anew and the report says so.
    A skill that a model worded keeps its words meanwhile: only its retirement is proposed.
    """
    from skillclaw.evolve.evolvers.extractive import EVOLVER

    why = " ".join(" ".join(part for part in (error.what, error.why, error.todo) if part).split())
    context.failed.update({pattern.topic: why for pattern in patterns})
    worded = {name for name, skill in current.items() if skill.sidecar.engine in MODELLED}
    made = EVOLVER.propose(list(patterns), dict(current), context)
    return [one for one in made if one.skill not in worded or one.action == "retire"]


def told(engine: str, failed: Mapping[str, str]) -> list[str]:
    """The sentences for a user about topics that a model failed at, one for each reason."""
    by_reason: dict[str, list[str]] = {}
    for topic, why in sorted(failed.items()):
        by_reason.setdefault(why, []).append(topic)
    notes = []
    for why, topics in by_reason.items():
        shown = ", ".join(topics[:SHOWN]) + (f" and {len(topics) - SHOWN} more" * (len(topics) > SHOWN))
        notes.append(f"The extractive engine took over where {engine} failed ({shown}). {why}")
    return notes


def reasons(failed: Mapping[str, str]) -> str:
    """Why a model failed, without the topics that it failed at; empty where it did not."""
    return " ".join(sorted(set(failed.values())))
