"""Which release of a skill this machine takes from a hub, and which hub's skill has the name. Pure.

A name belongs to the first hub that offers it; the same name of a later hub is shadowed and
takes its place when the first withdraws it. What decides is the signed log alone, and for a canary by
switchback the block of time (`hub.arms`), which the view names: no clock is asked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from skillclaw.hub import arms
from skillclaw.hub.records import HubState, Release, SkillState
from skillclaw.library.records import Installed
from skillclaw.skills.records import Bundle

__all__ = [
    "CANARY_SHARE",
    "Arm",
    "Choice",
    "Claim",
    "HubView",
    "canary_share",
    "choose",
    "claims",
    "in_canary",
    "taken_here",
]

Arm = Literal["", "treated", "control", "off"]
"""What the block says of the current canary: it is here, or it is withheld; `off`: the user takes no part.
Empty where the current release is no canary by switchback."""

CANARY_SHARE = 0.1
"""Share of a group's clients that get a canary, where the group's settings do not say another."""
FEW = 20
"""Clients of a group; with fewer a tenth is nobody or one, so that all get a canary at once."""


@dataclass(frozen=True)
class HubView:
    """One hub as a sync sees it.

    state     what its log says; None where it could not be read, which changes nothing of its skills
    fetch     gives a release's files; raises what a user can understand
    base      gives those that an edited copy is compared with, whoever approved them; None: as `fetch`
    projects  ids of the projects that this machine knows, for releases of one project; None takes all
    client    who this machine is for the draw of canaries: `Key.member`
    canary    share of the clients that get those canaries that name no share of blocks, 0..1
    day       the block of now (`hub.arms.block`), by which canaries with a share are there or not
    canaries  False: this machine takes no part and has the release before a canary always
    """

    name: str
    state: HubState | None
    fetch: Callable[[Release], Bundle]
    projects: frozenset[str] | None = None
    client: str = ""
    canary: float = 1.0
    day: str = ""
    canaries: bool = True
    base: Callable[[Release], Bundle] | None = None


@dataclass(frozen=True)
class Choice:
    """What this machine should have of a skill now: `release`, or nothing where it is None.

    canary    the current release, where it is a canary by switchback
    among     the versions that its arms move between
    below     the release before it, where that is no canary
    """

    release: Release | None
    arm: Arm = ""
    canary: Release | None = None
    among: frozenset[str] = frozenset()
    below: Release | None = None

    def swaps(self, version: str) -> bool:
        """Whether putting this in the place of `version` (empty: of nothing) only follows the block of time:
        no commit asks for it, so that it can wait. A canary that comes to a machine the first time is one.
        """
        new = self.release.version if self.release is not None else ""
        if self.canary is None or new == version:
            return False
        return version in self.among or (new == self.canary.version)

    def for_edited(self, version: str) -> Release | None:
        """What is newer than an edited copy of `version`; None for nothing. An edited copy is in neither
        arm: neither a canary nor its control comes to it, only what stays.
        """
        if self.canary is None:
            return self.release
        return None if version in self.among else self.below


@dataclass(frozen=True)
class Claim:
    """Whose skill has a name: `release` is None where that hub could not be read or does not tell of the
    skill, so that nothing of it is touched; and where it withholds a canary now, which keeps the name too
    (`choice`). `shadowed`: the later hubs that offer the same name, with what they would install.
    """

    skill: str
    hub: HubView
    release: Release | None
    choice: Choice = Choice(None)
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


def choose(skill: SkillState, view: HubView, *, has_copy: bool) -> Choice:
    """The release of `skill` that this machine should have in the block `view.day`.

    A canary that this client did not draw leaves the release before it; where that is a canary too, which
    people released another on top of, the last that is none: what is not known to help is no control. A skill
    of a project that this machine does not know is left out, unless it is installed already: only a commit
    takes it away, also where it has come back since, for that project alone.
    """
    current = skill.release(skill.current) if skill.current else None
    whole = _standing(skill, current)
    standing = _less_elsewhere(skill, whole, view)
    if standing[:1] != whole[:1]:
        if not has_copy:
            return Choice(None)
        current = standing[0] if standing else None
    canary = current if current is not None and _by_switchback(current) else None
    release: Release | None = None
    for one in standing:
        above = canary is not None and one is not canary and _by_switchback(one)
        if one.stage != "canary" or (_drawn(one, view) and not above):
            release = one if one.stage != "revoked" else None
            break
    about = release or canary
    known = about is None or has_copy or _here(about, view)
    if canary is None or not known:
        return Choice(release if known else None)
    if not view.canaries:
        return Choice(release, "off")
    # what lies below the canaries; a machine may still have one of those in between
    on_top = list(takewhile(_by_switchback, standing))
    below = next(iter(standing[len(on_top) :]), None)
    if below is not None and below.stage in ("canary", "revoked"):
        below = None
    among = {one.version for one in [*on_top, *([below] if below is not None else [])]}
    return Choice(release, "treated" if release is canary else "control", canary, frozenset(among), below)


def _standing(skill: SkillState, current: Release | None) -> list[Release]:
    """The current release and what it was made from, the newest first, as they stand by now; less what people
    took away (`hub.taken.as_wanted`)."""
    found: dict[str, Release] = {}
    one = current
    while one is not None and one.version not in found:
        found[one.version] = one
        one = skill.release(one.base) if one.base else None
    return [one for one in found.values() if one.stage != "archived"]


def _here(release: Release, view: HubView) -> bool:
    """Whether the release is for this machine: for all, or for a project that it knows."""
    return view.projects is None or release.scope != "project" or release.project in view.projects


def _less_elsewhere(skill: SkillState, standing: Sequence[Release], view: HubView) -> list[Release]:
    """Without what people took away here and brought back for a project that this machine does not know, and
    what was made from that for such a project."""
    hit = [place for place, one in enumerate(standing) if taken_here(skill, one, view)]
    last = max(hit, default=-1)
    return [one for place, one in enumerate(standing) if place > last or _here(one, view)]


def taken_here(skill: SkillState, release: Release, view: HubView) -> bool:
    """Whether people took that version away where it was for this machine, and it is not for it any more."""
    before = (one for one in skill.releases if one.version == release.version and one.stage == "archived")
    return not _here(release, view) and any(_here(one, view) for one in before)


def _by_switchback(release: Release) -> bool:
    return release.stage == "canary" and release.share is not None


def _drawn(release: Release, view: HubView) -> bool:
    """Whether this client has the canary now."""
    if not view.canaries:
        return False
    if release.share is None:
        return in_canary(view.client, release.skill, release.version, view.canary)
    return arms.treated(view.client, release.skill, release.version, view.day, release.share)


def claims(
    views: Sequence[HubView],
    installed: Iterable[Installed],
    declined: Iterable[str] = (),
    withheld: Collection[tuple[str, str]] = (),
) -> list[Claim]:
    """Who has each name, by name. `views` in the order of precedence; `declined`: `<hub>/<skill>` that the
    user does not want, with `*` for every hub; `withheld`: (hub, skill) of canaries that were withheld when
    last looked, which count as installed.

    A hub that could not be read keeps the names that it has copies of, and one that withholds a canary keeps
    the name: another hub's skill would else come and go with the days.
    """
    refused = set(declined)
    copies = {(entry.hub, entry.skill) for entry in installed} | set(withheld)
    names = {skill for _, skill in copies}
    names |= {name for view in views if view.state is not None for name in view.state.skills}
    found = []
    for name in sorted(names):
        if f"*/{name}" in refused:
            continue
        first: tuple[HubView, Choice] | None = None
        later: list[tuple[str, Release]] = []
        for view in views:
            if f"{view.name}/{name}" in refused:
                continue
            has_copy = (view.name, name) in copies
            skill = view.state.skills.get(name) if view.state is not None else None
            choice = choose(skill, view, has_copy=has_copy) if skill is not None else Choice(None)
            # unread or absent is not withdrawn: what is installed keeps its place
            kept = (skill is None and has_copy) or choice.arm == "control"
            if first is None and (choice.release is not None or kept):
                first = (view, choice)
            elif choice.release is not None:
                later.append((view.name, choice.release))
        if first is not None:
            view, choice = first
            found.append(
                Claim(skill=name, hub=view, release=choice.release, choice=choice, shadowed=tuple(later))
            )
    return found
