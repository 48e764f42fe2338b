"""Who has to approve a proposal, and who did. Pure: the fold, clients and commands ask the same.

A group's settings say its `policy`, `policies` of single skills, which can only be stricter, and `reviewers`:
how many different people have to approve what needs people at all. Where it is two, nobody counts for what
they wrote themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from skillclaw.hub.membership import member
from skillclaw.hub.records import HubState, ProposalState
from skillclaw.skills.records import Retired

__all__ = [
    "OUTDATED",
    "PEOPLE",
    "approved",
    "approved_since",
    "approvers",
    "author",
    "deciders",
    "ends_archived",
    "fresh",
    "last_taken",
    "missing",
    "needed",
    "outdated",
    "overtaken_by",
    "policy_of",
    "said_after",
    "stricter",
    "too_late",
    "waits_for_people",
]

PEOPLE = ("owner", "reviewer")
"""Roles of people who decide."""
OUTDATED = "outdated"
"""What stands for a check where a proposal ends since its skill became another: nothing speaks against it."""
_ORDER = ("solo", "team", "strict")


def stricter(names: Iterable[object]) -> str:
    """The strictest of these policies; what is none counts as `solo`."""
    known = [_ORDER.index(name) for name in names if isinstance(name, str) and name in _ORDER]
    return _ORDER[max(known, default=0)]


def policy_of(settings: Mapping[str, Any], *skills: str, default: str = "solo") -> str:
    """The policy under which these skills change together (a merge takes others in); `default` where the
    settings name none."""
    by_skill = settings.get("policies")
    own = [by_skill.get(skill) for skill in skills] if isinstance(by_skill, dict) else []
    return stricter([settings.get("policy", default), *own])


def needed(settings: Mapping[str, Any]) -> int:
    """How many different people have to approve what needs people: 1, or 2 (the two-person rule)."""
    return 2 if settings.get("reviewers") == 2 else 1


def deciders(state: HubState) -> set[str]:
    """The members who may approve by now: owners and reviewers whose keys count."""
    return {key.member for key in state.keys.values() if key.role in PEOPLE and key.active}


def author(state: HubState, proposal: ProposalState) -> str | None:
    """The member who wrote the proposal; None where no person is known to have."""
    if proposal.author is not None:
        return member(state, proposal.author)
    key = state.keys.get(proposal.by)
    return key.member if key is not None and key.role in PEOPLE else None


def _said_by_people(state: HubState, proposal: ProposalState) -> bool:
    """Whether a person wrote the proposal, or gave its verdict, in the evolver's place."""
    judge = state.keys.get(proposal.judged_by)
    return author(state, proposal) is not None or (judge is not None and judge.role in PEOPLE)


def waits_for_people(state: HubState, proposal: ProposalState, policy: str) -> bool:
    """Whether only people's approval lets it through. Where two have to decide, one of them saying `passed`
    of a text is no way round the other."""
    if proposal.status == "passed":
        return policy == "strict" or (needed(state.settings) > 1 and _said_by_people(state, proposal))
    return proposal.status == "held"


def outdated(state: HubState, proposal: ProposalState, instead: Retired | None = None) -> str:
    """The first skill that is another by now than the proposal changes or takes in, so that the log releases
    it no more; empty where there is none. `instead` is its record's, of which the log knows nothing."""
    others = [*proposal.retires, *([instead] if instead is not None else [])]
    builds_on = [(proposal.skill, proposal.base), *((one.skill, one.version) for one in others)]
    skills = state.skills
    now = ((name, base, skills[name].current if name in skills else None) for name, base in builds_on)
    return next((name for name, base, current in now if base != current), "")


def ends_archived(state: HubState, proposal: ProposalState) -> bool:
    """Whether a proposal retires a skill that has no current version already, which people may yet agree to:
    so that it stays away, also where an evolver undoes what archived it."""
    skill = state.skills.get(proposal.skill)
    return proposal.action == "retire" and skill is not None and skill.current is None


def approvers(state: HubState, proposal: ProposalState, people: int | None = None) -> list[str]:
    """The members whose approvals count where so many `people` have to approve (None: as the settings say by
    now): owners and reviewers whose keys were not revoked, each once."""
    people = needed(state.settings) if people is None else people
    own = author(state, proposal) if people > 1 else None
    keys = [state.keys[public] for public in proposal.approvals if public in state.keys]
    found = [key.member for key in keys if key.role in PEOPLE and not key.revoked and key.member != own]
    return list(dict.fromkeys(found))


def missing(state: HubState, proposal: ProposalState, people: int | None = None) -> int:
    """How many more people have to approve the proposal, if it needs people."""
    people = needed(state.settings) if people is None else people
    return max(0, people - len(approvers(state, proposal, people)))


def last_taken(state: HubState, *skills: str) -> int:
    """The entry by which people last took a version of one of these skills away, 0 for none."""
    return max((state.skills[name].taken_at for name in skills if name in state.skills), default=0)


def said_after(proposal: ProposalState, since: int) -> ProposalState:
    """The proposal with those approvals alone that came after the entry `since`."""
    kept = [(key, at) for key, at in zip(proposal.approvals, proposal.approved_at, strict=True) if at > since]
    return replace(proposal, approvals=[key for key, _ in kept], approved_at=[at for _, at in kept])


def approved_since(state: HubState, proposal: ProposalState, since: int, people: int) -> ProposalState | None:
    """The same, where as many approved it after that entry as have to; else None."""
    late = said_after(proposal, since)
    return late if approved(state, late, people) else None


def fresh(state: HubState, proposal: ProposalState) -> ProposalState:
    """The proposal with the approvals that count by now: those since people last took something away that it
    changes or takes in; of one that retires a skill those since they last said which version is there."""
    skill = state.skills.get(proposal.skill)
    if proposal.action == "retire":
        return said_after(proposal, skill.back_at if skill is not None else 0)
    return said_after(
        proposal, last_taken(state, proposal.skill, *(gone.skill for gone in proposal.retires or []))
    )


def overtaken_by(state: HubState, proposal: ProposalState) -> str:
    """Of the skills that it changes or takes in the one of which people took something away last."""
    names = [proposal.skill, *(gone.skill for gone in proposal.retires or [])]
    return max(names, key=lambda name: last_taken(state, name))


def too_late(state: HubState, proposal: ProposalState) -> bool:
    """Whether it can be approved no more: too few people are left who did not approve it before people took
    something of it away, since who approved it does not so again."""
    late = fresh(state, proposal)
    said = {member(state, public) for public in proposal.approvals}
    own = {author(state, proposal)} if needed(state.settings) > 1 else set()
    return len(late.approvals) < len(proposal.approvals) and missing(state, late) > len(
        deciders(state) - said - own
    )


def approved(state: HubState, proposal: ProposalState, people: int | None = None) -> bool:
    """Whether as many people approved the proposal as have to."""
    return missing(state, proposal, people) == 0
