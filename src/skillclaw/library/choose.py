"""Which release of a skill this machine takes from a hub, and which hub's skill has the name. Pure.

A name belongs to the first hub that offers it (DESIGN 7.4); the same name of a later hub is shadowed and
takes its place when the first withdraws it. What decides is the signed log alone: no clock is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from skillclaw.hub.records import HubState, Release, SkillState
from skillclaw.library.records import Installed
from skillclaw.skills.records import Bundle

__all__ = ["CANARY_SHARE", "Claim", "HubView", "canary_share", "chosen", "claims", "in_canary"]

CANARY_SHARE = 0.1
"""Share of a group's clients that get a canary, where the group's settings do not say another."""
FEW = 20
"""Clients of a group; with fewer a tenth is nobody or one, so that all get a canary at once."""


@dataclass(frozen=True)
class HubView:
    """One hub as a sync sees it.

    state     what its log says; None where it could not be read, which changes nothing of its skills
    fetch     gives a release's files; raises what a user can understand
    projects  ids of the projects that this machine knows, for releases of one project; None takes all
    client    who this machine is for the draw of canaries
    canary    share of the clients that get them, 0..1
    """

    name: str
    state: HubState | None
    fetch: Callable[[Release], Bundle]
    projects: frozenset[str] | None = None
    client: str = ""
    canary: float = 1.0


@dataclass(frozen=True)
class Claim:
    """Whose skill has a name: `release` is None where that hub could not be read or does not tell of the
    skill, so that nothing of it is touched. `shadowed`: the later hubs that offer the same name, with what
    they would install.
    """

    skill: str
    hub: HubView
    release: Release | None
    shadowed: tuple[tuple[str, Release], ...] = ()


def canary_share(settings: dict[str, Any], clients: int) -> float:
    """A group's setting `canary`, a number from 0 to 1; what is none of these counts as not set. Then it
    depends on how many `clients` the group has.
    """
    given = settings.get("canary")
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= 1:
        return float(given)
    return CANARY_SHARE if clients >= FEW else 1.0


def in_canary(client: str, skill: str, version: str, share: float) -> bool:
    """Whether this client is among those that get the canary. Drawn anew for each version, so that it is not
    always the same people who try; a larger share only adds clients.
    """
    drawn = hashlib.sha256("\0".join(("canary", client, skill, version)).encode("utf-8", "surrogatepass"))
    return int.from_bytes(drawn.digest()[:8], "big") < share * 2**64


def chosen(skill: SkillState, view: HubView, *, has_copy: bool) -> Release | None:
    """The release of `skill` that this machine should have; None where it should have none.

    A canary that this client did not draw leaves the release before it. A skill of a project that this
    machine does not know is left out, unless it is installed already: only a commit takes it away.
    """
    release = skill.release(skill.current) if skill.current else None
    seen: set[str] = set()
    while release is not None and release.stage == "canary" and release.version not in seen:
        if in_canary(view.client, skill.name, release.version, view.canary):
            break
        seen.add(release.version)
        release = skill.release(release.base) if release.base else None
    if release is None or release.version in seen or release.stage in ("revoked", "archived"):
        return None
    known = (
        view.projects is None or has_copy or release.scope != "project" or release.project in view.projects
    )
    return release if known else None


def claims(
    views: Sequence[HubView], installed: Iterable[Installed], declined: Iterable[str] = ()
) -> list[Claim]:
    """Who has each name, by name. `views` in the order of precedence; `declined`: `<hub>/<skill>` that the
    user does not want, with `*` for every hub.

    A hub that could not be read keeps the names that it has copies of.
    """
    refused = set(declined)
    copies = {(entry.hub, entry.skill) for entry in installed}
    names = {skill for _, skill in copies}
    names |= {name for view in views if view.state is not None for name in view.state.skills}
    found = []
    for name in sorted(names):
        if f"*/{name}" in refused:
            continue
        first: tuple[HubView, Release | None] | None = None
        later: list[tuple[str, Release]] = []
        for view in views:
            if f"{view.name}/{name}" in refused:
                continue
            has_copy = (view.name, name) in copies
            skill = view.state.skills.get(name) if view.state is not None else None
            release = chosen(skill, view, has_copy=has_copy) if skill is not None else None
            # unread or absent is not withdrawn: what is installed keeps its place
            kept = skill is None and has_copy
            if first is None and (release is not None or kept):
                first = (view, release)
            elif release is not None:
                later.append((view.name, release))
        if first is not None:
            found.append(Claim(skill=name, hub=first[0], release=first[1], shadowed=tuple(later)))
    return found
