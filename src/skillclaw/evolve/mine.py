"""Cut sessions -> patterns with their statistics. No LLM, deterministic, near linear.

Mining goes unit by unit (`evolve.cutting`): a family of tasks, the failures of one tool, the corrections of
one topic. A unit reads a bounded, fair sample of its sessions and depends on nothing else, so
what it gave is kept and used again until more than `REMADE` of its sessions have changed. Small units are
always made anew, so that what a cycle gives is nearly what mining everything anew gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from skillclaw.errors import SkillClawError
from skillclaw.evolve.cluster import NEAR
from skillclaw.evolve.conclude import EVIDENCE, settled
from skillclaw.evolve.cutting import Head, cut_session, pack, unit_name
from skillclaw.evolve.effects import SkillEffect, effects
from skillclaw.evolve.embeddings import Embedder
from skillclaw.evolve.executors import Executor, SetAside
from skillclaw.evolve.executors.local import LocalExecutor
from skillclaw.evolve.holdout import Hold
from skillclaw.evolve.intents import Vocabulary
from skillclaw.evolve.jobs import Found, Job, Mining, mine_units
from skillclaw.evolve.slots import Slots
from skillclaw.evolve.space import Asked, Point, Space, Vectors, name
from skillclaw.evolve.state import EvolveState, Place, UnitState
from skillclaw.evolve.taking import Aside
from skillclaw.evolve.tasks import MIN_SESSIONS
from skillclaw.evolve.view import ClusterPoint
from skillclaw.evolve.work import Work, by_task
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record, Trajectory
from skillclaw.trajectory.text import terms

__all__ = ["Mined", "cluster_sessions", "mine", "mine_state"]

REMADE = 0.003
"""Share of a unit's sessions that may have changed before it is mined anew."""

SAMPLE = {"task": 6000, "topic": 2000, "failure": 1000, "calls": 2000, "corrected": 48}
"""Sessions looked at: of a family of tasks, of a topic, of each error of a failure, of calls, of calls
that users correct."""

ERRORS = 200
"""Errors of one tool that are looked at, the most frequent first."""

FIXES = 6
"""Other calls that are looked at beside the failing one."""

CORRECTED = 8
"""Calls that users correct of one topic, the most frequent first."""

Progress = Callable[[int, int | None, str], None]


class Mined(Record, frozen=True, kw_only=True):
    """What a pass found: sessions read, episodes cut, patterns (best supported first), units and those mined
    anew, what was set aside, the task clusters, what skills did, and which tasks the patterns come from.
    """

    sessions: int
    episodes: int
    patterns: list[Pattern]
    units: int = 0
    remade: int = 0
    aside: list[Aside] = []
    notes: list[str] = []
    clusters: list[ClusterPoint] = []
    effects: list[SkillEffect] = []
    work: Work = Work()


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


def mine(
    sessions: Iterable[Trajectory],
    *,
    now: datetime,
    half_life_days: float,
    progress: Progress = _quiet,
    near: float = NEAR,
) -> Mined:
    """The patterns in `sessions`, the same for the same sessions in any order.

    Sessions are read once and only their episodes are kept. `now` and `half_life_days` set how much old
    evidence counts (`Stats.recency`); `near` is the greatest mean distance of requests within a task cluster
    (0..1).
    """
    state = EvolveState(None)
    try:
        with state.writing():
            for done, trajectory in enumerate(sessions, 1):
                state.take(pack(cut_session(trajectory)))
                if done % 200 == 0:
                    progress(done, None, "reading sessions")
        return mine_state(state, now=now, half_life_days=half_life_days, progress=progress, near=near)
    finally:
        state.close()


def cluster_sessions(sessions: Iterable[Trajectory], *, near: float = NEAR) -> dict[str, list[Episode]]:
    """The requests of `sessions` by task cluster."""
    state = EvolveState(None)
    try:
        with state.writing():
            for trajectory in sessions:
                state.take(pack(cut_session(trajectory)))
        _settle_space(state, near, _quiet, None, [])
        clusters: dict[str, list[Episode]] = {}
        for episodes in state.episodes():
            asked = [e for e in episodes if e.kind == "procedure"]
            places = state.places({e.intent for e in asked})
            for episode in asked:
                if episode.intent in places:
                    clusters.setdefault(places[episode.intent].cluster, []).append(episode)
        return clusters
    finally:
        state.close()


