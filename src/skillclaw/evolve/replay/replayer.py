"""What the gate's check `replay` asks: a proposal is tried on decision points, executable cases, or both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from skillclaw.errors import UsageError
from skillclaw.evolve.models import Forecast, open_models
from skillclaw.evolve.replay.choosing import choose_points
from skillclaw.evolve.replay.decision import Tried, agents_tools, decision_scores
from skillclaw.evolve.replay.decision_asking import STAGE, skill_text
from skillclaw.evolve.replay.decision_points import Point
from skillclaw.evolve.replay.remembered import Remembered
from skillclaw.gate.context import GateContext
from skillclaw.gate.replay.records import CaseScore, Cost, ReplayResult
from skillclaw.settings_evolve import EvolveSettings, ModelSettings, Section
from skillclaw.settings_gate import ReplaySettings, replay_model
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillclaw.evolve.models import SharedAnswers
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.evolve.models.daybook import DayBook

__all__ = ["Executable", "ReplayPlan", "Replayer", "replay_plan", "replaying"]

FORM = 1
"""Goes up when the same answers would be scored otherwise, or the same cases asked otherwise."""

OTHERS = 12
"""Sessions of the evidence that are looked through for an agent's tools."""


class Executable(Protocol):
    """Tries a proposal on executable cases: their scores, what they cost, and why there are not more. It gets
    the replayer, for its settings, context, model and home, and a time of `time.monotonic` to end at."""

    def __call__(
        self, proposal: Proposal, replayer: Replayer, deadline: float, /
    ) -> tuple[list[CaseScore], Cost, str]: ...


class ReplayPlan(Section, frozen=True, kw_only=True):
    """How proposals are tried: `gate.replay.*`, and the model that is asked."""

    settings: ReplaySettings
    model: ModelSettings

    @property
    def asks(self) -> bool:
        """Whether a model is asked for decisions."""
        return self.settings.mode in ("decision", "both")


def replay_plan(settings: ReplaySettings, evolve: EvolveSettings) -> ReplayPlan | None:
    """The plan of these settings; None where nothing is tried. UsageError where no model is named."""
    if settings.mode == "off":
        return None
    plan = ReplayPlan(settings=settings, model=replay_model(settings, evolve.model))
    if plan.asks and not evolve.model.name:
        raise UsageError(
            f"gate.replay.mode {settings.mode!r} asks a model, and none is set.",
            "evolve.model.name is empty.",
            "skillclaw config set evolve.model.name NAME (.protocol, .url, .key); "
            "or: skillclaw config set gate.replay.mode off",
        )
    return plan


@dataclass
class Replayer:
    """Tries proposals, one after the other; a result of before is used again.

    results    what was found, by proposal
    cut_off    by proposal why it could not be tried to the end this time; another time may do better
    """

    plan: ReplayPlan
    context: GateContext
    home: Path
    asker: Asker | None = None
    executable: Executable | None = None
    progress: Callable[[int, int], None] = lambda done, total: None
    results: dict[str, ReplayResult] = field(default_factory=dict)
    cut_off: dict[str, str] = field(default_factory=dict)

    def __call__(self, proposal: Proposal) -> ReplayResult:
        """The result for the check; it raises nothing of models."""
        settings = self.plan.settings
        deadline = time.monotonic() + settings.max_seconds
        scores: list[CaseScore] = []
        missing: list[str] = []
        cost = Cost()
        if self.plan.asks and self.asker is not None:
            points, why = choose_points(proposal, self.context, self.most)
            if not why:
                scores, cost, why = self._decided(proposal, points, self.asker, deadline)
            missing.append(why)
        if settings.mode in ("executable", "both"):
            if self.executable is None:
                missing.append("No executable cases can be tried here.")
            else:
                more, paid, why = self.executable(proposal, self, deadline)
                scores, cost = [*scores, *more], _sum(cost, paid)
                missing.append(why)
        result = ReplayResult(
            proposal=proposal.id,
            agent=settings.agent if settings.mode in ("executable", "both") else "",
            model=self.asker.name if self.asker is not None else "",
            scores=scores,
            missing=" ".join(one for one in missing if one),
            cost=cost,
        )
        self.results[proposal.id] = result
        return result

    @property
    def most(self) -> int:
        """Decisions that one proposal may be tried on: two sides, and up to two questions each
        (`decision_points.Point.then`), within `max_calls`."""
        settings = self.plan.settings
        return settings.max_calls // (4 * settings.repeats) if settings.max_calls else 10**6

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
            max_calls=settings.max_calls,
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
    executable: Executable | None = None,
) -> Iterator[Callable[[GateContext], Replayer] | None]:
    """What makes a replayer for a gate's context; None without a plan.

    `executable` tries executable cases, where there is something that can. `shared_with` is the model that
    the cycle's evolver asks: where it is the same one, they share it and its budget. The rest as in
    `evolve.models.open_models`, which says what is raised.
    """
    if plan is None:
        yield None
        return
    asker, own = None, None
    if plan.asks:
        if shared_with is not None and plan.model == settings.model:
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
    try:
        yield lambda context: Replayer(
            plan=plan, context=context, home=home, asker=asker, executable=executable
        )
    finally:
        if own is not None:
            own.close()


def _sum(one: Cost, other: Cost) -> Cost:
    usd = [cost.usd for cost in (one, other) if cost.calls or cost.usd is not None]
    return msgspec.structs.replace(
        one,
        calls=one.calls + other.calls,
        tokens=one.tokens + other.tokens,
        usd=None if not usd or None in usd else sum(value or 0.0 for value in usd),
        seconds=one.seconds + other.seconds,
    )
