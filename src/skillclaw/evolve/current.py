"""The skills that a hub makes available now, with what they rest on."""

from __future__ import annotations

from skillclaw.evolve.evolvers import Current
from skillclaw.hub import Hub, HubState
from skillclaw.skills.records import Sidecar, record_in

__all__ = ["current_skills"]


def current_skills(hub: Hub, state: HubState) -> dict[str, Current]:
    """The skills that the hub's log makes available now, with their items and evidence."""
    found: dict[str, Current] = {}
    for name, skill in state.skills.items():
        release = skill.release(skill.current) if skill.current else None
        if release is None:
            continue
        sidecar = (
            record_in(hub.get_object(release.sidecar), Sidecar)
            if release.sidecar
            else Sidecar(skill=name, version=release.version)
        )
        found[name] = Current(
            bundle=hub.get_bundle(release), sidecar=sidecar, version=release.version, pinned=skill.pinned
        )
    return found
