"""What comes back when a merge is undone. Pure.

A release that took skills in archives them; who rolls it back to what it was made from wants them again. The
log by itself brings back whatever is archived then, also what people took away meanwhile, and no log that was
read so before may be read otherwise. So where that is not what the merge itself archived, the rollback names
what returns (`returns`, format 3).
"""

from __future__ import annotations

from skillclaw.hub.approval import PEOPLE
from skillclaw.hub.records import HubState, Release, SkillState

__all__ = ["archived_by", "came_back_past_people", "comes_back"]


def comes_back(state: HubState, merged: Release) -> list[str]:
    """The skills that the log brings back with a rollback of `merged` that names none."""
    found = []
    for gone in merged.retires:
        other = state.skills.get(gone.skill)
        if other is None or other.release(gone.version) is None:
            continue
        revoked = any(r.stage == "revoked" for r in other.releases if r.version == gone.version)
        if not revoked and (other.current, other.stage) == (None, "archived"):
            found.append(gone.skill)
    return found


def archived_by(state: HubState, merged: Release) -> list[str]:
    """Those of them that the merge archived, and of which nothing else became since; a pinned one stays as it
    is."""
    versions = {gone.skill: gone.version for gone in merged.retires}
    return [
        name for name in comes_back(state, merged) if _only_that(state.skills[name], versions[name], merged)
    ]


def _only_that(skill: SkillState, version: str, merged: Release) -> bool:
    release = skill.release(version)
    last = release.story[-1] if release is not None and release.story else None
    if skill.pinned or last is None or (last.what, last.skill) != ("archive", merged.skill):
        return False
    return all(one.seq < last.seq for one in skill.releases)


def came_back_past_people(state: HubState, release: Release) -> bool:
    """Whether it is current again since an evolver undid a merge, though not that merge had archived it: a
    stolen key could so bring back what people took away. Clients ask, since the log brings it back."""
    last = release.story[-1] if release.story else None
    if last is None or last.what != "return" or not last.skill:
        return False
    key = state.keys.get(last.by)
    if key is not None and key.role in PEOPLE and not key.revoked:
        return False
    before = release.story[-2] if len(release.story) > 1 else None
    if before is None or (before.what, before.skill) != ("archive", last.skill):
        return True
    return any(before.seq < one.seq < last.seq for one in state.skills[release.skill].releases)
