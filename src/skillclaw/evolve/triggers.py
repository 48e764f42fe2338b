"""What an author is told of a description: does it bring its skill up for its requests, and only those?

`gate.triggers` computes it; the check `trigger` asks about the same of a finished proposal.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.gate.context import CurrentSkill, GateContext
from skillclaw.gate.triggers import Trial, description_of, entries_of, evaluate, trials_for
from skillclaw.skills.records import Item, Proposal
from skillclaw.skills.retrieval import Entry, Index

__all__ = ["trigger_faults"]

LEAST = 3
"""Requests of its own below which a skill's description is not judged."""

RECALL, PRECISION = 0.5, 0.7
"""Below these an author is told that a description misses its requests, or draws others'."""

SHOWN = 2
"""Requests that a fault names as examples."""


def trigger_faults(proposal: Proposal, context: EvolveContext, *, quote_others: bool = True) -> list[str]:
    """What is wrong with the description of a proposal, as sentences that its author can act on; [] where
    nothing is, or where too few requests are known to tell. Without `quote_others` no request is quoted that
    is another skill's, for an author that is shown the evidence of one skill alone.

    Reads the sessions that the proposal and the current skills cite.
    """
    gate = context.gate
    if gate is None or proposal.bundle is None or proposal.sidecar is None:
        return []
    own = cited_requests(refs_of_items(proposal.sidecar.items), gate.sessions)
    if len(own) < LEAST:
        return []
    others = _others(proposal.skill, gate)
    entries = entries_of(gate.current, gate.foreign)
    entries[proposal.skill] = Entry(name=proposal.skill, description=description_of(proposal.bundle))
    index = Index(entries.values())
    trials = [trial for trial in trials_for(own, others) if not trial.test]
    score = evaluate(proposal.skill, index, trials)
    faults = []
    if score.own >= LEAST and score.recall is not None and score.recall < RECALL:
        missed = [t for t in trials if t.own and proposal.skill not in _up(index, t.request)]
        faults.append(
            f"The description comes up for {score.found} of {score.own} requests that the skill was made "
            f"from; missed: {_examples(missed)}. Say in it what users ask for, in their words."
        )
    if score.precision is not None and score.precision < PRECISION:
        drawn = [t for t in trials if not t.own and proposal.skill in _up(index, t.request)]
        quoted = f"; drawn: {_examples(drawn)}" if quote_others else ""
        faults.append(
            f"The description also comes up for {score.drawn} of {score.near} requests that are another "
            f"skill's{quoted}. Leave out words that do not tell this skill from others."
        )
    return faults


def _up(index: Index, request: str) -> set[str]:
    return {hit.name for hit in index.find(request)}


def _examples(trials: Sequence[Trial]) -> str:
    return "; ".join(f"“{trial.request[:80]}”" for trial in trials[:SHOWN])


def _others(skill: str, gate: GateContext) -> list[str]:
    found: set[str] = set()
    for name, current in sorted(gate.current.items()):
        if name != skill:
            found.update(cited_requests(refs_of_items(_cited(current)), gate.sessions))
    return sorted(found)


def _cited(current: CurrentSkill) -> list[Item]:
    return current.sidecar.items
