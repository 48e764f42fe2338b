"""What people took away of a skill, and brought back since (DESIGN 7.5). Pure.

The log lets an evolver undo a merge, and lets one person go back to a version. Neither may bring to machines
what people took away: the evolver's key may be stolen, and where two decide, one of them. What is current
stays what the log always said; but each release says whether people want it, and machines ask that.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from skillclaw.hub.approval import PEOPLE, needed
from skillclaw.hub.records import Commit, HubState, Key, ProposalState, Release, SkillState

__all__ = ["archived_by_people", "bring_back", "take", "taken"]


def taken(state: HubState, release: Release) -> bool:
    """Whether people took that version away and did not bring it back; who brought it back with a key that
    was revoked since did not."""
    key = state.keys.get(release.back)
    return release.taken or (key is not None and key.revoked)


def archived_by_people(signer: Key, proposal: ProposalState | None) -> bool:
    """Whether who archives a skill is a person, or one approved the proposal for it."""
    return signer.role in PEOPLE or (proposal is not None and bool(proposal.approvals))


def take(skill: SkillState, spared: str | None = None) -> SkillState:
    """The skill with all its versions taken away but `spared` and what that was made from."""
    kept = _with_below(skill, spared)
    releases = [one if one.seq in kept else replace(one, taken=True) for one in skill.releases]
    return replace(skill, releases=releases)


def bring_back(
    state: HubState, skill: SkillState, commit: Commit, version: str, along: Collection[str]
) -> SkillState:
    """The skill after a person said that `version` is current again, and so what it was made from may be.
    `along` are versions that an evolver, too, may go back to.

    Where two people decide, what was taken away stays so: one of them does not bring it back. Of what was
    not, as many people have to have approved as now do, but for `along`.
    """
    people, wanted = needed(state.settings), _with_below(skill, version)
    releases = []
    for one in skill.releases:
        if one.seq in wanted and people == 1 and (one.taken or one.back):
            one = replace(one, taken=False, back=commit.signer)
        if one.seq in wanted and one.version not in along:
            one = replace(one, reviewers=max(one.reviewers, people))
        releases.append(one)
    return replace(skill, releases=releases)


def _with_below(skill: SkillState, version: str | None) -> set[int]:
    """The entries that released `version`, and what its newest release was made from."""
    newest = skill.release(version) if version is not None else None
    below = {one.seq for one in skill.below(newest)} if newest is not None else set()
    return below | {one.seq for one in skill.releases if one.version == version}
