"""Mining one unit: from the episodes of its sessions to patterns. Pure, so that any executor can run it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from skillclaw.evolve.corpus import Corpus, refs
from skillclaw.evolve.corrections import find_corrections
from skillclaw.evolve.cutting import unpack
from skillclaw.evolve.effects import SkillTables, skill_tables
from skillclaw.evolve.fairness import fairly
from skillclaw.evolve.family import family_procedures
from skillclaw.evolve.holdout import Hold, Mark, held_of, kept_apart, said_again
from skillclaw.evolve.intents import Vocabulary, make_intent
from skillclaw.evolve.lapses import find_lapses
from skillclaw.evolve.measure import measured
from skillclaw.evolve.pitfalls import find_pitfalls
from skillclaw.evolve.recoveries import find_recoveries
from skillclaw.evolve.slots import label
from skillclaw.evolve.state import Place
from skillclaw.evolve.tasks import MIN_SESSIONS
from skillclaw.evolve.view import ClusterPoint
from skillclaw.evolve.work import Task, asked_by, spoken, task_of
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.text import terms

__all__ = ["FALSE_DISCOVERY", "Found", "Job", "Mining", "mine_units"]


class Job(Record, frozen=True, kw_only=True):
    """What mining a unit needs.

    own       packed episodes of its sessions
    context   packed episodes of sessions that made the calls in question (failures, topics)
    places    slotted text, task cluster and family of the requests
    vocabulary  how common the words of the requests are (tasks only)
    hold      what patterns must keep where sessions are held out; None: none are
    """

    unit: str
    own: list[bytes]
    context: list[bytes] = []
    places: dict[str, Place] = {}
    vocabulary: Vocabulary | None = None
    hold: Hold | None = None


class Found(Record, frozen=True, kw_only=True):
    """A pattern; one that is `needed` claims something about success and counts only if that is no luck.

    screened  it comes out of a comparison of everything that sessions of a task do (`evolve.lapses`)
    asked     how many sessions of its evidence each request was seen in
    """

    pattern: Pattern
    needed: bool = False
    screened: bool = False
    asked: dict[str, int] = {}


class Mining(Record, frozen=True, kw_only=True):
    """What a unit gave; a family of tasks also its clusters, `tasks` in users' words where enough sessions
    asked for them, and success with and without each skill.

    tested  p of all that was screened and gave no pattern: part of the cycle's family of tests
    """

    found: list[Found] = []
    tested: list[float] = []
    clusters: list[ClusterPoint] = []
    tasks: list[Task] = []
    skills: list[SkillTables] = []


FALSE_DISCOVERY = 0.05
"""Patterns that rest on a comparison of success count only with q up to this (`evolve.conclude`)."""

TERMS = 40
"""Words that a cluster is drawn by, those of most of its requests first."""

_jobs = msgspec.msgpack.Decoder(Job)
_encode = msgspec.msgpack.Encoder().encode


def mine_units(jobs: Sequence[bytes]) -> list[bytes]:
    """Packed `Mining` for each packed `Job`; a task for an executor."""
    return [_encode(_mine(_jobs.decode(job))) for job in jobs]


def _mine(job: Job) -> Mining:
    own = _episodes(job.own)
    whole = _unit(job, own, frozenset())
    out = kept_apart(job.unit, own) if job.hold is not None else frozenset()
    if job.hold is None or not out:
        return whole
    return _parted(whole, _unit(job, own, out), out, job.hold)


def _unit(job: Job, own: list[Episode], out: frozenset[Mark]) -> Mining:
    """What the unit gives without the sessions `out`."""
    kind, _, key = job.unit.partition(":")
    if kind == "task":
        return _task(job, own, key, out)
    taught = _without(own, out)
    if kind == "failure":
        return _failure(job, taught, key, out)
    return _topic(taught, _without(_episodes(job.context), out), key)


def _without(episodes: Iterable[Episode], out: frozenset[Mark]) -> list[Episode]:
    return [e for e in episodes if (e.user, e.session) not in out]


def _parted(whole: Mining, taught: Mining, out: frozenset[Mark], hold: Hold) -> Mining:
    """`taught` was mined without the sessions `out`; its patterns get those of them that show the same.

    A pattern of `whole` that without them has too little support, or is none, is taken as it is. What all
    sessions together do not show is no pattern.
    """
    known = [one.pattern for one in whole.found]
    found: list[Found] = []
    again: set[str] = set()
    for one in taught.found:
        pattern, same = held_of(one.pattern, known, out)
        enough = pattern.sessions >= hold.sessions and pattern.users >= hold.users
        if same is not None and enough and _may_count(one):
            again.add(same.id)
            found.append(msgspec.structs.replace(one, pattern=pattern))
    said = [one.pattern for one in found]
    found += [
        one
        for one in whole.found
        if one.pattern.id not in again and not any(said_again(one.pattern, other) for other in said)
    ]
    return msgspec.structs.replace(taught, found=found)


def _may_count(one: Found) -> bool:
    """Whether what needs a small q over the whole cycle can have one: q is never below p."""
    p = one.pattern.stats.p
    return not one.needed or (p is not None and p <= FALSE_DISCOVERY)


def _topic(own: list[Episode], context: list[Episode], topic: str) -> Mining:
    corpus = Corpus(0, 0, [e for e in context if e.kind == "procedure"], [], [], [])
    corpus.corrections = [e for e in own if e.kind == "correction" and e.topic == topic]
    return _mining([(p, False) for p in find_corrections(corpus)], corpus.corrections)


def _task(job: Job, own: list[Episode], family: str, out: frozenset[Mark]) -> Mining:
    """Words and labels are those of the sessions that teach; how many a task has, and what skills did in it,
    is counted over all."""
    assert job.vocabulary is not None
    members: dict[str, list[Episode]] = {}
    for episode in own:
        place = job.places.get(episode.intent)
        if episode.kind == "procedure" and place is not None and place.family == family:
            members.setdefault(place.cluster, []).append(episode)
    teaching = {c: left for c, es in members.items() if (left := _without(es, out))}
    slots = {intent: place.slot for intent, place in job.places.items()}
    # By their first wording: the id of a cluster tells of its history, and results must not depend on that.
    named = {min(slots[e.intent] for e in es): es for es in teaching.values()}
    points = {c: _point(c, members[c], slots, teaching.get(c) or members[c]) for c in sorted(members)}
    labels = {min(slots[e.intent] for e in teaching[c]): points[c].label for c in teaching}
    found = family_procedures(named, slots, job.vocabulary)
    lapses, compared = find_lapses(named, labels)
    episodes = [e for name in sorted(named) for e in named[name]]
    said = spoken(episodes)
    screened = [
        Found(pattern=measured(p, episodes), needed=True, screened=True, asked=asked_by(p, said))
        for p in lapses
    ]
    return Mining(
        found=[*_mining(found, episodes).found, *screened],
        tested=compared,
        clusters=list(points.values()),
        tasks=[
            task_of(cluster, make_intent(es, slots, job.vocabulary), refs(es))
            for cluster, point in points.items()
            if point.sessions >= MIN_SESSIONS and (es := teaching.get(cluster))
        ],
        skills=skill_tables(
            [e for c in sorted(members) for e in members[c]], lambda e: job.places[e.intent].cluster
        ),
    )


def _point(
    cluster: str, episodes: Sequence[Episode], slots: dict[str, str], teaching: Sequence[Episode]
) -> ClusterPoint:
    ends = {(e.user, e.session): e.success for e in episodes}
    texts = {slots[e.intent] for e in teaching}
    labels = Counter(label(slots[e.intent]) for e in teaching)
    topics = Counter(e.topic for e in teaching if e.topic)
    counts = Counter(term for text in texts for term in set(terms(text)))
    telling = sorted(counts.items(), key=lambda x: (-x[1], x[0]))[:TERMS]
    return ClusterPoint(
        id=cluster,
        label=min(labels, key=lambda x: (-labels[x], len(x), x)),
        topic=min(topics, key=lambda x: (-topics[x], x), default=""),
        sessions=len(ends),
        users=len({user for user, _ in ends}),
        success=sum(end is True for end in ends.values()),
        failure=sum(end is False for end in ends.values()),
        unknown=sum(end is None for end in ends.values()),
        terms={term: round(count / len(texts), 4) for term, count in telling},
    )


def _failure(job: Job, episodes: list[Episode], key: str, out: frozenset[Mark]) -> Mining:
    corpus = Corpus(0, 0, [], [], [], [])
    corpus.task = {intent: place.cluster for intent, place in job.places.items()}
    failed = [e for e in episodes if e.failed is not None and e.failed.key == key]
    corpus.recoveries = [e for e in failed if e.kind == "recovery"]
    corpus.pitfalls = [e for e in failed if e.kind == "pitfall"]
    marks = {(e.user, e.session) for e in episodes} | out
    context = _without(_episodes(job.context), frozenset(marks))
    corpus.procedures = [e for e in (*episodes, *context) if e.kind == "procedure"]
    corpus.index_calls()
    found = [(p, False) for p in find_recoveries(corpus)]
    corpus.calls = {key: corpus.calls.get(key, [])}
    if corpus.calls[key]:
        found += [(p, True) for p in find_pitfalls(corpus)]
    return _mining(found, [*failed, *corpus.procedures])


def _mining(found: Iterable[tuple[Pattern, bool]], episodes: Sequence[Episode]) -> Mining:
    said = spoken(episodes)
    return Mining(
        found=[
            Found(pattern=measured(p, episodes), needed=needed, asked=asked_by(p, said))
            for p, needed in found
        ]
    )


def _episodes(bodies: Iterable[bytes]) -> list[Episode]:
    """The episodes of these sessions, of one person no more than is fair; a session that comes twice counts
    once."""
    seen: set[tuple[str, str]] = set()
    found: list[list[Episode]] = []
    for body in bodies:
        episodes = unpack(body)
        if episodes and (mark := (episodes[0].session, episodes[0].user)) not in seen:
            seen.add(mark)
            found.append(episodes)
    return [episode for episodes in fairly(found) for episode in episodes]