def mine_state(
    state: EvolveState,
    *,
    now: datetime,
    half_life_days: float,
    progress: Progress = _quiet,
    near: float = NEAR,
    executor: Executor | None = None,
    embedder: Embedder | None = None,
    keep: int | None = EVIDENCE,
    hold: Hold | None = None,
) -> Mined:
    """Bring the state's patterns up to date with its sessions, and give them all.

    `executor` says where units are mined; by default here. A unit that could not be mined keeps what it gave
    before, if anything. `embedder` gives the meaning of requests a part in their clustering; when it fails
    the clustering goes on without, and `Mined.notes` says so. `keep` bounds the references that a pattern
    holds (None: all of them). `hold` holds sessions out (`evolve.holdout`), and says what patterns must keep.
    """
    notes: list[str] = []
    space = _settle_space(state, near, progress, embedder, notes)
    units = {u: s for kind in ("task", "failure", "topic") for u, s in state.units(kind).items()}
    units = {u: s for u, s in units.items() if s.n >= MIN_SESSIONS}
    sizes = {**units, **state.units("calls")}
    _mined_as(state, hold)
    kept: dict[str, bytes] = {}
    due: list[str] = []
    for unit in units:
        known = state.result(unit)
        if known is not None and not _changed(known[0], sizes):
            kept[unit] = known[1]
        else:
            due.append(unit)
    reads: list[dict[str, UnitState]] = []

    def jobs() -> Iterator[bytes]:
        for unit in due:
            job, used = _job(state, space, unit)
            job = msgspec.structs.replace(job, hold=hold)
            reads.append({one: sizes.get(one, UnitState(n=0, version=0)) for one in used})
            yield msgspec.msgpack.encode(job)

    def told(done: int) -> None:
        progress(done, len(due), "mining")

    aside: list[Aside] = []
    for place, result in (executor or LocalExecutor(1)).run(mine_units, jobs(), batch=1, on_progress=told):
        unit = due[place]
        if isinstance(result, SetAside):
            aside.append(Aside(what=unit, reason=result.reason))
            before = state.result(unit)
            if before is not None:
                kept[unit] = before[1]
            continue
        kept[unit] = result
        with state.writing():
            state.put_result(unit, reads[place], result)
    with state.writing():
        state.keep_results(set(units))
    minings = [found for unit in sorted(kept) if (found := state.load(kept[unit], Mining)) is not None]
    sessions, episodes = state.counts()
    concluded = settled(minings, now=now, half_life=half_life_days, facts=state.facts(), keep=keep)
    return Mined(
        sessions=sessions,
        episodes=episodes,
        patterns=[one.pattern for one in concluded],
        units=len(units),
        remade=len(due),
        aside=aside,
        notes=notes,
        clusters=[cluster for mining in minings for cluster in mining.clusters],
        effects=effects(mining.skills for mining in minings),
        work=_work(state, minings, concluded),
    )


def _mined_as(state: EvolveState, hold: Hold | None) -> None:
    """What units gave while other sessions were held out is nothing to go on from."""
    now = msgspec.msgpack.encode(hold)
    if (state.get_meta("hold") or msgspec.msgpack.encode(None)) != now:
        with state.writing():
            state.keep_results(set())
            state.put_meta("hold", now)


def _work(state: EvolveState, minings: Sequence[Mining], found: Sequence[Found]) -> Work:
    """Requests get their task clusters here, and not where a unit is mined: what a unit gave is kept, and
    the clusters may change meanwhile."""
    places = state.places({intent for one in found for intent in one.asked})
    clusters = {intent: place.cluster for intent, place in places.items()}
    return Work(
        points={point.id: point for mining in minings for point in mining.clusters},
        tasks={task.id: task for mining in minings for task in mining.tasks},
        asked={one.pattern.id: by_task(one.asked, clusters) for one in found},
    )


