"""The part of a replay in which an agent works: cases are found on this machine and tried, within what the
proposal's limits and the cycle's budget leave; what was found before costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from skillclaw import zstd
from skillclaw.errors import UNREADABLE, BadInputError
from skillclaw.evolve.models.ledger import Ledger
from skillclaw.evolve.replay.cases import MOST, Case, CaseSources, find_cases
from skillclaw.evolve.replay.choosing import taught_by
from skillclaw.evolve.replay.executable import Limits, executable_scores
from skillclaw.evolve.replay.plan import RunPlan
from skillclaw.evolve.replay.remembered import Remembered
from skillclaw.evolve.replay.sources import case_sources
from skillclaw.gate.replay.deciding import LEAST_CASES
from skillclaw.gate.replay.records import CaseScore, Cost, ReplayResult
from skillclaw.sandbox import why_no_room
from skillclaw.settings import user_home
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Record, Trajectory, meta

if TYPE_CHECKING:
    from skillclaw.evolve.replay.executable_agents import Runner
    from skillclaw.evolve.replay.replayer import Replayer
    from skillclaw.gate.context import GateContext
    from skillclaw.journal.store import SessionStore

__all__ = ["Executed", "Runs", "recorded_sessions"]

FORM = 1
"""Goes up when the same runs would be scored otherwise."""
CALLS = 4
"""Requests that one run may be expected to make: so many cases are chosen as can be tried to the end."""
LOOKED = 2_000
"""Sessions, the newest, that are looked through for cases."""


class Executed(Record, frozen=True, kw_only=True):
    """What came of the executable cases of a proposal. `cut_off` says why another time may do better."""

    scores: list[CaseScore] = []
    cost: Cost = Cost()
    missing: str = ""
    cut_off: str = ""


class Executable(Protocol):
    """What tries proposals on executable cases: an agent, and what it is paid from.

    planned  by skill, in a dry run: what would be run; `tried`: something was run
    """

    ledger: Ledger
    planned: dict[str, str]
    tried: bool

    @property
    def runner(self) -> Runner | None:
        """The agent; None where none may be run now."""
        ...

    def __call__(self, proposal: Proposal, replayer: Replayer, left: Limits, /) -> Executed:
        """The cases of a proposal with their scores, within what is `left` of its limits."""
        ...


@dataclass
class Runs:
    """Tries proposals on the executable cases of this machine.

    folder    of the user's own cases
    runner    the agent; None where none may be run now
    ledger    what it asks is paid for from
    sessions  gives the recorded sessions that may be looked into; whole ones, or graded ones alone
    planned   by skill, in a dry run: what would be run; `tried`: something was run
    """

    on: RunPlan
    folder: Path
    ledger: Ledger
    runner: Runner | None
    sessions: Callable[[bool], Iterable[Trajectory]] = lambda whole: ()
    planned: dict[str, str] = field(default_factory=dict)
    tried: bool = False

    def __call__(self, proposal: Proposal, replayer: Replayer, left: Limits) -> Executed:
        """The cases of a proposal with their scores, within what is `left` of its limits."""
        sources, faults = self._sources
        context, settings = replayer.context, replayer.plan.settings
        most = MOST
        caps = self.ledger.caps
        # More than a whole cycle may ask can never be run to the end.
        calls = min((one for one in (left.calls, caps.calls) if one), default=0)
        if calls:
            most = max(LEAST_CASES, min(MOST, calls // (2 * settings.repeats * CALLS)))
        found = find_cases(
            proposal, sources, current_skills=context.current, most=most, allowed=_untaught(proposal, context)
        )
        missing = " ".join([*faults, *found.missing])
        if not found.cases:
            return Executed(missing=missing)
        if self.runner is None:
            self.planned[proposal.skill] = _forecast(proposal, len(found.cases), settings.repeats, calls)
            return Executed(missing="No agent is run now.", cut_off="No agent is run now.")
        asked = self._asked(proposal, replayer, found.cases)
        memory = Remembered(replayer.home)
        # What limits ended would end there again, until they are others.
        short = [*asked, settings.max_calls, settings.max_seconds, caps]
        known = memory.get(proposal.id, asked) or memory.get(proposal.id, short)
        if known is not None:
            return Executed(scores=known.scores, cost=known.cost, missing=known.missing)
        if reason := why_no_room():
            # Nothing that the next cycle mends: people can decide on it, and try it by hand later.
            return Executed(missing=f"Cases run in a sandbox only, and none can be made here: {reason}")
        end = time.monotonic() + left.seconds
        alone = not self.ledger.spent().calls
        self.tried = True
        scores, cost, why = executable_scores(
            proposal,
            found.cases,
            current_skills=context.current,
            agent=self.runner,
            repeats=settings.repeats,
            seed=0,
            limits=left,
            ledger=self.ledger,
            home=self.on.home,
            progress=replayer.progress,
        )
        limited = (left.calls and cost.calls >= left.calls) or time.monotonic() >= end
        if why and alone and self.ledger.cycle_ended:
            # All of a cycle's budget was spent on it; the next one would begin, and end, as this one did.
            limited, why = True, _too_little(scores, len(found.cases) * settings.repeats * 2, self.ledger)
        missing = " ".join(one for one in (why, missing) if one)
        if why and not limited:
            return Executed(scores=scores, cost=cost, missing=missing, cut_off=why)
        kept = ReplayResult(
            proposal=proposal.id,
            agent=self.runner.name,
            model=self.runner.model,
            scores=scores,
            missing=missing,
            cost=cost,
        )
        memory.put(kept, short if why else asked)
        return Executed(scores=scores, cost=cost, missing=missing)

    @cached_property
    def _sources(self) -> tuple[CaseSources, list[str]]:
        sources, faults = case_sources(
            self.on.home,
            self.folder,
            user_home=user_home(),
            sessions=lambda: self.sessions(sources.recorded is not None),
            tasks=self.on.tasks(),
            recorded=self.on.recorded,
        )
        return sources, faults

    def _asked(self, proposal: Proposal, replayer: Replayer, cases: list[Case]) -> list[object]:
        assert self.runner is not None and proposal.bundle is not None
        context = replayer.context
        return [
            "executable",
            FORM,
            self.runner.name,
            self.runner.model,
            replayer.plan.settings.repeats,
            version(proposal.bundle),
            sorted(one.skill for one in proposal.retires),
            # Agents find the whole library, not this skill alone.
            sorted((name, skill.version) for name, skill in context.current.items()),
            [case.id for case in cases],
        ]


def _untaught(proposal: Proposal, context: GateContext) -> Callable[[Trajectory], bool]:
    """Whether a session, and the task that it was about, taught nothing of the proposal or of the version
    that it changes."""
    taught = taught_by(proposal, context)
    tasks = {meta(one).task for key in taught if (one := context.sessions(key)) is not None} - {None}

    def allowed(session: Trajectory) -> bool:
        told = meta(session)
        return told.key not in taught and told.task not in tasks

    return allowed


def _too_little(scores: Iterable[CaseScore], whole: int, ledger: Ledger) -> str:
    made = sum(score is not None for one in scores for score in (*one.before, *one.after))
    return (
        f"Only {made} of {whole} runs were made: it is all that a cycle may ask ({ledger.refused}). "
        "For more: skillclaw config set evolve.budget.*"
    )


def _forecast(proposal: Proposal, cases: int, repeats: int, calls: int) -> str:
    most = f", {calls} calls at most" if calls else ""
    return f"{proposal.skill}: {cases * repeats * 2} runs of an agent on {cases} cases{most}"


class _Extra(Record, frozen=True, kw_only=True):
    task: str | None = None
    reward: float | None = None


class _Told(Record, frozen=True, kw_only=True):
    skillclaw: _Extra = _Extra()


class _Short(Record, frozen=True, kw_only=True):
    """What tells whether a session is worth reading whole."""

    extra: _Told | None = None


_short = msgspec.json.Decoder(_Short)


def recorded_sessions(
    store: SessionStore, without: Callable[[str], bool], *, whole: bool
) -> Iterator[Trajectory]:
    """The newest sessions, but those `without`; all of them, or only those that name a task and have a
    reward, which are told apart without reading the others whole."""
    keys = [row.id for row in store.rows(limit=LOOKED) if not without(row.id)]
    for key, _, packed in store.bodies(keys):
        try:
            if not whole:
                short = _short.decode(zstd.decompress(packed)).extra or _Told()
                if short.skillclaw.task is None or short.skillclaw.reward is None:
                    continue
            yield store.get(key)
        except (BadInputError, zstd.Damaged, *UNREADABLE):
            continue  # forgotten meanwhile, or damaged, which whoever mines it is told
