"""What people took away of a skill, and brought back since. Pure.

The log lets an evolver undo a merge, and lets one person go back to a version. Neither may bring to machines
what people took away: the evolver's key may be stolen, and where two decide, one of them. What is current
stays what the log always said; but each release says whether people want it, and machines ask that.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from skillclaw.hub.approval import PEOPLE, approved_since, needed
from skillclaw.hub.records import Again, Commit, Event, HubState, Key, ProposalState, Release, SkillState

Place = tuple[str, str | None]
EVERYWHERE: Place = ("global", None)

__all__ = [
    "EVERYWHERE",
    "Place",
    "archived_by_people",
    "as_wanted",
    "before_at",
    "bring_back",
    "disowned",
    "give_back",
    "left_over",
    "made_from_taken",
    "revoked_by_none",
    "take",
    "taken",
]


def taken(state: HubState, release: Release) -> bool:
    """Whether people took that version away and did not bring it back; who brought it back with a key that
    was revoked since did not."""
    return release.taken or disowned(state, release)


def disowned(state: HubState, release: Release) -> bool:
    """Whether who brought that version back has a key that was revoked since; of a proposal, whether too few
    of those who approved it have one that was not."""
    key = state.keys.get(release.back)
    again = release.again
    proposal = state.proposals.get(again.proposal) if again is not None else None
    too_few = (
        again is not None
        and proposal is not None
        and approved_since(state, proposal, again.since, again.people) is None
    )
    return too_few or (key is not None and key.revoked)


def made_from_taken(state: HubState, skill: SkillState) -> bool:
    """Whether what is released next is made from a version that people took away: what they approved of that
    is not approved for the next one."""
    base = skill.release(skill.current) if skill.current is not None else None
    return base is not None and taken(state, base)


def archived_by_people(
    state: HubState, skill: SkillState, signer: Key, proposal: ProposalState | None
) -> bool:
    """Whether who archives a skill is a person, or one whose key counts approved the proposal for it since
    people last said which version is to be there."""
    return signer.role in PEOPLE or (
        proposal is not None and approved_since(state, proposal, skill.back_at, 1) is not None
    )


def take(skill: SkillState, seq: int, spared: str | None = None, left: str | None = None) -> SkillState:
    """The skill with all its versions taken away, by the entry `seq`, but `spared` and what that was first
    made from: later bases of it may be an evolver's choice. Where `left`, which people went back from, is
    among that, they went forward, and nothing below is spared."""
    first = next((one for one in skill.releases if one.version == spared), None)
    below = skill.below(first) if first is not None else []
    if any(one.version == left for one in below):
        below = []
    kept = {one.seq for one in skill.releases if one.version == spared} | {one.seq for one in below}
    releases = [one if one.seq in kept else replace(one, taken=True, again=None) for one in skill.releases]
    return replace(skill, releases=releases, taken_at=seq)


def left_over(state: HubState, skill: SkillState, spared: str | None, left: str | None = None) -> str | None:
    """What a person who says that the skill stays at `spared` (None: without a current version), where it is,
    and no more at `left`, still takes away or brings back: the newest such version; None where they said all
    of it already."""
    after = take(skill, skill.taken_at, spared, left)
    pairs = zip(reversed(skill.releases), reversed(after.releases), strict=True)
    found = next((one.version for one, then in pairs if one.taken != then.taken), None)
    current = skill.release(spared) if spared is not None else None
    if found is None and current is not None and taken(state, current):
        return spared
    return found


def revoked_by_none(state: HubState, skill: SkillState, version: str | None) -> bool:
    """Whether `version` (None: every one) is revoked, and of some of it no person said so whose key counts:
    an evolver's revocation is no reason to forget what people approved before."""
    hit = [one for one in skill.releases if version in (None, one.version)]
    if any(one.stage != "revoked" for one in hit):
        return False
    return not all(any(_by_person(state, event) for event in one.story) for one in hit)


def _by_person(state: HubState, event: Event) -> bool:
    key = state.keys.get(event.by)
    return event.what == "revoke" and key is not None and key.role in PEOPLE and not key.revoked


def bring_back(
    state: HubState,
    skill: SkillState,
    commit: Commit,
    version: str,
    along: Collection[str],
    *,
    place: Place | None = None,
) -> SkillState:
    """The skill after a person said that `version` is current again, at `place` (None: wherever it was): that
    one is no longer taken away there, and nothing else, since what lies below it an evolver may have put
    there. `along` are versions that an evolver, too, may go back to.

    Where two people decide, what was taken away stays so: one of them does not bring it back. Of what was
    not, as many people have to have approved as now do, but for `along`.
    """
    people = needed(state.settings)
    releases = []
    for one in skill.releases:
        here = one.version == version and place in (None, place_of(one))
        if here and people == 1 and (one.taken or one.back or one.again):
            one = replace(one, taken=False, back=commit.signer, again=None)
        if one.version not in along:
            one = replace(one, reviewers=max(one.reviewers, people))
        releases.append(one)
    return replace(skill, releases=releases)


def give_back(skill: SkillState, version: str, place: Place, again: Again) -> SkillState:
    """The skill after people approved, as `again` says, that `version` is released again at that place."""
    releases = [
        replace(one, taken=False, back="", again=again, reviewers=max(one.reviewers, again.people))
        if one.version == version and place_of(one) == place and (one.taken or one.back or one.again)
        else one
        for one in skill.releases
    ]
    return replace(skill, releases=releases)


def before_at(skill: SkillState, version: str, place: Place) -> Release | None:
    """The newest release of `version` at that place, or for all: whether that is taken away the next one
    inherits. One for a project says nothing of what is for all."""
    hit = (one for one in reversed(skill.releases) if one.version == version)
    return next((one for one in hit if place_of(one) in (place, EVERYWHERE)), None)


def place_of(release: Release) -> Place:
    """Where a release is for: its scope and project."""
    return release.scope, release.project


def as_wanted(state: HubState) -> HubState:
    """The state as machines take it. What people took away is there for none of them: where it is current,
    they have the last that it was made from and that people did not take away, or none."""
    skills = {}
    for name, skill in state.skills.items():
        gone = {one.seq for one in skill.releases if taken(state, one)}
        if gone:
            releases = [
                replace(one, stage="archived") if one.seq in gone and one.stage != "revoked" else one
                for one in skill.releases
            ]
            skills[name] = _standing(replace(skill, releases=releases), gone)
    return replace(state, skills={**state.skills, **skills}) if skills else state


def _standing(skill: SkillState, gone: Collection[int]) -> SkillState:
    current = skill.release(skill.current) if skill.current is not None else None
    if current is None or current.seq not in gone:
        return skill
    newest = (skill.release(one.version) for one in skill.below(current))
    left = next((one for one in newest if one is not None and one.stage not in ("archived", "revoked")), None)
    if left is None:
        return replace(skill, current=None, stage="archived")
    return replace(skill, current=left.version, stage=left.stage)