def _changed(then: dict[str, UnitState], now: dict[str, UnitState]) -> bool:
    none = UnitState(n=0, version=0)
    return any(now.get(unit, none).version - was.version > REMADE * was.n for unit, was in then.items())


def _settle_space(
    state: EvolveState, near: float, progress: Progress, embedder: Embedder | None, notes: list[str]
) -> Space:
    """Every request gets its task cluster."""
    space = state.load(state.get_meta("space"), Space)
    model = embedder.name if embedder is not None else ""
    if space is not None and (space.near, space.model) == (near, model):
        asked = Asked()
        for episodes in state.asking_new():
            asked.add(episodes)
        texts, found = asked.points(Slots(space.slots))
        if not texts:
            return space
        space.assign(found, _vectors(embedder, found, space, notes))
        if not space.outgrown:
            _keep(state, space, texts)
            return space
    progress(0, None, "clustering requests")
    asked = Asked()
    for episodes in state.episodes():
        asked.add(episodes)
    slots = asked.slots()
    texts, found = asked.points(slots)
    vectors = _vectors(embedder, found, None, notes)
    space = Space.fit(found, slots, near=near, old=space, vectors=vectors, model=model)
    _keep(state, space, texts)
    return space


def _vectors(
    embedder: Embedder | None, found: dict[str, Point], space: Space | None, notes: list[str]
) -> Vectors | None:
    """The embedding of each point that has no cluster yet."""
    new = sorted(key for key in found if space is None or key not in space.clusters)
    if embedder is None or not new:
        return None
    try:
        rows = embedder.embed([found[key].text for key in new])
    except SkillClawError as error:
        notes.append(f"Requests were clustered without embeddings. {error.what} {error.why}".strip())
        return None
    return dict(zip(new, rows, strict=True))


def _keep(state: EvolveState, space: Space, texts: dict[str, str]) -> None:
    with state.writing():
        clusters = {intent: space.clusters[name(terms(text))] for intent, text in texts.items()}
        state.assign(
            {
                intent: Place(texts[intent], cluster, space.families[cluster])
                for intent, cluster in clusters.items()
            }
        )
        state.put_meta("space", msgspec.msgpack.encode(space))


def _job(state: EvolveState, space: Space, unit: str) -> tuple[Job, list[str]]:
    """What a unit needs, and the units whose sessions it reads."""
    kind, _, key = unit.partition(":")
    if kind == "task":
        own = state.asking(key, SAMPLE["task"])
        places = state.places(_intents(head for head, _ in own))
        texts = [place.slot for place in places.values() if place.family == key]
        # Compared quantities are no words of the space; how common they are, the family itself says.
        counts = {**Vocabulary.of(texts).counts, **space.vocabulary(texts)}
        vocabulary = Vocabulary(total=space.fitted, counts=counts)
        return Job(unit=unit, own=[b for _, b in own], places=places, vocabulary=vocabulary), [unit]
    if kind == "topic":
        own = state.members(unit, SAMPLE["topic"])
        keys = Counter(one for head, _ in own for topic, one in head.corrected if topic == key)
        often = sorted(keys, key=lambda one: (-keys[one], one))[:CORRECTED]
        read = [unit_name("calls", one) for one in often]
        calling = [body for one in read for _, body in state.members(one, SAMPLE["corrected"])]
        return Job(unit=unit, own=[b for _, b in own], context=list(dict.fromkeys(calling))), [unit, *read]
    own = state.members(unit, SAMPLE["failure"], parts=ERRORS)
    projects = sorted({head.project for head, _ in own})
    fixed = {fix for head, _ in own for failed, fix in head.fixes if failed == key}
    read = [unit_name("calls", one) for one in [key, *sorted(fixed - {key})[:FIXES]]]
    context = [member for one in read for member in state.members_in(one, projects, SAMPLE["calls"])]
    places = state.places(_intents(head for head, _ in [*own, *context]))
    job = Job(unit=unit, own=[b for _, b in own], context=[b for _, b in context], places=places)
    return job, [unit, *read]


def _intents(heads: Iterable[Head]) -> list[str]:
    return list(dict.fromkeys(intent for head in heads for intent in head.intents))
