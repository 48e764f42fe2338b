"""What is known of skills, put together from the hubs' logs and the library, for CLI and web page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import LASTING, BadInputError, in_one_line
from skillclaw.library.choose import choose
from skillclaw.server.skills.naming import find_skill, shown
from skillclaw.skills.records import Bundle, Sidecar
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.hub import Hub, HubState, Release, SkillState
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.naming import Found

__all__ = [
    "EvidenceRow",
    "SkillRow",
    "current_bundle",
    "diff_versions",
    "evolver_home",
    "sidecar_of",
    "skill_evidence",
    "skill_rows",
    "version_like",
]


class SkillRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One skill in `skills list --json`. `installed` maps each folder to how the copy there stands;
    `shadowed_by` is the hub whose skill of the same name is taken instead, or null. `arm`: of a canary by
    switchback, whether this machine has it today (`treated`), is without it (`control`), or takes no part
    (`off`); empty for anything else. `trouble`: why what it rests on cannot be read; then no sessions, users
    and agents are told."""

    name: str
    version: str
    stage: str
    scope: str
    agents: list[str]
    sessions: int
    users: int
    pinned: bool = False
    installed: dict[str, str] = {}
    hub: str = ""
    shadowed_by: str | None = None
    arm: str = ""
    trouble: str = ""

    @property
    def shown(self) -> str:
        """The name by which commands know it."""
        return shown(self.hub, self.name)

    def installed_text(self) -> str:
        """For a table cell: in how many folders it is, and every copy that is not as released."""
        if self.shadowed_by is not None and not self.installed:
            return f"shadowed by {self.shadowed_by}"
        well = sum(state == "installed" for state in self.installed.values())
        others = [f"{state} in {folder}" for folder, state in self.installed.items() if state != "installed"]
        told = [f"{well} folder{'' if well == 1 else 's'}"] * bool(well) + others
        if self.arm == "control":
            told.append("canary, withheld today (control)")
        elif self.arm == "off":
            told.append("takes no part in canaries")
        if self.trouble:
            told.append("its evidence cannot be read (skillclaw hub verify)")
        return ", ".join(told) or "no"


class EvidenceRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One item in `skills evidence --json`. helpful, harmful: sessions that did what the line says and
    succeeded, or failed, as the last cycle on this machine counted them, else as the release has them."""

    item: str
    text: str
    sessions: list[str]
    users: int
    odds_ratio: float | None
    ci: tuple[float, float] | None
    kind: str
    patterns: list[str]
    helpful: int = 0
    harmful: int = 0


def version_like(skill: SkillState, prefix: str) -> str:
    """The one released version that begins with `prefix`."""
    found = {r.version for r in skill.releases if r.version.startswith(prefix)}
    if len(found) != 1:
        what = "no version" if not found else f"{len(found)} versions"
        raise BadInputError(
            f"{skill.name} has {what} that begins with {prefix!r}.",
            "",
            f"See: skillclaw skills log {skill.name}",
        )
    return found.pop()


def _sidecar(machine: Machine, hub: Hub, state: HubState, skill: SkillState) -> Sidecar | None:
    release = skill.release(skill.current) if skill.current else None
    return sidecar_of(machine, hub, state, release) if release is not None else None


def sidecar_of(machine: Machine, hub: Hub, state: HubState, release: Release) -> Sidecar | None:
    """What a version rests on, without the sessions that were forgotten since; None where nothing was
    released with it."""
    from skillclaw.evolve.current import sidecar_in

    sidecar = sidecar_in(release, lambda name: machine.hubs.object(hub, name))
    if sidecar is None:
        return None
    forgotten = set(state.tombstones)
    items = [
        msgspec.structs.replace(item, evidence=[r for r in item.evidence if r.session not in forgotten])
        for item in sidecar.items
    ]
    return msgspec.structs.replace(sidecar, items=items)


def skill_rows(machine: Machine) -> tuple[list[SkillRow], list[Source]]:
    """Every skill that is available now, of all hubs in the order of precedence; and the hubs that could not
    be read, of which only what is installed is told. Raises the error where none could be.
    """
    sources = machine.hubs.sources()
    unread = [source for source in sources if source.error is not None]
    if len(unread) == len(sources) and unread[0].error is not None:
        raise unread[0].error
    installed: dict[tuple[str, str], dict[str, str]] = {}
    shadowed: dict[tuple[str, str], str] = {}
    for row in machine.library.status():
        if row.state == "shadowed":
            shadowed[row.hub, row.skill] = row.detail.removeprefix("shadowed by ")
        elif row.state != "withheld":
            installed.setdefault((row.hub, row.skill), {})[str(row.target)] = row.state
    rows = []
    views = {source.name: machine.hubs.view(source) for source in sources}
    for source in sources:
        if source.state is None or source.hub is None:
            rows += [
                SkillRow(
                    name=name,
                    version="",
                    stage="unknown",
                    scope="",
                    agents=[],
                    sessions=0,
                    users=0,
                    installed=places,
                    hub=source.name,
                )
                for (hub, name), places in sorted(installed.items())
                if hub == source.name
            ]
            continue
        for name, skill in sorted(source.state.skills.items()):
            release = skill.release(skill.current) if skill.current else None
            if release is None:
                continue
            trouble = ""
            try:
                sidecar = sidecar_of(machine, source.hub, source.state, release)
            except LASTING as error:  # of this skill alone
                sidecar, trouble = None, in_one_line(error)
            places = installed.get((source.name, name), {})
            refs = [ref for item in (sidecar.items if sidecar else []) for ref in item.evidence]
            rows.append(
                SkillRow(
                    name=name,
                    version=release.version,
                    stage=skill.stage,
                    scope=release.scope,
                    agents=sorted({ref.agent for ref in refs}),
                    sessions=len({ref.session for ref in refs}),
                    users=len({ref.user for ref in refs}),
                    pinned=skill.pinned,
                    installed=places,
                    arm=choose(skill, views[source.name], has_copy=bool(places)).arm,
                    hub=source.name,
                    shadowed_by=shadowed.get((source.name, name)),
                    trouble=trouble,
                )
            )
    return rows, unread


def current_bundle(machine: Machine, name: str) -> Bundle:
    """The files of the skill's current version; `name` may be `HUB/NAME`, as for all below."""
    found = find_skill(machine, name)
    return machine.hubs.bundle(found.hub, found.current)


def skill_evidence(machine: Machine, name: str) -> list[EvidenceRow]:
    """Each item of the current version with the sessions and users behind it."""
    from skillclaw.evolve.counts import latest

    found = find_skill(machine, name)
    sidecar = _sidecar(machine, found.hub, found.state, found.skill)
    return [
        EvidenceRow(
            item=item.id,
            text=item.text,
            sessions=sorted({ref.session for ref in item.evidence}),
            users=len({ref.user for ref in item.evidence}),
            odds_ratio=item.odds_ratio,
            ci=item.ci,
            kind=item.kind,
            patterns=item.patterns,
            helpful=item.helpful,
            harmful=item.harmful,
        )
        for item in latest(evolver_home(machine, found), sidecar.items if sidecar else [])
    ]


def evolver_home(machine: Machine, found: Found) -> Path:
    """Where the state of the hub's evolver lies, if this machine has it."""
    from skillclaw.server.machine import PERSONAL

    return machine.home if found.source.name == PERSONAL else machine.home / "groups" / found.hub.info.group


def diff_versions(machine: Machine, name: str, old: str | None, new: str | None) -> str:
    """A unified diff of two released versions: by default the current one and the one before it."""
    from skillclaw.skills.diff import unified

    found = find_skill(machine, name)
    skill = found.skill
    release = skill.release(version_like(skill, new)) if new else found.current
    if release is None:
        raise BadInputError(f"{name} has no such version.", "", f"See: skillclaw skills log {name}")
    older = version_like(skill, old) if old else release.base
    before = skill.release(older) if older else None
    empty = Bundle(name=skill.name, files=[])
    base = machine.hubs.bundle(found.hub, before) if before else empty
    return unified(base, machine.hubs.bundle(found.hub, release))
