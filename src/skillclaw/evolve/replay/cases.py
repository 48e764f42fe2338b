"""What an executable case is, and which cases a proposal is tried on.

A case is a task in a closed room: an instruction, a workspace, and a grader that looks at what the agent
left. It is used for a proposal if the skill comes up for its instruction, or the case names the skill; never
if the proposal was made from the session that the case comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from skillclaw.errors import BadInputError
from skillclaw.gate.context import CurrentSkill
from skillclaw.headless.tasks.model import Grade, Message, Workspace
from skillclaw.sandbox import Mount
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.records import Bundle, Proposal
from skillclaw.skills.retrieval import Entry, Index
from skillclaw.trajectory.asks import requests
from skillclaw.trajectory.flow import flow
from skillclaw.trajectory.model import Trajectory, meta

__all__ = ["Case", "CaseSources", "Found", "TaskSource", "find_cases", "instruction_of", "taught_sessions"]

MOST = 12
"""Cases that one proposal is tried on, unless more is said."""
LOOKED_AT = 12
"""Recorded sessions that are looked into for cases, each of which costs two runs of its tests."""
TOLD = 3
"""Reasons why there is no case that a sentence names."""

Room = Callable[[Path, Path | None, Sequence[Mount]], AbstractContextManager[Workspace]]
"""Makes the workspace in an empty folder; with a socket to the model, and what the agent needs mounted."""
Judge = Callable[[Workspace, Sequence[Message]], Grade]
"""Grades what lies in the workspace, and what was said; changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One executable case; also a `headless.tasks.model.Work`.

    id       a hash of what it is made of
    name     what a person calls it
    skills   that it names itself; empty: those that come up for its instruction
    timeout  seconds that the agent may take
    seeds    for the model's sampling, one a repeat; empty: any
    user, session  whose session it comes from, and the session's key; empty for none
    solution shell commands that solve it, where there are any
    """

    id: str
    name: str
    source: Literal["graded", "recorded", "cases"]
    instruction: str
    room: Room
    judge: Judge
    skills: tuple[str, ...] = ()
    timeout: float = 300.0
    seeds: tuple[int, ...] = ()
    user: str = ""
    session: str = ""
    solution: str = ""
    suite: str = "replay"
    seed: int = 0


class TaskSource(Protocol):
    """Tasks that come with a grader, by the id that sessions have in `task`."""

    def find(self, task: str) -> Case | None:
        """The case of this task; None where it is not one of this source's."""
        ...


@dataclass(frozen=True, kw_only=True)
class CaseSources:
    """Where cases come from.

    cases     the user's own, read already (`folder_cases.read_cases`)
    tasks     packaged tasks that graded sessions may name
    sessions  the recorded sessions; asked once
    recorded  makes a case of a session that ended with a passing test, or says why it cannot
              (`recorded_cases.Recorder`); None: none is made
    """

    cases: Sequence[Case] = ()
    tasks: Sequence[TaskSource] = ()
    sessions: Callable[[], Iterable[Trajectory]] = tuple
    recorded: Callable[[Trajectory], Case | str] | None = None


@dataclass(frozen=True)
class Found:
    """Cases for a proposal, and why there are not more (sentences for the user)."""

    cases: list[Case] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def taught_sessions(proposal: Proposal) -> frozenset[str]:
    """Keys of the sessions that the proposal refers to: what it was made from, or its author was shown, is no
    test of it."""
    refs = [ref for pattern in proposal.patterns for ref in pattern.sources]
    refs += [ref for item in (proposal.sidecar.items if proposal.sidecar else ()) for ref in item.evidence]
    return frozenset(ref.session for ref in (*refs, *proposal.against, *proposal.shown))


