"""The skills that a hub makes available now, with what they rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from skillclaw.errors import LASTING, BadInputError, SkillClawError
from skillclaw.evolve.evolvers import Current
from skillclaw.hub import Hub, HubState, Release
from skillclaw.hub.records import SkillState
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.items import DESCRIPTION
from skillclaw.skills.records import Bundle, File, Sidecar, record_in

__all__ = ["Unread", "current_skills", "ignored", "sidecar_in"]

Unread = Callable[[str, SkillClawError], None]
"""Is told a skill of which something cannot be read, and why."""


def ignored(name: str, error: SkillClawError) -> None:
    """For `unread`, where the lists of skills tell of it anyway."""


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
            bundle=bundle or _described(name, sidecar),
            readable=bundle is not None,
            sidecar=sidecar or Sidecar(skill=name, version=release.version),
            version=release.version,
            pinned=pinned,
            split_from=_split_from(skill, sidecar, hub, state),
        )
    return found


def _split_from(skill: SkillState, sidecar: Sidecar | None, hub: Hub, state: HubState) -> frozenset[str]:
    """What a skill that began as a part of another was split off. Its first version says that; what was made
    of it since has the version before as its parent."""
    first = skill.releases[0]
    made = state.proposals.get(first.proposal) if first.proposal is not None else None
    if made is None or made.action != "split" or made.base is not None:
        return frozenset()
    if skill.current != first.version:
        try:
            sidecar = sidecar_in(first, hub.get_object)
        except LASTING:
            return frozenset()  # then nobody knows, and the two are as any others
    return frozenset(sidecar.parents) if sidecar is not None else frozenset()


def _told(unread: Unread | None, name: str, error: SkillClawError) -> Literal[True]:
    if unread is None:
        raise error
    unread(name, error)
    return True


def _described(name: str, sidecar: Sidecar | None) -> Bundle:
    """In the place of files that cannot be read: what requests bring the skill up by."""
    items = sidecar.items if sidecar is not None else []
    told = next((item.text for item in items if item.section == DESCRIPTION), name)
    head = render(Head(name=name, description=told))
    return Bundle(name=name, files=[File(path="SKILL.md", data=head.encode())])


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
