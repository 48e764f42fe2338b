"""What people asked for in the sessions of a cycle, and which of it each pattern comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from skillclaw.evolve.corpus import fair
from skillclaw.evolve.view import ClusterPoint
from skillclaw.skills.records import Intent, Pattern, Ref
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record

__all__ = ["Task", "Work", "asked_by", "by_task", "spoken", "task_of"]

REFERENCES = 40
"""Sessions of a task that are kept, of as many people as there are: its words are looked up in them."""

REQUESTS = 200
"""Requests kept of a pattern, those of most sessions first."""

WORDINGS = 20


class Task(Record, frozen=True, kw_only=True):
    """A task cluster (`id`) in users' words, with some of the sessions that asked for it."""

    id: str
    intent: Intent
    evidence: list[Ref]


class Work(Record, frozen=True, kw_only=True):
    """The tasks of a cycle.

    points  all task clusters, by id
    tasks   those that enough sessions asked for, by id
    asked   by pattern how many sessions of its evidence asked for each task cluster when it was seen; a
            session with several requests counts for the one that the pattern was seen in
    """

    points: dict[str, ClusterPoint] = {}
    tasks: dict[str, Task] = {}
    asked: dict[str, dict[str, int]] = {}


def task_of(cluster: str, intent: Intent, refs: list[Ref]) -> Task:
    """The task, with a fair sample of its sessions."""
    short = Intent(label=intent.label, terms=intent.terms, examples=intent.examples[:WORDINGS])
    return Task(id=cluster, intent=short, evidence=fair(refs, REFERENCES))


def asked_by(
    pattern: Pattern, sessions: Mapping[tuple[str, str], Sequence[tuple[str, frozenset[int]]]]
) -> dict[str, int]:
    """In how many sessions of the pattern's evidence each request was the one that it was seen in.

    sessions  by (user, session) the requests with the steps that belong to each (`spoken`)
    """
    counts: Counter[str] = Counter()
    for ref in pattern.evidence:
        steps = frozenset(ref.steps)
        own = sessions.get((ref.user, ref.session), ())
        counts.update({intent for intent, taken in own if intent and (steps & taken or not steps)})
    return dict(sorted(counts.items(), key=lambda x: (-x[1], x[0]))[:REQUESTS])


def spoken(episodes: Iterable[Episode]) -> dict[tuple[str, str], list[tuple[str, frozenset[int]]]]:
    """By (user, session) its requests, each with the steps of an episode that is part of it."""
    found: dict[tuple[str, str], list[tuple[str, frozenset[int]]]] = {}
    for one in episodes:
        found.setdefault((one.user, one.session), []).append((one.intent, frozenset(one.steps)))
    return found


def by_task(asked: Mapping[str, int], clusters: Mapping[str, str]) -> dict[str, int]:
    """Counts by request as counts by task cluster; requests that have none are left out."""
    counts: Counter[str] = Counter()
    for intent, sessions in asked.items():
        if intent in clusters:
            counts[clusters[intent]] += sessions
    return dict(sorted(counts.items()))
