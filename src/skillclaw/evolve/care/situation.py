"""What the care of a library looks at, gathered once for a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from skillclaw.evolve.effects import SkillEffect
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.state import EvolveState
from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.gate.context import GateContext
from skillclaw.gate.policies import Policy
from skillclaw.gate.triggers import Trial, entries_of, trials_for
from skillclaw.hub.records import HubState
from skillclaw.skills.records import Item, Pattern, Proposal, Ref
from skillclaw.skills.retrieval import Entry, Index
from skillclaw.skills.vocabulary import content_words

__all__ = ["Situation", "Spoken"]


@dataclass(frozen=True)
class Situation:
    """The library as it will be if what the engine proposed is released, with what is known of its use.

    current    the skills that the hub makes available now
    proposals  what the engine proposed in this cycle: their skills are left to it
    patterns   all patterns of the cycle
    notes      sentences for the user, added to as care goes on
    """

    current: dict[str, Current]
    proposals: Sequence[Proposal]
    patterns: Sequence[Pattern]
    effects: Sequence[SkillEffect]
    memory: EvolveState
    state: HubState
    context: EvolveContext
    gate: GateContext
    notes: list[str] = field(default_factory=list)

    def but(self, current: dict[str, Current], proposals: Sequence[Proposal]) -> Situation:
        """The same with other skills and proposals; what was read of the skills that stay is kept."""
        other = replace(self, current=current, proposals=proposals)
        known = {name: texts for name, texts in self.requests.items() if name in current}
        other.__dict__["requests"] = known
        return other

    def renamed(self, descriptions: Mapping[str, str]) -> Situation:
        """The same where some skills are described otherwise in the agent's list."""
        other = self.but(self.current, self.proposals)
        fresh = {name: Entry(name=name, description=text) for name, text in descriptions.items()}
        other.__dict__["entries"] = {**self.entries, **fresh}
        return other

    @cached_property
    def busy(self) -> frozenset[str]:
        """Skills that care leaves alone: those with a proposal of this cycle, and pinned ones."""
        pinned = {name for name, skill in self.current.items() if skill.pinned}
        return frozenset(pinned | {proposal.skill for proposal in self.proposals})

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """What an agent's list shows, of all skills."""
        return entries_of(self.current, self.gate.foreign)

    @cached_property
    def index(self) -> Index:
        """The same, to be asked."""
        return Index(self.entries.values())

    @cached_property
    def requests(self) -> dict[str, list[str]]:
        """For each current skill what users asked in the sessions that it cites."""
        return {name: self._requests(skill) for name, skill in sorted(self.current.items())}

    def _requests(self, skill: Current) -> list[str]:
        return cited_requests(refs_of_items(skill.sidecar.items), self.gate.sessions)

    def trials(self, *names: str) -> list[Trial]:
        """The trials of a skill; of several names those of the skill that they would make together."""
        own = [text for name in names for text in self.requests[name]]
        others = [text for name, texts in self.requests.items() if name not in names for text in texts]
        return trials_for(own, others)

    @cached_property
    def by_id(self) -> dict[str, Pattern]:
        """The patterns by id."""
        return {pattern.id: pattern for pattern in self.patterns}

    def spoken(self, items: Sequence[Item]) -> Spoken:
        """Which words the people behind these items use."""
        known = sorted({p for item in items for p in item.patterns if p in self.by_id})
        patterns = [self.by_id[pattern] for pattern in known]
        return Spoken(self.gate, self.context.policy, refs_of_items(items), patterns)

    def scope(self, name: str) -> tuple[str, str | None]:
        """Where the current version of a skill holds."""
        skill = self.state.skills.get(name)
        release = skill.release(skill.current) if skill is not None and skill.current else None
        return (release.scope, release.project) if release is not None else ("global", None)


class Spoken:
    """Says of a word whether enough sessions of enough people have it, in requests or in what they are about.

    Where `patterns` say how people ask, values taken out, a word has to be in that: names of people and
    things are values.
    """

    def __init__(
        self, gate: GateContext, policy: Policy, refs: Sequence[Ref], patterns: Sequence[Pattern]
    ) -> None:
        self._policy = policy
        grounds = [(ref, gate.grounds(ref.session)) for ref in refs]
        self._sources = [g for ref, g in grounds if g is not None and g.user == ref.user]
        intents = [pattern.intent for pattern in patterns if pattern.intent is not None]
        labels = [text for intent in intents for text in (intent.label, *intent.examples)]
        self._asked = frozenset(word for text in labels for word in content_words(text))

    def __call__(self, word: str) -> bool:
        words = frozenset(content_words(word))
        if not words or (self._asked and not words <= self._asked):
            return False
        yes = [source for source in self._sources if source.said_words(words) == words]
        return len(yes) >= self._policy.sessions and len({s.user for s in yes}) >= self._policy.users
