"""`gepa`: the skills of `extractive`, with descriptions that GEPA searched (`skillclaw[gepa]`).

The grader is trigger evaluation: it needs no model, and what it can grade are descriptions. A description is
taken only if requests held out do better with it, and the others no worse. docs/care.md says what it adds.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from skillclaw.evolve.care.describing import GAIN, LEAST, Better, parts_of, with_words
from skillclaw.evolve.care.merging import described_as
from skillclaw.evolve.care.situation import Spoken
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers.extractive import Extractive
from skillclaw.extras import install
from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.gate.context import GateContext
from skillclaw.gate.triggers import Trial, entries_of, evaluate, trials_for
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import DESCRIPTION_MAX
from skillclaw.skills.records import Pattern, Proposal, content_id
from skillclaw.skills.retrieval import Entry, Index

__all__ = ["EVOLVER", "Gepa"]

NAME = "gepa"
MISSING = f"The engine gepa searched nothing: its package is not installed. Add it: {install('gepa')}"


class Gepa:
    """Extractive's proposals, described by search."""

    name = NAME

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        """One proposal at most for each skill, in the order of their names."""
        made = Extractive().propose(patterns, current, context)
        if context.gate is None:
            return made
        try:
            import gepa  # noqa: F401
        except ImportError:
            context.notes.append(MISSING)
            return made
        library = {**current, **_proposed(made)}
        entries = entries_of(library, context.gate.foreign)
        asked = {n: _requests(skill, context.gate) for n, skill in sorted(library.items())}
        found = []
        for proposal in made:
            others = [text for name, texts in asked.items() if name != proposal.skill for text in texts]
            trials = trials_for(asked.get(proposal.skill, ()), others)
            best = _searched(proposal, entries, trials, context, context.gate)
            if best is not None:
                entries[proposal.skill] = Entry(name=proposal.skill, description=best.description)
            found.append(_described(proposal, best) if best is not None else proposal)
        return found


EVOLVER = Gepa()


def _proposed(made: Sequence[Proposal]) -> dict[str, Current]:
    return {
        p.skill: Current(bundle=p.bundle, sidecar=p.sidecar, version=version(p.bundle))
        for p in made
        if p.bundle is not None and p.sidecar is not None
    }


def _requests(skill: Current, gate: GateContext) -> list[str]:
    return cited_requests(refs_of_items(skill.sidecar.items), gate.sessions)


def _searched(
    proposal: Proposal,
    entries: dict[str, Entry],
    trials: Sequence[Trial],
    context: EvolveContext,
    gate: GateContext,
) -> Better | None:
    """The description that the search found, where the test side says that it is better."""
    from skillclaw.evolve.engines.gepa_search import search

    name = proposal.skill
    train, test = [t for t in trials if not t.test], [t for t in trials if t.test]
    enough = min(sum(t.own for t in train), sum(t.own for t in test)) >= LEAST
    if proposal.sidecar is None or not enough:
        return None
    sentences, words = parts_of(entries[name].description)
    keep = Spoken(gate, context.policy, refs_of_items(proposal.sidecar.items), proposal.patterns)
    chosen = search(name, entries, train, keep, lambda said: with_words(sentences, said), words)
    description = with_words(sentences, chosen)
    before = Index(entries.values())
    after = Index({**entries, name: Entry(name=name, description=description)}.values())
    found = Better(
        description=description,
        train=(evaluate(name, before, train), evaluate(name, after, train)),
        test=(evaluate(name, before, test), evaluate(name, after, test)),
    )
    better = found.test[1].value - found.test[0].value >= GAIN
    worse = found.train[1].value < found.train[0].value
    return found if better and not worse and len(description) <= DESCRIPTION_MAX else None


def _described(proposal: Proposal, best: Better) -> Proposal:
    assert proposal.bundle is not None and proposal.sidecar is not None
    bundle, items = described_as(proposal.bundle, proposal.sidecar.items, best.description)
    return msgspec.structs.replace(
        proposal,
        id=content_id("proposal", proposal.id, NAME, version(bundle)),
        engine=NAME,
        why=f"{proposal.why} Its description was searched: {best.text()}.",
        bundle=bundle,
        sidecar=msgspec.structs.replace(proposal.sidecar, engine=NAME, items=items, version=version(bundle)),
    )
