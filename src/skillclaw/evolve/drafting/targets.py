"""Which patterns make which skill: what proposals of a cycle can be about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from skillclaw.evolve.drafting.records import Target
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._jobs import job_name, job_of
from skillclaw.evolve.evolvers._names import skill_name
from skillclaw.evolve.evolvers._select import qualifies, turned_against
from skillclaw.evolve.job_groups import JobGroup, job_groups
from skillclaw.evolve.tried import LINES, Mark, Tried, marks_of, same_evidence
from skillclaw.skills.records import Pattern

__all__ = ["best_supported", "targets", "untried"]


def targets(
    patterns: Sequence[Pattern], current: Mapping[str, Current], context: EvolveContext
) -> list[Target]:
    """What to propose about, in the order of the skills' names.

    Patterns of one job belong to one skill (`evolve.job_groups`, over all patterns of the cycle). A pattern
    that a skill has lines from stays with that skill, whatever job it would be counted to now; the others of
    its job join the skill that has most of it. Pinned skills are left out, and so is what was rejected on
    the same evidence (`context.tried`).
    """
    due = {pattern.id: pattern for pattern in patterns}
    groups = job_groups(list({p.id: p for p in (*context.mined, *patterns)}.values()), context.work)
    groups.sort(key=lambda g: (g.topic, g.project or "", g.patterns[0].id))
    crowd = Counter((group.topic, group.project) for group in groups)
    owner = {
        pattern: name
        for name, skill in sorted(current.items())
        for item in skill.sidecar.items
        for pattern in item.patterns
    }
    taken = set(current) | set(context.taken)
    found: dict[str, Target] = {}
    for group in groups:
        members = [due[p.id] for p in group.patterns if p.id in due]
        known = [owner[p.id] for p in group.patterns if p.id in owner]
        home = max(sorted(set(known)), key=known.count) if known else ""
        for name in sorted({owner.get(p.id, home) for p in members} - {""}):
            own = [p for p in members if owner.get(p.id, home) == name]
            before = found.get(name)
            target = _target(name, group, [*(before.patterns if before else ()), *own], context)
            merged = sorted({*target.tasks, *(before.tasks if before else ())})
            if before is not None:
                target = msgspec.structs.replace(target, job="", asked="", tasks=merged)
            found[name] = msgspec.structs.replace(target, base=current[name])
        if not known and any(qualifies(p, context.policy) for p in members):
            target = _target("", group, members, context)
            job = job_name(group, target.job, crowded=crowd[(group.topic, group.project)] > 1)
            name = skill_name(job or group.topic, group.project, taken)
            taken.add(name)
            found[name] = msgspec.structs.replace(target, skill=name, named_for_job=bool(job))
    fresh = [found[name] for name in sorted(found)]
    open_ones = untried([one for one in fresh if one.base is None or not one.base.pinned], context.tried)
    return [
        one
        for one in open_ones
        if one.base is not None or any(qualifies(p, context.policy) for p in one.patterns)
    ]


def untried(targets: Sequence[Target], rejected: Sequence[Tried]) -> list[Target]:
    """The targets without the patterns that lines were rejected for on the same evidence; a target that is
    thereby left without any is left out. Other refused actions take no pattern away (see `refused`)."""
    blocked: dict[str, list[Mark]] = {}
    final: set[str] = set()
    for one in rejected:
        if one.final:
            final.update(mark.pattern for mark in one.marks)
        elif one.action in LINES:
            for mark in one.marks:
                blocked.setdefault(mark.pattern, []).append(mark)
    found = []
    for target in targets:
        now = {mark.pattern: mark for mark in marks_of(target.patterns)}
        left = [
            p
            for p in target.patterns
            if not any(same_evidence(m, now[p.id]) for m in blocked.get(p.id, ()))
            and (p.id not in final or turned_against(p))
        ]
        if left == target.patterns:
            found.append(target)
        elif left:
            found.append(msgspec.structs.replace(target, patterns=left))
    return found


def _target(name: str, group: JobGroup, patterns: list[Pattern], context: EvolveContext) -> Target:
    asked, job = job_of(group, [p for p in patterns if qualifies(p, context.policy)], context)
    return Target(
        skill=name,
        topic=group.topic,
        project=group.project,
        patterns=patterns,
        job=job,
        asked=asked,
        tasks=group.tasks,
    )


def best_supported(target: Target) -> tuple[int, int, str]:
    """Sorts targets, the best supported first: the budget may end before the last."""
    sessions = {ref.session for pattern in target.patterns for ref in pattern.evidence}
    users = {ref.user for pattern in target.patterns for ref in pattern.evidence}
    return -len(users), -len(sessions), target.skill
