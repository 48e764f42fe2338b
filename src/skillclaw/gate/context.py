"""What the checks look at besides the proposal itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from skillclaw.gate.cited import cited_requests, refs_of_items
from skillclaw.gate.grounds import Grounds, read_grounds
from skillclaw.gate.policies import Policy
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.gate.standing import MemberFacts, Standing, enough, weighed
from skillclaw.gate.trail import Trail, read_trail
from skillclaw.gate.voting import Voting
from skillclaw.hub.unapproved import Finder
from skillclaw.skills.records import Bundle, Proposal, Ref, Sidecar
from skillclaw.trajectory.model import Record, Trajectory

__all__ = ["CurrentSkill", "Fault", "ForeignSkill", "GateContext", "Masker", "Replayer", "SessionSource"]


class Masker(Protocol):
    """What finds secrets and personal data (`journal.redact.Redactor`)."""

    def text(self, text: str, /) -> tuple[str, Counter[str]]:
        """`text` with placeholders, and how many of each kind were put in."""


class CurrentSkill(Protocol):
    """A skill that the hub makes available now."""

    @property
    def bundle(self) -> Bundle:
        """Its files."""

    @property
    def sidecar(self) -> Sidecar:
        """Its items with their evidence."""

    @property
    def version(self) -> str:
        """The hash of its files."""


class ForeignSkill(Protocol):
    """A skill on this machine that SkillClaw did not write."""

    @property
    def name(self) -> str:
        """Its folder's name."""

    @property
    def bundle(self) -> Bundle:
        """Its files."""


class Fault(Record, frozen=True, kw_only=True):
    """One line of a proposal that a check does not let through, and why (a sentence for the user)."""

    item: str
    reason: str


Replayer = Callable[[Proposal], ReplayResult]
"""Tries a proposal, within a budget; says in the result what it could not try and why."""

SessionSource = Callable[[str], Trajectory | None]
"""From a session's key to its trajectory; None where it is gone (expired, forgotten)."""


Unseen = Callable[[Proposal, Finder], Collection[str]]
"""From a change, and what finds something in a skill, to what of that nobody approved in the version before,
or not for the place that the change is for."""


@dataclass(frozen=True)
class GateContext:
    """Everything that a check may ask. One context serves all proposals of a cycle: what a session grounds
    is read once and kept.

    policy    what the group asks
    current   skills of the hub by name, with `bundle`, `sidecar`, `version`
    foreign   skills in the agents' folders that SkillClaw did not write
    redactor  finds secrets and personal data
    sessions  the sessions that evidence refers to; a reference to one that is gone supports nothing
    replayer  tries the proposal on cases that it was not made from; None where no replay is set up. It is
              asked only where no cheaper check rejects, since it costs
    members   what the group's log says of its members, by the user that their sessions name; none on one's
              own hub
    voting    how the votes of members' machines stand; None where nobody is asked
    unseen    what of a current skill nobody approved of what people have to see; nothing where the log is not
              asked, as of what a person proposes, which waits for a person anyway
    """

    policy: Policy
    redactor: Masker
    sessions: SessionSource
    current: Mapping[str, CurrentSkill] = field(default_factory=dict)
    foreign: Sequence[ForeignSkill] = ()
    replayer: Replayer | None = None
    members: Mapping[str, MemberFacts] = field(default_factory=dict)
    voting: Voting | None = None
    unseen: Unseen = lambda proposal, find: frozenset()

    @cached_property
    def _grounds(self) -> dict[str, Grounds | None]:
        return {}

    def under(self, policy: Policy) -> GateContext:
        """The same for a skill that another policy holds for."""
        return self if policy == self.policy else self._other(policy=policy)

    def with_replayer(self, replayer: Replayer | None) -> GateContext:
        """The same with a replay."""
        return self._other(replayer=replayer)

    def _other(self, **changes: Any) -> GateContext:
        """The same but for `changes`; what was read of sessions is read once for both."""
        other = replace(self, **changes)
        for name in ("_grounds", "_trails", "_requests"):
            other.__dict__[name] = getattr(self, name)
        return other

    def grounds(self, session: str) -> Grounds | None:
        """What the session with this key grounds; None where it is gone."""
        known = self._grounds
        if session not in known:
            trajectory = self.sessions(session)
            known[session] = read_grounds(trajectory) if trajectory is not None else None
        return known[session]

    def sources(self, refs: Iterable[Ref]) -> list[Grounds]:
        """The sessions that `refs` really stand for, each once: one counts if it is there and belongs to the
        person that the reference names."""
        found = {}
        for ref in refs:
            grounds = self.grounds(ref.session)
            if grounds is not None and grounds.user == ref.user:
                found[ref.session] = grounds
        return [found[session] for session in sorted(found)]

    @cached_property
    def _trails(self) -> dict[str, Trail | None]:
        return {}

    def trail(self, session: str) -> Trail | None:
        """Where what the agent did in the session with this key came from; None where the session is gone."""
        known = self._trails
        if session not in known:
            trajectory = self.sessions(session)
            known[session] = read_trail(trajectory) if trajectory is not None else None
        return known[session]

    def standing(self, sources: Iterable[Grounds]) -> Standing:
        """What these sessions weigh together, by who their people are."""
        return weighed(((one.user, one.day) for one in sources), self.policy, self.members)

    def enough(self, sources: Iterable[Grounds]) -> bool:
        """Whether these sessions are the support that the policy asks for."""
        return enough(self.standing(sources), self.policy)

    def waits(self, proposal: Proposal) -> bool:
        """Whether votes of members' machines are waited for."""
        found = self.voting(proposal) if self.voting is not None and proposal.bundle is not None else None
        return found is not None and found[0].state == "wait"

    @cached_property
    def _requests(self) -> dict[str, list[str]]:
        return {}

    def requests(self, skill: str) -> list[str]:
        """What users asked in the sessions that the lines of a current skill cite."""
        known = self._requests
        if skill not in known:
            items = self.current[skill].sidecar.items
            known[skill] = cited_requests(refs_of_items(items), self.sessions)
        return known[skill]

    def base(self, proposal: Proposal) -> CurrentSkill | None:
        """The version that the proposal changes."""
        return self.current.get(proposal.skill) if proposal.base else None
