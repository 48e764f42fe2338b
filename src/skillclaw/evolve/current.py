"""The skills that a hub makes available now, with what they rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from skillclaw.errors import LASTING, BadInputError, SkillClawError
from skillclaw.evolve.evolvers import Current
from skillclaw.hub import Hub, HubState, Release
from skillclaw.skills.records import Bundle, File, Sidecar, record_in

__all__ = ["Unread", "current_skills", "sidecar_in"]

Unread = Callable[[str, SkillClawError], None]
"""Is told a skill of which something cannot be read, and why."""


def current_skills(hub: Hub, state: HubState, unread: Unread | None = None) -> dict[str, Current]:
    """The skills that the hub's log makes available now, with their items and evidence.

    One object that is gone, damaged or of a newer format is no reason to stop for all: where `unread` is told
    of it, the skill is as if pinned, since nothing can be changed that cannot be known, with what of it could
    be read. Else, and where the storage does not answer, raises what `Hub.get_bundle` does.
    """
    found: dict[str, Current] = {}
    for name, skill in state.skills.items():
        release = skill.release(skill.current) if skill.current else None
        if release is None:
            continue
        bundle, sidecar, pinned = None, None, skill.pinned
        try:
            sidecar = sidecar_in(release, hub.get_object)
        except LASTING as error:
            pinned = _told(unread, name, error)
        try:
            bundle = hub.get_bundle(release)
        except LASTING as error:
            pinned = _told(unread, name, error)
        found[name] = Current(
            bundle=bundle or _nothing(name),
            sidecar=sidecar or Sidecar(skill=name, version=release.version),
            version=release.version,
            pinned=pinned,
        )
    return found


def _told(unread: Unread | None, name: str, error: SkillClawError) -> Literal[True]:
    if unread is None:
        raise error
    unread(name, error)
    return True


def _nothing(name: str) -> Bundle:
    """In the place of files that cannot be read: the name alone is known."""
    return Bundle(name=name, files=[File(path="SKILL.md", data=f"---\nname: {name}\n---\n".encode())])


def sidecar_in(release: Release, get: Callable[[str], bytes]) -> Sidecar | None:
    """What `release` rests on, by the object that `get` gives; None where nothing was released with it.
    BadInputError where that is no sidecar of this skill, and as `get` raises."""
    if not release.sidecar:
        return None
    sidecar = record_in(get(release.sidecar), Sidecar)
    if sidecar.skill != release.skill:
        raise BadInputError(
            f"What {release.skill} rests on cannot be read.",
            "The object that its release names tells of another skill.",
            "See: skillclaw hub verify",
        )
    return sidecar
