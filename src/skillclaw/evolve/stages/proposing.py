"""Third stage: what should change. The evolver says so, and what takes care of the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skillclaw import gate
from skillclaw.evolve.by_hand import changed_by_hand
from skillclaw.evolve.care import Cared, care
from skillclaw.evolve.counts import recounted
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._left_out import left_out, supported
from skillclaw.evolve.forgotten import orphans
from skillclaw.evolve.fresh import fresh, topic_marks
from skillclaw.evolve.mine import Mined
from skillclaw.evolve.modelled import forecast_of
from skillclaw.evolve.models import Forecast
from skillclaw.evolve.reversed import disputes
from skillclaw.evolve.scripts import propose_scripts
from skillclaw.evolve.stages.run import Run
from skillclaw.evolve.stages.standing import Standing
from skillclaw.evolve.tried import tried
from skillclaw.evolve.view import LeftOut
from skillclaw.skills.records import Proposal

__all__ = ["Proposed", "propose"]


@dataclass(frozen=True)
class Proposed:
    """What is proposed, and what was known then.

    marks     by topic what its proposals depend on
    given     what the evolver was given, and put its notes and failures into
    forecast  of a dry run: what the evolver would ask of a model
    shown     patterns that enough sessions and people show for a skill
    left_out  what is shown so, or in dispute, and stands in no skill
    """

    proposals: list[Proposal]
    given: EvolveContext
    marks: dict[str, str]
    cared: Cared
    forecast: list[Forecast]
    shown: int
    left_out: list[LeftOut]


def propose(run: Run, mined: Mined, standing: Standing, context: gate.GateContext) -> Proposed:
    """Ask the evolver about what is new since the last cycle, and look after the library."""
    current, state, memory = standing.current, standing.state, run.memory
    taken = frozenset(skill.name for skill in run.foreign)
    asked_by = f"{run.evolver.name} {run.asks}".strip()
    rest = [run.asked.name, asked_by, sorted(taken), *([run.trying] if run.trying is not None else [])]
    new = {user for user, facts in context.members.items() if not facts.known}
    marks = topic_marks(mined.patterns, current, rest, mined.work, new)
    given = EvolveContext(
        policy=context.policy,
        now=run.now,
        gate=context,
        taken=taken,
        models=run.models,
        tried=[*tried(run.hub, state, memory), *changed_by_hand(run.hub, state)],
        mined=mined.patterns,
        work=mined.work,
        home=run.home,
        environ=run.environ,
        agent=run.settings.agent,
        cli=run.cli,
        dry_run=run.dry_run,
    )
    due = fresh(mined.patterns, marks, memory)
    forecast = forecast_of(run.evolver, due, current, given) if run.dry_run else []
    proposals = run.evolver.propose(due, current, given)
    changed = {one.skill for one in proposals}
    proposals += propose_scripts(due, current, given, run.evolver.name, changed)
    proposals += orphans(standing.given, state, run.forgotten)
    cared = care(proposals, mined, memory, current, state, given, run.settings.descriptions)
    shown = supported(mined.patterns, given)
    # What a model makes of a pattern is its own; the evolver's notes tell of that.
    silent = [] if run.asks else left_out(shown, _said(current, cared.proposals), given)
    return Proposed(
        proposals=recounted(cared.proposals, mined.patterns),
        given=given,
        marks=marks,
        cared=cared,
        forecast=forecast,
        shown=len(shown),
        left_out=[*disputes(mined.patterns), *silent],
    )


def _said(current: Mapping[str, Current], proposals: Sequence[Proposal]) -> set[str]:
    """The ids of the patterns that lines of these rest on."""
    sidecars = [*(one.sidecar for one in current.values()), *(one.sidecar for one in proposals)]
    return {p for sidecar in sidecars if sidecar is not None for item in sidecar.items for p in item.patterns}