def find_cases(
    proposal: Proposal,
    sources: CaseSources,
    *,
    current_skills: Mapping[str, CurrentSkill],
    most: int = MOST,
    allowed: Callable[[Trajectory], bool] = lambda _: True,
) -> Found:
    """The cases that `proposal` is tried on: the user's own first, then graded tasks, then recorded sessions,
    `most` at most.

    allowed  says of a session whether it may be used at all (one that is held out, say)
    """
    found = Found()
    if proposal.bundle is None:
        return found
    fits = _Fits(proposal, current_skills)
    for case in sources.cases:
        if len(found.cases) < most and fits(case.instruction, case.skills):
            found.cases.append(case)
    if len(found.cases) < most and (sources.tasks or sources.recorded is not None):
        _of_sessions(found, sources, fits, taught_sessions(proposal), most, allowed)
    if not found.cases and not found.missing:
        found.missing.append("No case that can be run is about this skill.")
    return found


def _of_sessions(
    found: Found,
    sources: CaseSources,
    fits: _Fits,
    taught: frozenset[str],
    most: int,
    allowed: Callable[[Trajectory], bool],
) -> None:
    sessions = [one for one in sources.sessions() if meta(one).kind == "work"]
    # A task that taught is no test either, in whichever session it is met.
    known = {meta(one).task for one in sessions if meta(one).key in taught} - {None}
    open_ = [one for one in sessions if meta(one).key not in taught and allowed(one)]
    open_.sort(key=lambda one: meta(one).key)  # a hash: no order of time or person
    for case in _graded(open_, sources.tasks, known):
        if len(found.cases) >= most:
            return
        if fits(case.instruction, case.skills):
            found.cases.append(case)
    if sources.recorded is None:
        return
    why: dict[str, int] = {}
    fitting = (one for one in open_ if fits(instruction_of(one), ()))
    for number, session in enumerate(fitting):
        if len(found.cases) >= most or number >= LOOKED_AT:
            break
        made = sources.recorded(session)
        if isinstance(made, Case):
            found.cases.append(made)
        else:
            why[made] = why.get(made, 0) + 1
    common = sorted(why.items(), key=lambda pair: (-pair[1], pair[0]))[:TOLD]
    found.missing.extend(f"{count} recorded sessions give no case: {reason}" for reason, count in common)


def _graded(
    sessions: Iterable[Trajectory], tasks: Sequence[TaskSource], known: set[str | None]
) -> Iterator[Case]:
    """One case for each task that a graded session names."""
    seen = set(known)
    for session in sessions:
        told = meta(session)
        if told.task is None or told.reward is None or told.task in seen:
            continue
        seen.add(told.task)
        case = next((made for source in tasks if (made := source.find(told.task)) is not None), None)
        if case is not None:
            yield case


def instruction_of(trajectory: Trajectory) -> str:
    """What the user asked first; empty where nobody asked anything."""
    asked = requests(flow(trajectory))
    return asked[0].texts[0].strip() if asked else ""


class _Fits:
    """Whether the skill comes up for an instruction, as it is or as it would be: where a change makes it come
    up no longer, that is a loss to be seen."""

    def __init__(self, proposal: Proposal, current: Mapping[str, CurrentSkill]) -> None:
        assert proposal.bundle is not None
        gone = {one.skill for one in proposal.retires}
        before = {name: skill.bundle for name, skill in current.items()}
        after = {name: bundle for name, bundle in before.items() if name not in gone}
        self._skill = proposal.skill
        self._indexes = [_index({**after, proposal.skill: proposal.bundle})]
        if proposal.skill in before:
            self._indexes.append(_index(before))

    def __call__(self, instruction: str, named: Sequence[str]) -> bool:
        if named:
            return self._skill in named
        return any(hit.name == self._skill for index in self._indexes for hit in index.find(instruction))


def _index(skills: Mapping[str, Bundle]) -> Index:
    entries = []
    for name, bundle in skills.items():
        text = next((file.data for file in bundle.files if file.path == "SKILL.md"), b"")
        try:
            head, _ = parse(text.decode("utf-8"))
        except (BadInputError, UnicodeDecodeError):
            continue  # agents cannot read its description either
        entries.append(Entry(name=name, description=head.description))
    return Index(entries)
