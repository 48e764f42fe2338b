"""What each kind of commit needs and does, given a state whose log holds so far. Pure.

`apply` is called with a commit whose signature and place in the chain were checked (log.py). Each rule gives
the next state or raises Void with the reason; docs/hub-log.md lists the same rules for people. Here are those
about skills and proposals; who belongs to the group is in membership.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from skillclaw.errors import BadInputError
from skillclaw.hub import counts, kinds, membership
from skillclaw.hub.approval import PEOPLE, approved, missing, needed, policy_of
from skillclaw.hub.records import Commit, HubState, Key, ProposalState, Release, SkillState, Vote
from skillclaw.hub.releasing import check_place, check_release, retired
from skillclaw.hub.story import event, told
from skillclaw.hub.void import Void
from skillclaw.skills.bundle import check_name
from skillclaw.skills.records import Effect

__all__ = ["ROLES", "Void", "apply"]


OWNER, EVOLVER, REVIEWER = "owner", "evolver", "reviewer"
WRITERS = (OWNER, EVOLVER, REVIEWER)

ROLES: dict[str, tuple[str, ...]] = {
    "settings": (OWNER,),
    "key-add": (OWNER,),
    "key-revoke": (OWNER,),
    "invite": (OWNER,),
    "uninvite": (OWNER,),
    "join": WRITERS,
    "leave": WRITERS,
    "rotate": WRITERS,
    "proposal": WRITERS,
    "verdict": WRITERS,
    "vote": WRITERS,
    "counts": WRITERS,
    "approval": PEOPLE,
    "release": WRITERS,
    "promote": WRITERS,
    "rollback": WRITERS,
    "pin": PEOPLE,
    "archive": WRITERS,
    "revoke": WRITERS,
    "tombstone": WRITERS,
}
"""Who may sign a commit of which kind. Members and importers may not write the log at all."""


def apply(state: HubState, commit: Commit) -> HubState:
    """The state after `commit`; its seq, head and void are the caller's. Raises Void."""
    signer = state.keys.get(commit.signer)
    if signer is None:
        raise Void("its signer is not a key of this group")
    if signer.revoked:
        raise Void("its signer's key was revoked")
    if not signer.active:
        raise Void("its signer's key was replaced" if signer.replaced else "its signer left the group")
    if commit.kind not in ROLES:
        raise Void(f"{commit.kind!r} is not a kind of commit")
    if signer.role not in ROLES[commit.kind]:
        raise Void(f"a key of role {signer.role} may not sign {commit.kind}")
    try:
        said = kinds.body_of(commit.kind, commit.body, commit.v)
        body = msgspec.convert(said, kinds.BODIES[commit.kind])
    except msgspec.ValidationError as error:
        raise Void(f"its body is wrong: {error}") from error
    return _RULES[commit.kind](state, commit, signer, body)


def _settings(state: HubState, commit: Commit, signer: Key, body: kinds.SettingsEntry) -> HubState:
    merged = {**state.settings, **kinds.body_of(commit.kind, commit.body, commit.v)}
    return replace(state, settings={key: value for key, value in merged.items() if value is not None})


def _proposal(state: HubState, commit: Commit, signer: Key, body: kinds.ProposalEntry) -> HubState:
    if body.id in state.proposals:
        raise Void("the proposal is in the log already")
    _check_name(body.skill)
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
    proposal = _known(state, body.proposal)
    # what was held can only be let through by people, so it never becomes `passed`
    allowed = {"open": ("passed", "held", "rejected"), "held": ("held", "rejected"), "passed": ("rejected",)}
    if body.status not in allowed.get(proposal.status, ()):
        raise Void(f"a proposal that is {proposal.status} cannot become {body.status}")
    judged = replace(proposal, status=body.status, verdicts=body.verdicts, judged_by=commit.signer)
    return _with_proposal(state, judged)


def _vote(state: HubState, commit: Commit, signer: Key, body: kinds.VoteEntry) -> HubState:
    proposal = _known(state, body.proposal)
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
    proposal = _known(state, body.proposal)
    if proposal.status not in ("held", "passed"):
        raise Void(f"a proposal that is {proposal.status} cannot be approved")
    if signer.member in {membership.member(state, public) for public in proposal.approvals}:
        raise Void("the same key approved it already")
    notes = {**proposal.notes, signer.public: body.note} if body.note else proposal.notes
    approvals = [*proposal.approvals, signer.public]
    return _with_proposal(state, replace(proposal, approvals=approvals, notes=notes))


