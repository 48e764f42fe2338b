"""Trigger evaluation: does a description bring its skill up for the requests it is meant for, and only those?

Requests are real ones: what users asked in the sessions that a skill's lines cite are its own, and those of
other skills' sessions that are most like its own are the near misses. The hash of a request says on which
side of the split it lies, so that the split is the same in every cycle. Requests are asked of all skills that
an agent would see, ours and those that SkillClaw did not write (`skills.retrieval`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from skillclaw.errors import BadInputError
from skillclaw.evolve.cited import cited_requests, refs_of_items
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.gate.context import CurrentSkill, ForeignSkill, GateContext
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Bundle, Item, Proposal
from skillclaw.skills.retrieval import Entry, Index, telling
from skillclaw.trajectory.model import Record

__all__ = [
    "Trial",
    "TriggerScore",
    "description_of",
    "entries_of",
    "evaluate",
    "on_test",
    "trials_for",
    "trigger_faults",
]

TEST = 40
"""Percent of requests that are held out: no description is chosen by them."""

NEAR = 60
"""Near misses of one skill, at most."""

LEAST = 3
"""Requests of its own below which a skill's description is not judged."""

RECALL, PRECISION = 0.5, 0.7
"""Below these an author is told that a description misses its requests, or draws others'."""

SHOWN = 2
"""Requests that a fault names as examples."""


class Trial(Record, frozen=True, kw_only=True):
    """A request, and whether the skill should come up for it; `test`: held out."""

    request: str
    own: bool
    test: bool


class TriggerScore(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How a description did. `own` requests that it is meant for, `found` of them; `near` misses, `drawn` of
    them. A rate that cannot be computed is None: not measured.
    """

    own: int = 0
    found: int = 0
    near: int = 0
    drawn: int = 0

    @property
    def recall(self) -> float | None:
        """Share of its own requests that bring it up."""
        return self.found / self.own if self.own else None

    @property
    def precision(self) -> float | None:
        """Share of its own among the requests that bring it up; None where no near miss was there to draw."""
        hits = self.found + self.drawn
        return self.found / hits if hits and self.near else None

    @property
    def value(self) -> float:
        """One number to compare descriptions by (F1)."""
        total = self.own + self.found + self.drawn
        return 2 * self.found / total if total else 0.0

    def text(self) -> str:
        """For people: `found 12 of 14 own requests, drew 1 of 9 near misses`."""
        near = f"drew {self.drawn} of {self.near} near misses" if self.near else "near misses: not measured"
        return f"found {self.found} of {self.own} own requests, {near}" if self.own else "not measured"


def on_test(request: str) -> bool:
    """On which side of the split a request lies: the same for requests that differ in values only."""
    key = " ".join(sorted(set(telling(request)))) or request
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100 < TEST


def trials_for(own: Iterable[str], others: Iterable[str], limit: int = NEAR) -> list[Trial]:
    """The trials of one skill: its own requests, and of `others` the nearest ones to any of these.

    A request that is among both is its own. The nearest are those most like an own request; where there are
    few, all others are taken.
    """
    mine = sorted(set(own))
    index = Index(Entry(name=str(number), description=text) for number, text in enumerate(mine))
    ranked = []
    for text in sorted(set(others) - set(mine)):
        hits = index.ranked(text)
        ranked.append((-hits[0].score if hits else 0.0, text))
    near = sorted(text for _, text in sorted(ranked)[:limit])
    return [
        *(Trial(request=text, own=True, test=on_test(text)) for text in mine),
        *(Trial(request=text, own=False, test=on_test(text)) for text in near),
    ]


def evaluate(name: str, index: Index, trials: Iterable[Trial]) -> TriggerScore:
    """How the skill `name` of the index does on these trials."""
    own = found = near = drawn = 0
    for trial in trials:
        up = any(hit.name == name for hit in index.find(trial.request))
        own, found = own + trial.own, found + (trial.own and up)
        near, drawn = near + (not trial.own), drawn + (not trial.own and up)
    return TriggerScore(own=own, found=found, near=near, drawn=drawn)


def description_of(bundle: Bundle) -> str:
    """The description in the frontmatter; empty where that cannot be read."""
    try:
        return parse(markdown(bundle).get("SKILL.md", ""))[0].description
    except BadInputError:
        return ""


def entries_of(current: Mapping[str, CurrentSkill], foreign: Sequence[ForeignSkill]) -> dict[str, Entry]:
    """What an agent's list shows: our skills, and those of others that have not the same name."""
    found = {one.name: Entry(name=one.name, description=description_of(one.bundle)) for one in foreign}
    found |= {
        name: Entry(name=name, description=description_of(skill.bundle)) for name, skill in current.items()
    }
    return {name: found[name] for name in sorted(found)}


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
