"""Third stage: what should change. The evolver says so, and what takes care of the library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from skillclaw import gate
from skillclaw.evolve.by_hand import changed_by_hand
from skillclaw.evolve.care import Cared, care
from skillclaw.evolve.counts import recounted
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.fresh import fresh, topic_marks
from skillclaw.evolve.mine import Mined
from skillclaw.evolve.modelled import forecast_of
from skillclaw.evolve.models import Forecast
from skillclaw.evolve.scripts import propose_scripts
from skillclaw.evolve.stages.run import Run
from skillclaw.evolve.stages.standing import Standing
from skillclaw.evolve.tried import tried
from skillclaw.skills.records import HOST, Proposal, content_id

__all__ = ["FORGOTTEN", "Proposed", "propose"]

FORGOTTEN = "forgotten"
"""Engine and check of the retirements that follow from `sessions forget`."""


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
    proposals += _orphans(standing.given, run.forgotten)
    cared = care(proposals, mined, memory, current, state, given, run.settings.descriptions)
    return Proposed(recounted(cared.proposals, mined.patterns), given, marks, cared, forecast)


def _orphans(current: Mapping[str, Current], forgotten: frozenset[str]) -> Iterator[Proposal]:
    """Retirements of the skills whose every session was forgotten: what people took back must not live on.

    The sessions that a skill of an agent's own cites used it; it was not learned from them.
    """
    for name, skill in sorted(current.items()):
        if skill.sidecar.engine.startswith(HOST):
            continue
        cited = {ref.session for item in skill.sidecar.items for ref in item.evidence}
        if cited and cited <= forgotten and not skill.pinned:
            yield Proposal(
                id=content_id("proposal", skill.version, "forgotten", sorted(cited)),
                action="retire",
                skill=name,
                base=skill.version,
                engine=FORGOTTEN,
                why=f"All {len(cited)} sessions that {name} was learned from were forgotten.",
            )
