"""Topics of which nothing has changed since the last cycle are not proposed again.

An evolver asks the gate about every line, and the gate reads the sessions behind it: with many sessions that
is most of a cycle. The same patterns, current versions, policy, engine and names taken give the same
proposals, which were decided already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

import msgspec

from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.evolvers._names import skill_name
from skillclaw.evolve.job_groups import job_groups
from skillclaw.evolve.state import EvolveState
from skillclaw.evolve.work import Work
from skillclaw.skills.records import Pattern

__all__ = ["fresh", "keep_marks", "topic_marks"]

META = "proposed"


def topic_marks(
    patterns: Sequence[Pattern],
    current: Mapping[str, Current],
    rest: Sequence[object],
    work: Work | None = None,
    new: Collection[str] = (),
) -> dict[str, str]:
    """For each topic a digest of all that its proposals depend on; `rest` is what all topics depend on, `new`
    are people who count half as yet: once one is known, its topics are proposed again.

    Topics of one skill or job (`evolve.job_groups`, from `work`) have one digest, and so have topics whose
    skills would have one name: what is proposed for one of them depends on the others.
    """
    jobs = {
        pattern.id: [one.id for one in group.patterns]
        for group in job_groups(patterns, work or Work())
        for pattern in group.patterns
    }
    owners: dict[str, set[str]] = {}
    for name, skill in current.items():
        for item in skill.sidecar.items:
            for identity in item.patterns:
                owners.setdefault(identity, set()).add(f"{name} {skill.version} {skill.pinned}")
    topics: dict[str, list[Pattern]] = {}
    for pattern in sorted(patterns, key=lambda p: p.id):
        topics.setdefault(pattern.topic, []).append(pattern)
    own = {
        topic: hashlib.sha256(
            msgspec.msgpack.encode(
                [
                    [[_timeless(pattern), jobs[pattern.id]] for pattern in members],
                    sorted({owner for pattern in members for owner in owners.get(pattern.id, ())}),
                    rest,
                    *([news] if (news := _seen_by(members, new)) else []),
                ]
            )
        ).hexdigest()
        for topic, members in topics.items()
    }
    together: dict[str, list[str]] = {topic: [topic] for topic in own}
    first: dict[str, str] = {}
    for topic, members in topics.items():
        names = {skill_name(topic, pattern.project, ()) for pattern in members}
        names |= {f"owner {o.split(' ')[0]}" for p in members for o in owners.get(p.id, ())}
        names |= {f"job {jobs[p.id][0]}" for p in members}
        for shared in sorted(names):
            other = first.setdefault(shared, topic)
            if together[other] is not together[topic]:
                joined = [*together[other], *together[topic]]
                together.update(dict.fromkeys(joined, joined))
    return {
        topic: own[topic]
        if len(group) == 1
        else hashlib.sha256("\0".join(own[one] for one in sorted(group)).encode()).hexdigest()
        for topic, group in together.items()
    }


def _seen_by(patterns: Sequence[Pattern], new: Collection[str]) -> list[str]:
    """Those of these people that have sessions behind the patterns."""
    return sorted({ref.user for pattern in patterns for ref in pattern.evidence if ref.user in new})


def fresh(patterns: Sequence[Pattern], marks: Mapping[str, str], memory: EvolveState) -> list[Pattern]:
    """The patterns of the topics that are not as they were when they were last proposed from."""
    before = memory.load(memory.get_meta(META), dict[str, str]) or {}
    return [pattern for pattern in patterns if before.get(pattern.topic) != marks[pattern.topic]]


def keep_marks(memory: EvolveState, marks: Mapping[str, str], failed: Collection[str] = ()) -> None:
    """Remember what was proposed from, but for the topics that an engine `failed` at and those that hang
    together with them: the next cycle proposes from these again."""
    again = {marks[topic] for topic in failed if topic in marks}
    kept = {topic: mark for topic, mark in marks.items() if mark not in again}
    memory.put_meta(META, msgspec.msgpack.encode(kept))


def _timeless(pattern: Pattern) -> Pattern:
    """The pattern without its age, which alone is no reason to propose again."""
    return msgspec.structs.replace(pattern, stats=msgspec.structs.replace(pattern.stats, recency=1.0))
