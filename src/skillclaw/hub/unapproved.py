"""What of a release nobody approved when it came into the skill (DESIGN 7.5). Pure.

Clients ask before they install, since the gate's word is the evolver's, whose key may be stolen; and the gate
asks of the version that a change is made from, so that it lets nothing through that clients refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from skillclaw.errors import SkillClawError
from skillclaw.hub.approval import PEOPLE, approved
from skillclaw.hub.records import HubState, Release
from skillclaw.skills.records import Bundle

__all__ = ["Finder", "unapproved"]

Finder = Callable[[Bundle], Mapping[str, str]]
"""What people have to see of a skill: from what versions are compared by to what is told of it."""


def unapproved(
    state: HubState,
    release: Release,
    bundle: Bundle,
    find: Finder,
    fetch: Callable[[Release], Bundle],
    *,
    persons: bool,
) -> dict[str, str]:
    """What `find` tells of `bundle`, the files of `release`, that came into the skill without approval.

    `persons`: a person who released alone, where one was enough, counts as one who approved. `fetch` gives
    the files of an earlier release; one that cannot be had approves nothing.
    """
    open_ = dict(find(bundle))
    found: dict[str, str] = {}
    while open_ and not _approved(state, release):
        if persons and release.reviewers == 1 and _by_hand(state, release):
            break
        base = _before(state, release)
        known: Mapping[str, str] = {}
        if base is not None and base.version == release.version:
            known = open_
        elif base is not None:
            try:
                known = find(fetch(base))
            except (SkillClawError, OSError):
                known = {}
        found |= {key: told for key, told in open_.items() if key not in known}
        open_ = {key: told for key, told in open_.items() if key in known}
        if base is None:
            break
        release = base
    return found


def _before(state: HubState, release: Release) -> Release | None:
    """The release whose approval holds for this one too: that of its base; of a version that a person brought
    back without a proposal, the one before. None where that was for one project and this is not for the same:
    people approved it there."""
    before = [one for one in state.skills[release.skill].releases if one.seq < release.seq]
    older = [one for one in before if one.version == release.version] if _by_hand(state, release) else []
    older = older or [one for one in before if one.version == release.base]
    if not older:
        return None
    last = older[-1]
    wider = last.scope == "project" and (last.scope, last.project) != (release.scope, release.project)
    return None if wider else last


def _by_hand(state: HubState, release: Release) -> bool:
    """Whether a person released it without a proposal."""
    key = state.keys.get(release.by)
    return release.proposal is None and key is not None and key.role in PEOPLE and not key.revoked


def _approved(state: HubState, release: Release) -> bool:
    """Whether as many people approved its proposal as had to then: what a group asks for later is for what
    comes later."""
    proposal = state.proposals.get(release.proposal or "")
    return proposal is not None and approved(state, proposal, release.reviewers)
