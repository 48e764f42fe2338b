"""What the gate's check `replay` asks: a proposal is tried on decision points, executable cases, or both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from skillclaw.evolve.models import Forecast, Ledger, open_models
from skillclaw.evolve.replay.choosing import choose_points
from skillclaw.evolve.replay.decision import Tried, agents_tools, decision_scores
from skillclaw.evolve.replay.decision_asking import STAGE, skill_text
from skillclaw.evolve.replay.decision_points import Point
from skillclaw.evolve.replay.executable import Limits
from skillclaw.evolve.replay.executing import Executable, Executed, Runs
from skillclaw.evolve.replay.plan import MINIMAL, ReplayPlan, RunPlan, agent_runner
from skillclaw.evolve.replay.remembered import Remembered
from skillclaw.evolve.replay.sources import cases_folder
from skillclaw.gate.context import GateContext
from skillclaw.gate.replay.records import CaseScore, Cost, ReplayResult
from skillclaw.settings_evolve import EvolveSettings
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillclaw.evolve.models import SharedAnswers
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.evolve.models.daybook import DayBook
    from skillclaw.trajectory.model import Trajectory

__all__ = ["Replayer", "replaying"]

FORM = 5
"""Goes up when the same answers would be scored otherwise, or the same cases asked otherwise."""

OTHERS = 12
"""Sessions of the evidence that are looked through for an agent's tools."""


