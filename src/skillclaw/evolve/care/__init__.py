"""The care of a library, after any engine: descriptions, merges, splits, retirements.

Runs over the library as it will be if what the engine proposed is released, so that a second cycle over the
same sessions has nothing to do. Skills that the engine proposed to change are left to it, but for their
description; pinned skills are left alone. Nothing is computed where nothing is proposed and nothing has
changed since a cycle that found nothing to do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from skillclaw.evolve.care.describing import Better, better, wanting
from skillclaw.evolve.care.merging import describable, described_as, merges, pairs
from skillclaw.evolve.care.report import CareReport, take_stock, told
from skillclaw.evolve.care.retiring import NAME, held_back, retirements
from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.care.splitting import splits, too_long
from skillclaw.evolve.effects import SkillEffect
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.mine import Mined
from skillclaw.evolve.state import EvolveState
from skillclaw.gate.triggers import Trial, description_of, evaluate
from skillclaw.hub.records import HubState
from skillclaw.skills.bundle import version
from skillclaw.skills.items import DESCRIPTION, same_text
from skillclaw.skills.records import HOST, Proposal, content_id
from skillclaw.trajectory.model import Record

__all__ = ["CareReport", "Cared", "care", "last_report"]

META = "care"

POOR = 0.6
"""A person's own description is offered another only where it does worse than this (F1)."""

TURNS = 4
"""How often all descriptions are looked at in one cycle."""


class _Kept(Record, frozen=True, kw_only=True):
    mark: str
    report: CareReport


@dataclass(frozen=True)
class Cared:
    """The proposals of the engine, some with a better description, and those of care behind them."""

    proposals: list[Proposal]
    report: CareReport
    notes: list[str] = field(default_factory=list)
    mark: str = ""

    def keep(self, memory: EvolveState) -> None:
        """Remember that it was done, for `last_report` and so that the same is not done again."""
        memory.put_meta(META, msgspec.msgpack.encode(_Kept(mark=self.mark, report=self.report)))


def last_report(memory: EvolveState) -> CareReport | None:
    """What the last cycle found; None where there was none."""
    kept = memory.load(memory.get_meta(META), _Kept)
    return kept.report if kept is not None else None


def care(
    proposals: Sequence[Proposal],
    mined: Mined,
    memory: EvolveState,
    current: Mapping[str, Current],
    state: HubState,
    context: EvolveContext,
    budget: int,
) -> Cared:
    """What the library needs beside what the engine proposed; `budget`: the setting evolve.descriptions."""
    if context.gate is None:
        return Cared(list(proposals), CareReport())
    mark = _mark(current, state, mined.effects, memory, context, budget)
    kept = memory.load(memory.get_meta(META), _Kept)
    if not proposals and kept is not None and kept.mark == mark:
        return Cared([], kept.report, told(kept.report), mark)
    given = Situation(
        current=_after(proposals, current),
        proposals=proposals,
        patterns=mined.patterns,
        effects=mined.effects,
        memory=memory,
        state=state,
        context=context,
        gate=context.gate,
    )
    gone = dict(held_back(proposals, given))
    given.notes.extend(
        f"{skill} was retired on {day} and is not made again before sessions since then support it."
        for skill, day in gone.items()
    )
    kept_ones = [proposal for proposal in proposals if proposal.skill not in gone]
    retired = retirements(given)
    out = {*gone, *(proposal.skill for proposal in retired)}
    left = {name: skill for name, skill in given.current.items() if name not in out}
    rest = given.but(left, [*proposals, *retired])
    doubles = pairs(rest)
    made = [*retired, *merges(rest, doubles)]
    made += splits(rest.but(left, [*proposals, *made]))
    # What is merged or split in this cycle gets its words in the next one, when it is there.
    found = settled(rest, {proposal.skill for proposal in made})
    described = [_described(proposal, found.get(proposal.skill)) for proposal in kept_ones]
    made += _descriptions(rest.but(left, [*proposals, *made]), found)
    report = take_stock(rest.renamed({name: one.description for name, one in found.items()}), doubles, budget)
    if proposals or made:
        mark = ""  # what is proposed may be left undecided, and is then looked at again
    return Cared([*described, *made], report, list(dict.fromkeys([*given.notes, *told(report)])), mark)


def _mark(
    current: Mapping[str, Current],
    state: HubState,
    effects: Sequence[SkillEffect],
    memory: EvolveState,
    context: EvolveContext,
    budget: int,
) -> str:
    """Changes where what care depends on does; uses count in doublings, time in days."""
    gate = context.gate
    return content_id(
        "care",
        [(name, s.version, s.pinned, _stage(name, state)) for name, s in sorted(current.items())],
        sorted((one.name, description_of(one.bundle)) for one in gate.foreign) if gate is not None else [],
        [(e.skill, e.version, e.with_n, e.ci) for e in effects if e.skill in current],
        [
            (name, uses.offered.bit_length(), uses.read.bit_length(), uses.users)
            for name, uses in sorted(memory.skill_uses().items())
            if name in current
        ],
        (context.policy, context.now.date().isoformat(), budget),
    )


