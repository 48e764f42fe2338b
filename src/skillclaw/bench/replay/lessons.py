"""What is learned from WorkBench, and what it is tried on: no task has a part in both.

Sessions and tasks of some instances of each template (8 to 10 if not said otherwise) are cases, and the
others teach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from skillclaw import settings
from skillclaw.bench.datasets import read_rows, workbench_session
from skillclaw.bench.workbench import REPORT, instances, learning
from skillclaw.errors import BadInputError
from skillclaw.evolve.replay.decision_points import find_point
from skillclaw.evolve.report import CycleReport
from skillclaw.journal.store import SessionStore
from skillclaw.skills.records import Pattern, Proposal, Ref
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, meta

__all__ = ["Cycle", "Lessons", "about", "learn", "with_held_out"]

BATCH = 200
PROPOSALS = "proposals.json"

Cycle = Callable[[Path], CycleReport]
"""Runs one cycle of the evolver in a home, as `skillclaw evolve` does."""


@dataclass
class Lessons:
    """The runs in the file `source` (`trajectories.jsonl.gz`), sessions are made of them when asked for.

    held_out  numbers (from 1) of the instances of each template that teach nothing
    """

    source: Path
    held_out: Collection[int] = REPORT
    _made: dict[str, Trajectory] = field(default_factory=dict)

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """By session key. Raises StorageError, BadInputError."""
        try:
            return {session_key("workbench", row["session_id"]): row for row in read_rows(self.source)}
        except KeyError as error:
            raise BadInputError(
                f"{self.source} is not WorkBench's file of runs.",
                f"missing: {error}",
                "Take it as published.",
            ) from error

    def session(self, key: str) -> Trajectory | None:
        """The session with its outcome; None for a key that is not here."""
        if key not in self._made and key in self.rows:
            self._made[key] = learning(workbench_session(self.rows[key]))
        return self._made.get(key)

    def _of(self, *, outside: bool) -> Iterator[Trajectory]:
        number = instances(list(self.rows.values()))
        held = {key for key, row in self.rows.items() if number[row["task_id"]] in self.held_out}
        for key in sorted(held if outside else self.rows.keys() - held):
            one = self.session(key)
            assert one is not None
            yield one

    def teaching(self) -> Iterator[Trajectory]:
        """Sessions of the instances that are not held out."""
        return self._of(outside=False)

    def outside(self) -> Iterator[Trajectory]:
        """Sessions of those that are, in the order of their keys, which are hashes."""
        return self._of(outside=True)


def learn(lessons: Lessons, home: Path, cycle: Cycle) -> list[Proposal]:
    """The new skills that one cycle under the policy `strict` proposes; the second time what it found before.

    `home` is the home that the cycle runs in.
    """
    known = home / PROPOSALS
    if known.exists():
        try:
            return msgspec.json.decode(known.read_bytes(), type=list[Proposal])
        except (OSError, msgspec.DecodeError) as error:
            raise BadInputError(
                f"{known} cannot be read.", str(error), "Start anew in another folder."
            ) from error
    home.mkdir(parents=True, exist_ok=True)
    settings.set_value(home, "sync.targets", f'["{(home / "skills").as_posix()}"]')
    settings.set_value(home, "gate.policy", "strict")
    store = SessionStore(home)
    try:
        sessions = lessons.teaching()
        while batch := list(islice(sessions, BATCH)):
            store.put_many(batch)
    finally:
        store.close()
    found = [
        one.proposal
        for one in cycle(home).proposals
        if one.proposal.action == "create" and one.proposal.bundle is not None
    ]
    temporary = known.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(found))
    temporary.replace(known)
    return found


def about(proposals: Sequence[Proposal], topic: str) -> Proposal:
    """The skill that is mostly about `topic`. Raises BadInputError where none is."""
    topics = {one.id: Counter(pattern.topic for pattern in one.patterns).most_common(1) for one in proposals}
    for one in proposals:
        if topics[one.id] and topics[one.id][0][0] == topic:
            return one
    known = ", ".join(sorted({found[0][0] for found in topics.values() if found}))
    raise BadInputError(
        f"Nothing was learned of {topic!r}.",
        f"Skills came of: {known or 'nothing'}.",
        "Name another --topic.",
    )


def with_held_out(proposal: Proposal, outside: Sequence[Trajectory], taught: Collection[str]) -> Proposal:
    """The proposal whose patterns hold out sessions of `outside`: one for each task that shows one of them,
    at the pattern that has the fewest by then. Tasks in `taught` are left out."""
    held: dict[str, list[Ref]] = {pattern.id: [] for pattern in proposal.patterns}
    used = set(taught)
    lessons = [pattern for pattern in proposal.patterns if pattern.kind != "procedure"]
    for session in outside:
        known = meta(session)
        if known.task in used:
            continue
        for pattern in sorted(lessons, key=lambda one: (len(held[one.id]), one.id)):
            point = find_point(pattern, session)
            if point is not None:
                held[pattern.id].append(_ref(session, point.step))
                used.add(known.task or "")
                break
    patterns: list[Pattern] = [
        msgspec.structs.replace(pattern, held_out=held[pattern.id]) for pattern in proposal.patterns
    ]
    return msgspec.structs.replace(proposal, patterns=patterns)


def _ref(session: Trajectory, step: int) -> Ref:
    known = meta(session)
    return Ref(session=known.key, user=known.user, agent=session.agent.name, day="", steps=[step])