@dataclass
class Replayer:
    """Tries proposals, one after the other; a result of before is used again.

    results    what was found, by proposal
    offline    nothing may be asked or run now
    cut_off    by proposal why it could not be tried to the end this time; another time may do better
    """

    plan: ReplayPlan
    context: GateContext
    home: Path
    asker: Asker | None = None
    executable: Executable | None = None
    offline: bool = False
    progress: Callable[[int, int], None] = lambda done, total: None
    results: dict[str, ReplayResult] = field(default_factory=dict)
    cut_off: dict[str, str] = field(default_factory=dict)

    def __call__(self, proposal: Proposal) -> ReplayResult:
        """The result for the check; it raises nothing of models."""
        settings, plan = self.plan.settings, self.plan
        began = time.monotonic()
        scores: list[CaseScore] = []
        missing: list[str] = []
        cost = Cost()
        if plan.asks and self.asker is not None:
            points, why = choose_points(proposal, self.context, self.most)
            if not why:
                seconds = settings.max_seconds / (2 if plan.runs else 1)
                scores, cost, why = self._decided(proposal, points, self.asker, began + seconds)
            missing.append(why)
        if plan.runs:
            done = self._executed(proposal, cost, began + settings.max_seconds)
            scores, cost = [*scores, *done.scores], _sum(cost, done.cost)
            missing.append(done.missing)
            if done.cut_off:
                self.cut_off[proposal.id] = " ".join(
                    [self.cut_off.get(proposal.id, ""), done.cut_off]
                ).strip()
        result = ReplayResult(
            proposal=proposal.id,
            agent=settings.agent if plan.runs else "",
            model=self.model,
            scores=scores,
            missing=" ".join(one for one in missing if one),
            cost=cost,
        )
        if plan.runs and plan.asks and proposal.id not in self.cut_off and not self.offline:
            # Both kinds are remembered apart; people are shown the newest.
            Remembered(self.home).put(result, ["both", FORM])
        self.results[proposal.id] = result
        return result

    def _executed(self, proposal: Proposal, cost: Cost, end: float) -> Executed:
        settings = self.plan.settings
        if self.executable is None:
            return Executed(missing="No executable cases can be tried here.")
        calls = max(0, settings.max_calls - cost.calls)
        seconds = end - time.monotonic()
        if (settings.max_calls and not calls) or seconds <= 0:
            return Executed(missing="The limits of gate.replay.* left nothing for executable cases.")
        return self.executable(proposal, self, Limits(calls=calls, seconds=seconds))

    @property
    def model(self) -> str:
        """What is asked; empty where nothing is."""
        if self.asker is not None:
            return self.asker.name
        runner = self.executable.runner if self.executable is not None else None
        return runner.model if runner is not None else ""

    @property
    def ledgers(self) -> list[Ledger]:
        """What it paid from."""
        found = [self.asker.ledger] if self.asker is not None else []
        return [*found, *([self.executable.ledger] if self.executable is not None else [])]

    @property
    def decisions(self) -> int:
        """Calls that decisions may take: all of them, or half where executable cases come after; 0 is no
        limit."""
        most = self.plan.settings.max_calls
        return max(1, most // 2) if most and self.plan.runs else most

    @property
    def most(self) -> int:
        """Decisions that one proposal may be tried on: two sides, and up to two questions each
        (`decision_points.Point.then`), within their calls."""
        return self.decisions // (4 * self.plan.settings.repeats) if self.decisions else 10**6

    def forecast(self) -> list[Forecast]:
        """What the questions that could not be asked (offline) would take at most."""
        return [one for one in self.asker.missed() if one.stage == STAGE] if self.asker is not None else []

    def _decided(
        self, proposal: Proposal, points: Sequence[Point], asker: Asker, deadline: float
    ) -> tuple[list[CaseScore], Cost, str]:
        settings = self.plan.settings
        base = self.context.base(proposal)
        before, after = skill_text(base.bundle if base is not None else None), skill_text(proposal.bundle)
        asked: list[object] = [
            FORM,
            asker.name,
            asker.tools,
            settings.repeats,
            version(proposal.bundle) if proposal.bundle is not None else "",
            base.version if base is not None else "",
            [point.case for point in points],
        ]
        memory = Remembered(self.home)
        known = memory.get(proposal.id, asked)
        if known is not None:
            return known.scores, known.cost, known.missing
        tried = self._tried(proposal, points, before, after, asker, deadline)
        if tried.cut_off:
            why = "No model is asked now." if asker.offline else tried.cut_off
            self.cut_off[proposal.id] = why
            return tried.scores, tried.cost, why
        if asker.offline:
            return tried.scores, tried.cost, ""
        memory.put(
            ReplayResult(proposal=proposal.id, model=asker.name, scores=tried.scores, cost=tried.cost), asked
        )
        return tried.scores, tried.cost, ""

    def _tried(
        self,
        proposal: Proposal,
        points: Sequence[Point],
        before: str,
        after: str,
        asker: Asker,
        deadline: float,
    ) -> Tried:
        settings = self.plan.settings
        keys = [ref.session for pattern in proposal.patterns for ref in pattern.evidence]
        others = [
            one for key in dict.fromkeys(keys[:OTHERS]) if (one := self.context.sessions(key)) is not None
        ]
        return decision_scores(
            points,
            before=before,
            after=after,
            tools=agents_tools(points, others),
            asker=asker,
            redactor=self.context.redactor,
            repeats=settings.repeats,
            max_calls=self.decisions,
            deadline=deadline,
            progress=self.progress,
        )


@contextmanager
def replaying(
    plan: ReplayPlan | None,
    settings: EvolveSettings,
    *,
    home: Path,
    shared_with: Asker | None = None,
    spending: DayBook | Path | None = None,
    environ: Mapping[str, str],
    replay: Path | None = None,
    record: Path | None = None,
    offline: bool = False,
    shared: SharedAnswers | None = None,
    on: RunPlan | None = None,
    sessions: Callable[[bool], Iterable[Trajectory]] = lambda whole: (),
) -> Iterator[Callable[[GateContext], Replayer] | None]:
    """What makes a replayer for a gate's context; None without a plan.

    `on` says what there is for executable cases, `sessions` gives the recorded ones (`executing.Runs`).
    `shared_with` is the model that the cycle's evolver asks: where it is the same one, they share it and its
    budget. The rest as in `evolve.models.open_models`, which says what is raised; UsageError too where the
    agent cannot be run here.
    """
    if plan is None:
        yield None
        return
    asker, own = None, None
    same = shared_with is not None and plan.model == settings.model
    if plan.asks:
        if same:
            asker = shared_with
        else:
            asker = own = open_models(
                replace(settings, model=plan.model),
                home=home,
                spending=spending,
                environ=environ,
                replay=replay,
                record=record,
                offline=offline,
                shared=shared,
            )
    offline = offline or replay is not None
    try:
        runs = None
        if plan.runs and on is not None:
            payer = asker if asker is not None else shared_with if same else None
            runs = _runs(plan, settings, on, payer, spending or home, environ, offline, sessions)
        yield lambda context: Replayer(
            plan=plan, context=context, home=home, asker=asker, executable=runs, offline=offline
        )
    finally:
        if own is not None:
            own.close()


def _runs(
    plan: ReplayPlan,
    settings: EvolveSettings,
    on: RunPlan,
    payer: Asker | None,
    book: DayBook | Path,
    environ: Mapping[str, str],
    offline: bool,
    sessions: Callable[[bool], Iterable[Trajectory]],
) -> Runs:
    """What tries executable cases. The minimal agent shares the ledger of `payer`, which asks the same model;
    another agent has one of its own, over the same days."""
    asked = plan.settings
    runner, usd = None, (0.0, 0.0)
    if not offline:
        runner, usd = agent_runner(asked.agent, plan.model, on.cli, environ, other=asked.model)
    if payer is not None and asked.agent == MINIMAL:
        ledger = payer.ledger
    else:
        ledger = Ledger(settings.budget, usd_in=usd[0], usd_out=usd[1], book=book)
    folder = cases_folder(on.home, asked)
    return Runs(on=on, folder=folder, ledger=ledger, runner=runner, sessions=sessions)


def _sum(one: Cost, other: Cost) -> Cost:
    usd = [cost.usd for cost in (one, other) if cost.calls or cost.usd is not None]
    return msgspec.structs.replace(
        one,
        calls=one.calls + other.calls,
        tokens=one.tokens + other.tokens,
        usd=None if not usd or None in usd else sum(value or 0.0 for value in usd),
        seconds=one.seconds + other.seconds,
    )
