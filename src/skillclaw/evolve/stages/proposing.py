"""Third stage: what should change. The evolver says so, and what takes care of the library."""

from __future__ import annotations

from dataclasses import dataclass

from skillclaw import gate
from skillclaw.evolve.by_hand import changed_by_hand
from skillclaw.evolve.care import Cared, care
from skillclaw.evolve.counts import recounted
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.forgotten import orphans
from skillclaw.evolve.fresh import fresh, topic_marks
from skillclaw.evolve.mine import Mined
from skillclaw.evolve.modelled import forecast_of
from skillclaw.evolve.models import Forecast
from skillclaw.evolve.scripts import propose_scripts
from skillclaw.evolve.stages.run import Run
from skillclaw.evolve.stages.standing import Standing
from skillclaw.evolve.tried import tried
from skillclaw.skills.records import Proposal

__all__ = ["Proposed", "propose"]


@dataclass(frozen=True)
class Proposed:
    """What is proposed, and what was known then.

    marks     by topic what its proposals depend on
    given     what the evolver was given, and put its notes and failures into
    forecast  of a dry run: what the evolver would ask of a model
    """

    proposals: list[Proposal]
    given: EvolveContext
    marks: dict[str, str]
    cared: Cared
    forecast: list[Forecast]


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
    return Proposed(recounted(cared.proposals, mined.patterns), given, marks, cared, forecast)
