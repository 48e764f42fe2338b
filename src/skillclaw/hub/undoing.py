"""What comes back when a merge is undone. Pure.

A release that took skills in archives them; who rolls it back to what it was made from wants them again. The
log by itself brings back whatever is archived then, also what people took away meanwhile, and no log that was
read so before may be read otherwise. So where that is not what the merge itself archived, the rollback names
what returns (`returns`, format 3).
"""

from __future__ import annotations

from skillclaw.hub.records import HubState, Release
from skillclaw.hub.taken import taken

__all__ = ["archived_by", "comes_back"]


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
    return [name for name in comes_back(state, merged) if _only_that(state, name, versions[name], merged)]


def _only_that(state: HubState, name: str, version: str, merged: Release) -> bool:
    skill = state.skills[name]
    release = skill.release(version)
    last = release.story[-1] if release is not None and release.story else None
    if skill.pinned or release is None or taken(state, release):
        return False
    if last is None or (last.what, last.skill) != ("archive", merged.skill):
        return False
    return all(one.seq < last.seq for one in skill.releases)
