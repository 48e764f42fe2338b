"""What the one job of a skill is called: in users' words, and in the skill's name."""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._names import slug
from skillclaw.evolve.evolvers._select import strength
from skillclaw.evolve.evolvers._voice import keeper
from skillclaw.evolve.evolvers._wishes import common_wish, wish
from skillclaw.evolve.job_groups import ANY_JOB, JobGroup
from skillclaw.skills.records import Intent, Pattern
from skillclaw.skills.vocabulary import content_words

__all__ = ["job_name", "job_of"]

WORDS = 4


def job_of(group: JobGroup, worth: Sequence[Pattern], context: EvolveContext) -> tuple[str, str]:
    """What users ask for, and the job's name, where `group` is about one job; empty where it is about
    several or about a tool, or where enough users do not say it in the same words.

    worth  its patterns that may be written down
    """
    ways = [p for p in sorted(worth, key=strength) if p.kind == "procedure"]
    if len(ways) == 1 and (group.tasks or len(group.patterns) == 1):
        intent = ways[0].intent
        return wish(intent, keeper(ways[0], context, said=True)) if intent is not None else ("", "")
    task = context.work.tasks.get(group.task)
    source = min(ways or worth, key=strength, default=None)
    intent = task.intent if task is not None else _scattered(group, context)
    if intent is None or source is None:
        return "", ""
    return common_wish(intent, keeper(source, context, said=True))


def _scattered(group: JobGroup, context: EvolveContext) -> Intent | None:
    """The requests of a group as one, where they are too few to have been clustered; None where it has one
    request or none. Whether they ask for the same is then seen by their words alone."""
    points = [context.work.points[task] for task in group.tasks if task in context.work.points]
    if group.task or len(points) < 2:
        return None
    labels = [point.label for point in sorted(points, key=lambda p: (-p.sessions, p.label))]
    return Intent(label=labels[0], examples=labels[1:])


def job_name(group: JobGroup, job: str, *, crowded: bool) -> str:
    """The words for the name of a new skill: the job's own where the topic is a program that any job uses, or
    where it has several skills (`crowded`); empty where the topic says enough."""
    if not job or (group.topic not in ANY_JOB and not crowded):
        return ""
    telling = content_words(job)[:WORDS]
    if len(telling) == 1:
        telling = list(dict.fromkeys([*slug(job).split("-")[:1], *telling]))  # "run" alone tells nothing
    if group.project and telling[1:] and telling[-1] == slug(group.project):
        telling.pop()  # the project's name is added to the skill's
    return " ".join(telling) if telling and (len(telling) > 1 or group.project) else ""