def _stage(name: str, state: HubState) -> str:
    return state.skills[name].stage if name in state.skills else ""


def _after(proposals: Sequence[Proposal], current: Mapping[str, Current]) -> dict[str, Current]:
    """The library if all proposals are released."""
    found = dict(current)
    for proposal in proposals:
        if proposal.bundle is None:
            found.pop(proposal.skill, None)
        elif proposal.sidecar is not None:
            known = found.get(proposal.skill)
            found[proposal.skill] = Current(
                bundle=proposal.bundle,
                sidecar=proposal.sidecar,
                version=version(proposal.bundle),
                split_from=known.split_from if known is not None else frozenset(),
            )
    return {name: found[name] for name in sorted(found)}


def settled(given: Situation, without: Collection[str]) -> dict[str, Better]:
    """The better descriptions of all skills but pinned ones and those `without`, found in turns: what one
    skill says changes what comes up for the others, and the next cycle must find nothing left to do."""
    found: dict[str, Better] = {}
    now = given
    names = [
        name
        for name, skill in sorted(given.current.items())
        # One that is too long must not grow further; it waits for its split, or for a person.
        if name not in without and not skill.pinned and not too_long(skill) and describable(skill.bundle)
    ]
    refused: set[str] = set()
    for _ in range(TURNS):
        changed = False
        for name in names:
            skill = given.current[name]
            trials = given.trials(name)
            if name in refused or not wanting(name, now.index, trials):
                continue
            if not _ours(skill) and evaluate(name, now.index, trials).value >= POOR:
                continue
            made = better(name, now.entries, trials, given.spoken(skill.sidecar.items))
            if made is not None and not _agreed(now, name, made, trials):
                refused.add(name)
            elif made is not None:
                before = found.get(name)
                found[name] = made.since(before) if before is not None else made
                now = now.renamed({name: made.description})
                changed = True
        if not changed:
            break
    return found


def _agreed(given: Situation, name: str, made: Better, trials: Sequence[Trial]) -> bool:
    """Whether the cycle's model, if there is one, comes to the skill no worse by the new description."""
    models = given.context.models
    if models is None:
        return True
    from skillclaw.evolve.engines.trigger_judge import score_by_model
    from skillclaw.evolve.models import ModelError

    held_out = [trial for trial in trials if trial.test]
    after = given.renamed({name: made.description}).entries
    try:
        old = score_by_model(models, name, given.entries, held_out)
        new = score_by_model(models, name, after, held_out)
    except ModelError as error:
        given.notes.append(f"No model was asked about the description of {name}: {error.what}")
        return True
    if new.value < old.value:
        given.notes.append(
            f"The description of {name} stays: by the words of requests another is better, by {models.name} "
            f"it is worse ({new.text()}; as it is: {old.text()})."
        )
    return new.value >= old.value


def _described(proposal: Proposal, found: Better | None) -> Proposal:
    """The engine's proposal, with a better description where held-out requests say that there is one."""
    bundle, sidecar = proposal.bundle, proposal.sidecar
    if found is None or bundle is None or sidecar is None:
        return proposal
    changed, items = described_as(bundle, sidecar.items, found.description)
    return msgspec.structs.replace(
        proposal,
        id=content_id("proposal", proposal.id, "described", version(changed)),
        why=f"{proposal.why} Its description was tried: {found.text()}.",
        bundle=changed,
        sidecar=msgspec.structs.replace(sidecar, items=items, version=version(changed)),
    )


def _descriptions(given: Situation, better_ones: Mapping[str, Better]) -> list[Proposal]:
    """Other descriptions for skills that nothing else is proposed for."""
    found = []
    for name, made in sorted(better_ones.items()):
        if name in given.busy:
            continue
        skill = given.current[name]
        changed, items = described_as(skill.bundle, skill.sidecar.items, made.description)
        scope, project = given.scope(name)
        found.append(
            Proposal(
                id=content_id("proposal", "describe", skill.version, version(changed)),
                action="describe",
                skill=name,
                base=skill.version,
                engine=NAME,
                why=f"With another description, {name} comes up for what it is for: {made.text()}.",
                scope="project" if scope == "project" else "global",
                project=project,
                bundle=changed,
                sidecar=msgspec.structs.replace(
                    skill.sidecar,
                    version=version(changed),
                    parents=[skill.version],
                    items=items if _ours(skill) else skill.sidecar.items,
                ),
            )
        )
    return found


def _ours(skill: Current) -> bool:
    """Whether the description is one that an engine wrote from evidence, and no person or agent changed."""
    said = same_text(description_of(skill.bundle))
    return not skill.sidecar.engine.startswith(HOST) and any(
        item.section == DESCRIPTION and item.evidence and same_text(item.text) == said
        for item in skill.sidecar.items
    )
