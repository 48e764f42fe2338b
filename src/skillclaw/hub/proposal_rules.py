"""The rules of the log about proposals: made, judged, voted on, approved, and let through. Pure.

A rule gives the next state or raises Void with the reason, as in rules.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from skillclaw.errors import BadInputError
from skillclaw.hub import kinds, membership
from skillclaw.hub.approval import PEOPLE, approved, missing, policy_of, waits_for_people
from skillclaw.hub.records import Commit, HubState, Key, ProposalState, Vote
from skillclaw.hub.releasing import check_place, retired
from skillclaw.hub.void import Void
from skillclaw.skills.bundle import check_name

__all__ = ["RULES", "check_skill_name", "known", "let_through"]


def _proposal(state: HubState, commit: Commit, signer: Key, body: kinds.ProposalEntry) -> HubState:
    if body.id in state.proposals:
        raise Void("the proposal is in the log already")
    check_skill_name(body.skill)
    if (body.version is None) != (body.action == "retire"):
        raise Void("a proposal has a version, unless it retires a skill")
    check_place(state, body)
    if body.author is not None:
        said = (body.id, body.skill, body.action, body.base, body.version)
        membership.said_by(state, body.author, body.sig, "proposal", *said)
        # Else a member could take the id that the evolver is going to give one of its own.
        if not body.id.startswith(f"m-{body.author[:8]}-"):
            raise Void("the id of a member's proposal begins with m- and its key")
    proposal = ProposalState(
        id=body.id,
        skill=body.skill,
        action=body.action,
        base=body.base,
        object=body.object,
        version=body.version,
        status="open",
        by=commit.signer,
        author=body.author,
        seq=commit.seq,
        time=commit.time,
        scope=body.scope,
        project=body.project,
        retires=retired(body.retires),
    )
    return _with_proposal(state, proposal)


def _verdict(state: HubState, commit: Commit, signer: Key, body: kinds.VerdictEntry) -> HubState:
    proposal = known(state, body.proposal)
    # what was held can only be let through by people, so it never becomes `passed`
    allowed = {"open": ("passed", "held", "rejected"), "held": ("held", "rejected"), "passed": ("rejected",)}
    if body.status not in allowed.get(proposal.status, ()):
        raise Void(f"a proposal that is {proposal.status} cannot become {body.status}")
    judged = replace(proposal, status=body.status, verdicts=body.verdicts, judged_by=commit.signer)
    return _with_proposal(state, judged)


def _vote(state: HubState, commit: Commit, signer: Key, body: kinds.VoteEntry) -> HubState:
    proposal = known(state, body.proposal)
    if proposal.status in ("rejected", "released"):
        raise Void(f"a proposal that is {proposal.status} is not voted on")
    said = (body.proposal, body.vote, body.reason, body.n)
    who = membership.said_by(state, body.public, body.sig, "vote", *said).member
    before = proposal.votes.get(who)
    if before is not None and before.n >= body.n:
        raise Void("the member said something later already")
    vote = Vote(vote=body.vote, reason=body.reason, n=body.n)
    return _with_proposal(state, replace(proposal, votes={**proposal.votes, who: vote}))


def _approval(state: HubState, commit: Commit, signer: Key, body: kinds.Approval) -> HubState:
    proposal = known(state, body.proposal)
    if proposal.status not in ("held", "passed"):
        raise Void(f"a proposal that is {proposal.status} cannot be approved")
    if signer.member in {membership.member(state, public) for public in proposal.approvals}:
        raise Void("the same key approved it already")
    notes = {**proposal.notes, signer.public: body.note} if body.note else proposal.notes
    approvals, at = [*proposal.approvals, signer.public], [*proposal.approved_at, commit.seq]
    return _with_proposal(state, replace(proposal, approvals=approvals, approved_at=at, notes=notes))


RULES: dict[str, Callable[[HubState, Commit, Key, Any], HubState]] = {
    "proposal": _proposal,
    "verdict": _verdict,
    "vote": _vote,
    "approval": _approval,
}


def let_through(
    state: HubState,
    signer: Key,
    proposal_id: str | None,
    skill: str,
    base: str | None,
    version: str | None,
    others: Sequence[str] = (),
) -> HubState:
    """The state with the proposal released; raises Void where people have not let it through. `others` are
    skills that it takes in."""
    policy = policy_of(state.settings, skill, *others)
    if proposal_id is None:
        if policy != "solo" and signer.role not in PEOPLE:
            raise Void(f"under policy {policy} only people release without a proposal")
        return state
    proposal = known(state, proposal_id)
    if (proposal.skill, proposal.base, proposal.version) != (skill, base, version):
        raise Void("skill, base or version differ from the proposal's")
    if proposal.status not in ("passed", "held"):
        raise Void(f"a proposal that is {proposal.status} cannot be released")
    if waits_for_people(state, proposal, policy) and not approved(state, proposal):
        left = missing(state, proposal)
        raise Void(f"the proposal waits for the approval of {_people(left)}")
    return _with_proposal(state, replace(proposal, status="released"))


def known(state: HubState, proposal_id: str) -> ProposalState:
    """The proposal; Void where there is none."""
    proposal = state.proposals.get(proposal_id)
    if proposal is None:
        raise Void("there is no such proposal")
    return proposal


def check_skill_name(name: str) -> None:
    """Void where a skill cannot have that name."""
    try:
        check_name(name)
    except BadInputError as error:
        raise Void(error.why) from error


def _people(count: int) -> str:
    return "an owner or a reviewer" if count == 1 else f"{count} owners or reviewers"


def _with_proposal(state: HubState, proposal: ProposalState) -> HubState:
    return replace(state, proposals={**state.proposals, proposal.id: proposal})
