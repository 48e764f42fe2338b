"""A name for a new skill whose topic is a program that serves any job: the one job that it is for."""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._voice import keeper
from skillclaw.evolve.evolvers._wishes import wish
from skillclaw.skills.records import Pattern
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.text import word_set

__all__ = ["job_name"]

_ANY_JOB = word_set(
    "awk bash cat chmod cmd cp cut curl env echo find for git grep if jq ln ls make mkdir mv node perl pip "
    "powershell pwsh python rm rsync ruby sed sh shell sort tail tar tee touch wget while xargs zip"
)
"""Programs that say nothing of what they are used for."""
WORDS = 4


def job_name(topic: str, patterns: Sequence[Pattern], context: EvolveContext) -> str:
    """The job's own words, for the name of a skill about `topic`; empty where the topic says enough, or where
    the skill is to hold more than one job."""
    if topic not in _ANY_JOB or len(patterns) != 1 or patterns[0].kind != "procedure":
        return ""
    intent = patterns[0].intent
    name = wish(intent, keeper(patterns[0], context, said=True))[1] if intent else ""
    telling = content_words(name)
    return " ".join(telling[:WORDS]) if len(telling) > 1 else ""
