"""The rules of the log about skills: released, promoted, rolled back, pinned, archived, revoked. Pure.

A rule gives the next state or raises Void with the reason, as in rules.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from skillclaw.hub import kinds
from skillclaw.hub.approval import (
    PEOPLE,
    approved_since,
    last_taken,
    needed,
    policy_of,
    waits_for_people,
)
from skillclaw.hub.proposal_rules import check_skill_name, known, let_through
from skillclaw.hub.records import Again, Commit, HubState, Key, Release, SkillState
from skillclaw.hub.releasing import check_release, retired
from skillclaw.hub.story import event, told
from skillclaw.hub.taken import (
    archived_by_people,
    before_at,
    bring_back,
    give_back,
    made_from_taken,
    take,
    taken,
)
from skillclaw.hub.undoing import comes_back
from skillclaw.hub.void import Void
from skillclaw.skills.records import Effect

__all__ = ["RULES"]


def _release(state: HubState, commit: Commit, signer: Key, body: kinds.ReleaseEntry) -> HubState:
    check_skill_name(body.skill)
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
    state = let_through(state, signer, body.proposal, body.skill, body.base, body.version, others)
    check_release(before, signer, body)
    place, people = (body.scope, body.project), needed(state.settings)
    older = before_at(skill, body.version, place)
    away = (older is not None and taken(state, older)) or _takes_in_taken(state, body)
    since = last_taken(before, body.skill, *others)
    away = away or _said_before(before, body, since)
    back, again = "", None
    if signer.role in PEOPLE:
        skill = bring_back(state, skill, commit, body.version, _so_far(skill), place=place)
        back = commit.signer if away and people == 1 else ""
        if body.proposal is None and older is not None and (back or not away):
            skill = take(skill, commit.seq, body.version)  # to release it again is to go back to it
    if body.proposal is not None and away:
        proposal = known(state, body.proposal)
        if approved_since(state, proposal, since, people) is not None:
            back, again = "", Again(proposal=proposal.id, since=since, people=people)
            skill = give_back(skill, body.version, place, again)
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
        taken=away and not back and again is None,
        back=back or ("" if older is None or away else older.back),
        again=again or (None if older is None or away else older.again),
        since=max(since, skill.taken_at),
        anew=made_from_taken(state, skill),
    )
    wanted = not release.taken and (signer.role in PEOPLE or again is not None)
    skill = replace(
        skill,
        current=body.version,
        stage=body.stage,
        releases=[*skill.releases, release],
        back_at=commit.seq if wanted else skill.back_at,
    )
    state = _with_skill(state, skill)
    for gone in body.retires:
        if gone.skill == body.skill or body.proposal is None:
            raise Void("a release retires other skills, by a proposal")
        if known(state, body.proposal).action != "merge":
            raise Void("only a merge retires other skills, which is what people approved")
        other = _skill(state, gone.skill)
        _check_base(other, gone.version)
        _check_pinned(other, signer)
    # A canary may yet be rolled back: until it is stable, what it takes in stays.
    return state if body.stage == "canary" else _retire(state, commit, release)


def _takes_in_taken(state: HubState, body: kinds.ReleaseEntry) -> bool:
    """Whether it takes in a version that people took away."""
    skills = ((state.skills.get(gone.skill), gone.version) for gone in body.retires)
    hit = (skill.release(version) for skill, version in skills if skill is not None)
    return any(one is not None and taken(state, one) for one in hit)


def _said_before(state: HubState, body: kinds.ReleaseEntry, since: int) -> bool:
    """Whether people have to approve it, and did so before they last took something away that it is made of,
    by the entry `since`. The log takes it all the same, as it always did: machines do not."""
    proposal = state.proposals.get(body.proposal or "")
    if proposal is None:
        return False
    policy = policy_of(state.settings, body.skill, *(gone.skill for gone in body.retires))
    waits = waits_for_people(state, proposal, policy)
    return waits and approved_since(state, proposal, since, needed(state.settings)) is None


def _retire(state: HubState, commit: Commit, release: Release) -> HubState:
    """The state without the skills that the release took in; one that changed or was pinned since stays."""
    for gone in release.retires:
        other = state.skills.get(gone.skill)
        if other is not None and other.current == gone.version and not other.pinned:
            other = told(other, event(commit, "archive", skill=release.skill), gone.version)
            state = _with_skill(state, replace(other, current=None, stage="archived"))
    return state


def _restore(state: HubState, commit: Commit, release: Release, returns: list[str] | None) -> HubState:
    """The state with the skills that the release took in, those that are archived; with `returns` these."""
    versions = {gone.skill: gone.version for gone in release.retires}
    for name in comes_back(state, release):
        if returns is not None and name not in returns:
            continue
        other, version = state.skills[name], versions[name]
        before = other.release(version)
        assert before is not None
        other = told(other, event(commit, "return", skill=release.skill), version)
        state = _with_skill(state, replace(other, current=version, stage=before.stage))
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
    if body.stays:
        return _with_skill(state, _stays_at(state, skill, commit, signer, body))
    _check_base(skill, body.base)
    _check_pinned(skill, signer)
    undone = skill.release(skill.current) if skill.current is not None else None
    below = _so_far(skill)[1:]
    if signer.role == "evolver" and body.version is not None and body.version not in below:
        # else a stolen key brings back what people took back, though they approve every change
        raise Void("an evolver goes back to what the version was made from, and to nothing else")
    if undone is not None and body.version == undone.base:
        state = _restore(state, commit, undone, body.returns)
    now = event(commit, "rollback", to=body.version, why=body.why, effect=_effect(body.effect))
    skill = told(skill, now, body.base)
    person = signer.role in PEOPLE
    if body.version is None:
        skill = take(skill, commit.seq) if person else skill
        return _with_skill(state, replace(skill, current=None, stage="archived"))
    if body.version == skill.current:
        raise Void("the version is current already")
    target = skill.release(body.version)
    if target is None:
        raise Void("the version was never released")
    if _revoked(skill, body.version):
        raise Void("the version was revoked")
    skill = told(skill, event(commit, "return", to=body.base), body.version)
    if person:
        skill = _wanted(state, skill, commit, body.version, body.base, below)
    return _with_skill(state, replace(skill, current=body.version, stage=target.stage))


def _stays_at(
    state: HubState, skill: SkillState, commit: Commit, signer: Key, body: kinds.Rollback
) -> SkillState:
    """The skill after a person said that it stays at the version that is current already."""
    _check_stays(skill, signer, body.base)
    if body.version is None or body.version != skill.current:
        raise Void("another version is current")
    if body.base != body.version:
        skill = told(skill, event(commit, "rollback", to=body.version, why=body.why), body.base)
    skill = told(skill, event(commit, "return", to=body.base), body.version)
    return _wanted(state, skill, commit, body.version, body.base, _so_far(skill))


def _wanted(
    state: HubState, skill: SkillState, commit: Commit, version: str, base: str, along: list[str]
) -> SkillState:
    """The skill after a person said that it is at `version`, and no more at `base` (taken.py)."""
    skill = bring_back(state, skill, commit, version, along)
    back = skill.release(version)
    if back is None or back.taken:
        return skill  # one of two, alone, says nothing by it
    return replace(take(skill, commit.seq, version, base), back_at=commit.seq)


def _pin(state: HubState, commit: Commit, signer: Key, body: kinds.Pin) -> HubState:
    return _with_skill(state, replace(_skill(state, body.skill), pinned=body.pinned))


def _archive(state: HubState, commit: Commit, signer: Key, body: kinds.Archive) -> HubState:
    skill = _skill(state, body.skill)
    if not body.stays:
        _check_base(skill, body.base)
    elif skill.current is not None:
        raise Void("the skill has a current version")
    _check_pinned(skill, signer)
    proposal = None
    if body.proposal is not None:
        state = let_through(state, signer, body.proposal, body.skill, body.base, None)
        proposal = known(state, body.proposal)
    if body.stays:
        _check_stays(skill, signer, body.base)
    skill = told(skill, event(commit, "archive", proposal=body.proposal, why=body.why), body.base)
    if archived_by_people(state, skill, signer, proposal):
        skill = take(skill, commit.seq)
    stage = skill.stage if body.stays else "archived"
    return _with_skill(state, replace(skill, current=None, stage=stage))


def _revoke(state: HubState, commit: Commit, signer: Key, body: kinds.Revoke) -> HubState:
    skill = _skill(state, body.skill)
    hit = [release for release in skill.releases if body.version in (None, release.version)]
    if commit.v >= kinds.LATER["revoke"]["stays"] and not body.stays:
        raise Void("`stays` is true, or left out")
    if body.stays:
        return _with_skill(state, _stays_revoked(skill, commit, signer, hit, body.why))
    if not hit or all(release.stage == "revoked" for release in hit):
        raise Void("there is no such version, or it was revoked already")
    releases = [replace(r, stage="revoked") if r in hit else r for r in skill.releases]
    fresh = {release.seq for release in hit if release.stage != "revoked"}
    now = event(commit, "revoke", why=body.why)
    skill = told(replace(skill, releases=releases), now, lambda release: release.seq in fresh)
    if any(release.version == skill.current for release in hit):
        skill = replace(skill, current=None, stage="revoked")
    if signer.role in PEOPLE:
        skill = replace(skill, taken_at=commit.seq)
    return _with_skill(state, skill)


def _stays_revoked(
    skill: SkillState, commit: Commit, signer: Key, hit: list[Release], why: str
) -> SkillState:
    """The skill after a person said of what is revoked already that it is unsafe: what people approved before
    they knew counts no more."""
    if signer.role not in PEOPLE:
        raise Void("only people say that what is revoked stays so")
    if not hit or any(release.stage != "revoked" for release in hit):
        raise Void("there is no such version, or it was not revoked yet")
    numbers = {release.seq for release in hit}
    now = event(commit, "revoke", why=why)
    return replace(told(skill, now, lambda release: release.seq in numbers), taken_at=commit.seq)


RULES: dict[str, Callable[[HubState, Commit, Key, Any], HubState]] = {
    "release": _release,
    "promote": _promote,
    "rollback": _rollback,
    "pin": _pin,
    "archive": _archive,
    "revoke": _revoke,
}


def _effect(effect: Effect | None) -> Effect | None:
    """The effect as it is kept, for people: no rule depends on it. Void where it cannot be one."""
    if effect is None:
        return None
    counts = (effect.treated_n, effect.control_n, effect.clients, effect.blocks, effect.read_n)
    if len(effect.method) > 500 or any(not 0 <= count <= 10**9 for count in counts):
        raise Void("an effect counts up to 10^9 and tells its method in 500 characters")
    return effect


def _skill(state: HubState, name: str) -> SkillState:
    skill = state.skills.get(name)
    if skill is None:
        raise Void("there is no such skill")
    return skill


def _so_far(skill: SkillState) -> list[str]:
    """The current version and what it was made from, the newest first."""
    release = skill.release(skill.current) if skill.current is not None else None
    return [one.version for one in (release, *skill.below(release))] if release is not None else []


def _check_stays(skill: SkillState, signer: Key, base: str) -> None:
    if signer.role not in PEOPLE:
        raise Void("only people say that a skill stays as it is")
    if skill.release(base) is None:
        raise Void("its base was never released")


def _check_base(skill: SkillState, base: str | None) -> None:
    if base != skill.current:
        raise Void("its base is not the current version")


def _check_pinned(skill: SkillState, signer: Key) -> None:
    if skill.pinned and signer.role == "evolver":
        raise Void("the skill is pinned")


def _revoked(skill: SkillState, version: str) -> bool:
    return any(release.stage == "revoked" for release in skill.releases if release.version == version)


def _with_skill(state: HubState, skill: SkillState) -> HubState:
    return replace(state, skills={**state.skills, skill.name: skill})
