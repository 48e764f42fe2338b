"""What became of each version, as the log tells it: promoted, rolled back, archived, revoked. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from skillclaw.hub.records import Commit, Event, Release, SkillState

__all__ = ["MOST", "event", "told"]

MOST = 20
"""Events that are kept of a release, the newest; the log itself has all."""


def event(commit: Commit, what: Any, **more: Any) -> Event:
    """The event that `commit` is for a version."""
    return Event(what=what, seq=commit.seq, time=commit.time, by=commit.signer, **more)


def told(skill: SkillState, event: Event, hit: Callable[[Release], bool] | str) -> SkillState:
    """The skill with `event` in the story of the newest release of a version, or of all that `hit` says."""
    if isinstance(hit, str):
        newest = skill.release(hit)
        releases = [_with(one, event) if one is newest else one for one in skill.releases]
    else:
        releases = [_with(one, event) if hit(one) else one for one in skill.releases]
    return replace(skill, releases=releases)


def _with(release: Release, event: Event) -> Release:
    return replace(release, story=[*release.story, event][-MOST:])
