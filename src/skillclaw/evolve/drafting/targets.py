"""Which patterns make which skill: what proposals of a cycle can be about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillclaw.evolve.drafting.records import Target
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._jobs import job_name
from skillclaw.evolve.evolvers._names import skill_name
from skillclaw.evolve.evolvers._select import qualifies
from skillclaw.evolve.tried import untried
from skillclaw.skills.records import Pattern

__all__ = ["targets"]


def targets(
    patterns: Sequence[Pattern], current: Mapping[str, Current], context: EvolveContext
) -> list[Target]:
    """What to propose about, in the order of the skills' names.

    Patterns of one topic and scope belong to one skill; a skill that was made from some of them is refined
    and keeps its name. Pinned skills are left out, and so is what was rejected on the same evidence
    (`context.tried`).
    """
    by_topic: dict[tuple[str, str | None], list[Pattern]] = {}
    for pattern in sorted(patterns, key=lambda p: p.id):
        by_topic.setdefault((pattern.topic, pattern.project), []).append(pattern)
    owner = {
        pattern: name
        for name, skill in sorted(current.items())
        for item in skill.sidecar.items
        for pattern in item.patterns
    }
    taken = set(current) | set(context.taken)
    found: dict[str, Target] = {}
    for (topic, project), members in sorted(by_topic.items(), key=lambda x: (x[0][0], x[0][1] or "")):
        known = [owner[p.id] for p in members if p.id in owner]
        if known:
            name = max(sorted(set(known)), key=known.count)
            before = found[name].patterns if name in found else []
            found[name] = Target(
                skill=name,
                topic=topic,
                project=project,
                patterns=[*before, *members],
                base=current[name],
            )
        elif worth := [p for p in members if qualifies(p, context.policy)]:
            job = job_name(topic, worth, context)
            name = skill_name(job or topic, project, taken)
            taken.add(name)
            found[name] = Target(
                skill=name, topic=topic, project=project, patterns=members, named_for_job=bool(job)
            )
    fresh = [found[name] for name in sorted(found)]
    open_ones = untried([one for one in fresh if one.base is None or not one.base.pinned], context.tried)
    return [
        one
        for one in open_ones
        if one.base is not None or any(qualifies(p, context.policy) for p in one.patterns)
    ]