def _release(state: HubState, commit: Commit, signer: Key, body: kinds.ReleaseEntry) -> HubState:
    _check_name(body.skill)
    skill = state.skills.get(body.skill) or SkillState(name=body.skill, current=None, stage="archived")
    _check_base(skill, body.base)
    _check_pinned(skill, signer)
    if body.version == skill.current:
        raise Void("the version is current already")
    if _revoked(skill, body.version):
        raise Void("the version was revoked")
    if (body.scope == "project") != (body.project is not None):
        raise Void("a project is named where the scope is project, and only there")
    if body.share is not None and body.stage != "canary":
        raise Void("only a canary has a share")
    if body.proposal is None and needed(state.settings) > 1 and skill.release(body.version) is None:
        raise Void(
            "where two people decide, only a version that was released before comes without a proposal"
        )
    others, before = [gone.skill for gone in body.retires], state
    state = _release_proposal(state, signer, body.proposal, body.skill, body.base, body.version, others)
    check_release(before, signer, body)
    release = Release(
        skill=body.skill,
        version=body.version,
        object=body.object,
        sidecar=body.sidecar,
        base=body.base,
        proposal=body.proposal,
        stage=body.stage,
        seq=commit.seq,
        time=commit.time,
        scope=body.scope,
        project=body.project,
        retires=retired(body.retires),
        share=body.share,
        began=body.stage,
        reviewers=needed(state.settings),
        by=commit.signer,
    )
    skill = replace(skill, current=body.version, stage=body.stage, releases=[*skill.releases, release])
    state = _with_skill(state, skill)
    for gone in body.retires:
        if gone.skill == body.skill or body.proposal is None:
            raise Void("a release retires other skills, by a proposal")
        if _known(state, body.proposal).action != "merge":
            raise Void("only a merge retires other skills, which is what people approved")
        other = _skill(state, gone.skill)
        _check_base(other, gone.version)
        _check_pinned(other, signer)
    # A canary may yet be rolled back: until it is stable, what it takes in stays.
    return state if body.stage == "canary" else _retire(state, commit, release)


def _retire(state: HubState, commit: Commit, release: Release) -> HubState:
    """The state without the skills that the release took in; one that changed or was pinned since stays."""
    for gone in release.retires:
        other = state.skills.get(gone.skill)
        if other is not None and other.current == gone.version and not other.pinned:
            other = told(other, event(commit, "archive", skill=release.skill), gone.version)
            state = _with_skill(state, replace(other, current=None, stage="archived"))
    return state


def _restore(state: HubState, commit: Commit, release: Release) -> HubState:
    """The state with the skills that the release took in, where nothing else became of them."""
    for gone in release.retires:
        other = state.skills.get(gone.skill)
        before = other.release(gone.version) if other is not None else None
        if other is not None and before is not None and (other.current, other.stage) == (None, "archived"):
            other = told(other, event(commit, "return", skill=release.skill), gone.version)
            state = _with_skill(state, replace(other, current=gone.version, stage=before.stage))
    return state


def _promote(state: HubState, commit: Commit, signer: Key, body: kinds.Promote) -> HubState:
    skill = _skill(state, body.skill)
    _check_base(skill, body.base)
    if body.version != skill.current:
        raise Void("only the current version can be promoted")
    if skill.stage == body.stage:
        raise Void(f"the version is {body.stage} already")
    last = max(i for i, release in enumerate(skill.releases) if release.version == body.version)
    releases = [*skill.releases]
    releases[last] = replace(releases[last], stage=body.stage)
    now = event(commit, "promote", stage=body.stage, why=body.why, effect=_effect(body.effect))
    state = _with_skill(state, told(replace(skill, stage=body.stage, releases=releases), now, body.version))
    return _retire(state, commit, releases[last])


def _rollback(state: HubState, commit: Commit, signer: Key, body: kinds.Rollback) -> HubState:
    skill = _skill(state, body.skill)
    _check_base(skill, body.base)
    _check_pinned(skill, signer)
    undone = skill.release(skill.current) if skill.current is not None else None
    older = [one.version for one in skill.releases if undone is not None and one.seq < undone.seq]
    if signer.role == EVOLVER and body.version is not None and body.version not in older:
        # else a stolen key brings back what people took back, though they approve every change
        raise Void("an evolver goes back to what was released before, never forward")
    if undone is not None and body.version == undone.base:
        state = _restore(state, commit, undone)
    now = event(commit, "rollback", to=body.version, why=body.why, effect=_effect(body.effect))
    skill = told(skill, now, body.base)
    if body.version is None:
        return _with_skill(state, replace(skill, current=None, stage="archived"))
    if body.version == skill.current:
        raise Void("the version is current already")
    target = skill.release(body.version)
    if target is None:
        raise Void("the version was never released")
    if _revoked(skill, body.version):
        raise Void("the version was revoked")
    skill = told(skill, event(commit, "return", to=body.base), body.version)
    return _with_skill(state, replace(skill, current=body.version, stage=target.stage))


def _pin(state: HubState, commit: Commit, signer: Key, body: kinds.Pin) -> HubState:
    return _with_skill(state, replace(_skill(state, body.skill), pinned=body.pinned))


