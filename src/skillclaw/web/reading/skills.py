"""The list of all skills of all hubs, as light rows: made once for each entry of a hub's log, then searched,
filtered, sorted and cut into pages without reading anything again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillclaw.server.machine import PERSONAL
from skillclaw.skills.records import Effect
from skillclaw.web.reading.sidecars import Sidecars

if TYPE_CHECKING:
    from skillclaw.hub import Release, SkillState
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine

__all__ = [
    "SORTS",
    "STAGES",
    "Light",
    "Wish",
    "chosen",
    "hub_key",
    "last_effect",
    "lights",
    "shown_release",
    "with_use",
]

SORTS = ("name", "effect", "use", "age")
STAGES = ("in use", "canary", "stable", "unproven", "archived", "revoked", "all")


@dataclass(frozen=True)
class Light:
    """One skill of one hub. `version`: the current one, else the last; `live`: something is current;
    `effect`: the last that was measured of this version; `began`, `changed`: when the first, and this
    version, were released; `words`: what a search looks into; `use`: sessions of the last days that were
    offered it, and that read it, None where nothing is known."""

    hub: str
    name: str
    version: str
    stage: str
    live: bool
    scope: str
    pinned: bool
    share: float | None
    effect: Effect | None
    began: str
    changed: str
    versions: int
    sessions: int
    users: int
    agents: tuple[str, ...]
    description: str
    words: str
    use: tuple[int, int] | None = None


@dataclass(frozen=True)
class Wish:
    """What the reader wants to see; empty: everything."""

    words: str = ""
    hub: str = ""
    stage: str = "in use"
    agent: str = ""
    sort: str = "name"


def hub_key(source: Source) -> str:
    """How sessions name the hub: `personal`, or the group's id."""
    return PERSONAL if source.name == PERSONAL or source.state is None else source.state.group


def last_effect(release: Release) -> Effect | None:
    """What was measured last of a version, or was to be; None where nothing was tried."""
    return next((one.effect for one in reversed(release.story) if one.effect is not None), None)


def benefit(effect: Effect | None) -> float | None:
    """How much better it is with the skill (shares, -1..1): more success, or less of the failing action; None
    where that was not measured."""
    if effect is None or effect.difference is None:
        return None
    return -effect.difference if effect.endpoint == "event" else effect.difference


def lights(machine: Machine, source: Source, sidecars: Sidecars) -> list[Light]:
    """The rows of one hub by name; none where it could not be read."""
    state = source.state
    if state is None or source.hub is None:
        return []
    forgotten = frozenset(state.tombstones)
    found = []
    for name in sorted(state.skills):
        skill = state.skills[name]
        release = shown_release(skill)
        if release is not None:
            found.append(_light(machine, source, skill, release, sidecars, forgotten))
    return found


def shown_release(skill: SkillState) -> Release | None:
    """The current release, else the last one."""
    current = skill.release(skill.current) if skill.current else None
    return current or (skill.releases[-1] if skill.releases else None)


def _light(
    machine: Machine,
    source: Source,
    skill: SkillState,
    release: Release,
    sidecars: Sidecars,
    forgotten: frozenset[str],
) -> Light:
    assert source.hub is not None
    known = sidecars.of(machine, source.hub, release)
    refs = [ref for ref in known.refs if ref.session not in forgotten] if known is not None else []
    description = known.description if known is not None else ""
    return Light(
        hub=source.name,
        name=skill.name,
        version=release.version,
        stage=skill.stage if skill.current or release.stage != "revoked" else "revoked",
        live=skill.current is not None,
        scope=release.scope,
        pinned=skill.pinned,
        share=release.share,
        effect=last_effect(release),
        began=skill.releases[0].time,
        changed=release.time,
        versions=len({one.version for one in skill.releases}),
        sessions=len({ref.session for ref in refs}),
        users=len({ref.user for ref in refs}),
        agents=tuple(sorted({ref.agent for ref in refs})),
        description=description,
        words=f"{skill.name}\n{known.words if known is not None else ''}".casefold(),
    )


def with_use(
    rows: Sequence[Light], counts: Mapping[tuple[str, str], tuple[int, int]], keys: Mapping[str, str]
) -> list[Light]:
    """The rows with how often sessions were offered them and read them. `counts` by (skill, hub as sessions
    name it), `keys`: that name by hub, in the order of precedence. A session that tells the name alone counts
    for the first hub that has a skill of the name."""
    first: dict[str, str] = {}
    for hub in keys:
        for row in rows:
            if row.hub == hub and row.live:
                first.setdefault(row.name, hub)
    found = []
    for row in rows:
        offered, read = counts.get((row.name, keys.get(row.hub, "")), (0, 0))
        if first.get(row.name) == row.hub:
            by_name = counts.get((row.name, ""), (0, 0))
            offered, read = offered + by_name[0], read + by_name[1]
        found.append(replace(row, use=(offered, read)))
    return found


def chosen(rows: Sequence[Light], wish: Wish) -> list[Light]:
    """The rows that the reader asks for, sorted."""
    wanted = wish.words.casefold().split()
    found = [
        row
        for row in rows
        if all(word in row.words for word in wanted)
        and wish.hub in ("", row.hub)
        and (not wish.agent or wish.agent in row.agents)
        and (wish.stage == "all" or (row.live if wish.stage == "in use" else wish.stage == row.stage))
    ]
    found.sort(key=lambda row: (row.name, row.hub))
    if wish.sort == "effect":
        found.sort(key=lambda row: -(worth if (worth := benefit(row.effect)) is not None else -9.0))
    elif wish.sort == "use":
        found.sort(key=lambda row: (-row.use[1], -row.use[0]) if row.use else (1, 0))
    elif wish.sort == "age":
        found.sort(key=lambda row: row.began, reverse=True)
    return found