def _archive(state: HubState, commit: Commit, signer: Key, body: kinds.Archive) -> HubState:
    skill = _skill(state, body.skill)
    _check_base(skill, body.base)
    _check_pinned(skill, signer)
    if body.proposal is not None:
        state = _release_proposal(state, signer, body.proposal, body.skill, body.base, None)
    skill = told(skill, event(commit, "archive", proposal=body.proposal, why=body.why), body.base)
    return _with_skill(state, replace(skill, current=None, stage="archived"))


def _revoke(state: HubState, commit: Commit, signer: Key, body: kinds.Revoke) -> HubState:
    skill = _skill(state, body.skill)
    hit = [release for release in skill.releases if body.version in (None, release.version)]
    if not hit or all(release.stage == "revoked" for release in hit):
        raise Void("there is no such version, or it was revoked already")
    releases = [replace(r, stage="revoked") if r in hit else r for r in skill.releases]
    fresh = {release.seq for release in hit if release.stage != "revoked"}
    now = event(commit, "revoke", why=body.why)
    skill = told(replace(skill, releases=releases), now, lambda release: release.seq in fresh)
    if any(release.version == skill.current for release in hit):
        skill = replace(skill, current=None, stage="revoked")
    return _with_skill(state, skill)


def _tombstone(state: HubState, commit: Commit, signer: Key, body: kinds.Tombstone) -> HubState:
    if body.client is None:
        if body.key in state.tombstones:
            raise Void("the session is forgotten already")
        return replace(state, tombstones=[*state.tombstones, body.key])
    if signer.role == OWNER and body.client in state.keys:
        who = membership.member(state, body.client)  # an owner may, for a member that cannot any more
    else:
        who = membership.said_by(state, body.client, body.sig, "tombstone", body.key).member
    gone = state.withdrawn.get(who, [])
    if body.key in gone:
        raise Void("the session is forgotten already")
    return replace(state, withdrawn={**state.withdrawn, who: [*gone, body.key]})


_RULES: dict[str, Callable[[HubState, Commit, Key, Any], HubState]] = {
    "settings": _settings,
    "proposal": _proposal,
    "verdict": _verdict,
    "vote": _vote,
    "approval": _approval,
    "release": _release,
    "promote": _promote,
    "rollback": _rollback,
    "pin": _pin,
    "archive": _archive,
    "revoke": _revoke,
    "tombstone": _tombstone,
    **counts.RULES,
    **membership.RULES,
}


def _release_proposal(
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
    proposal = _known(state, proposal_id)
    if (proposal.skill, proposal.base, proposal.version) != (skill, base, version):
        raise Void("skill, base or version differ from the proposal's")
    if proposal.status not in ("passed", "held"):
        raise Void(f"a proposal that is {proposal.status} cannot be released")
    if not approved(state, proposal) and (proposal.status == "held" or policy == "strict"):
        left = missing(state, proposal)
        raise Void(f"the proposal waits for the approval of {_people(left)}")
    return _with_proposal(state, replace(proposal, status="released"))


def _people(count: int) -> str:
    return "an owner or a reviewer" if count == 1 else f"{count} owners or reviewers"


def _effect(effect: Effect | None) -> Effect | None:
    """The effect as it is kept, for people: no rule depends on it. Void where it cannot be one."""
    if effect is None:
        return None
    counts = (effect.treated_n, effect.control_n, effect.clients, effect.blocks, effect.read_n)
    if len(effect.method) > 500 or any(not 0 <= count <= 10**9 for count in counts):
        raise Void("an effect counts up to 10^9 and tells its method in 500 characters")
    return effect


def _known(state: HubState, proposal_id: str) -> ProposalState:
    proposal = state.proposals.get(proposal_id)
    if proposal is None:
        raise Void("there is no such proposal")
    return proposal


def _skill(state: HubState, name: str) -> SkillState:
    skill = state.skills.get(name)
    if skill is None:
        raise Void("there is no such skill")
    return skill


def _check_name(name: str) -> None:
    try:
        check_name(name)
    except BadInputError as error:
        raise Void(error.why) from error


def _check_base(skill: SkillState, base: str | None) -> None:
    if base != skill.current:
        raise Void("its base is not the current version")


def _check_pinned(skill: SkillState, signer: Key) -> None:
    if skill.pinned and signer.role == EVOLVER:
        raise Void("the skill is pinned")


def _revoked(skill: SkillState, version: str) -> bool:
    return any(release.stage == "revoked" for release in skill.releases if release.version == version)


def _with_proposal(state: HubState, proposal: ProposalState) -> HubState:
    return replace(state, proposals={**state.proposals, proposal.id: proposal})


def _with_skill(state: HubState, skill: SkillState) -> HubState:
    return replace(state, skills={**state.skills, skill.name: skill})
