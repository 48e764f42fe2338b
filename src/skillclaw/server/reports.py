"""What is known of skills, put together from the hub's log and the library, for CLI and web page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.skills.records import Bundle, Sidecar
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import SkillState
    from skillclaw.server.machine import Machine

__all__ = [
    "EvidenceRow",
    "SkillRow",
    "current_bundle",
    "diff_versions",
    "skill_evidence",
    "skill_rows",
    "skill_state",
    "version_like",
]


class SkillRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One skill in `skills list --json`. `installed` maps each folder to how the copy there stands."""

    name: str
    version: str
    stage: str
    scope: str
    agents: list[str]
    sessions: int
    users: int
    pinned: bool = False
    installed: dict[str, str] = {}

    def installed_text(self) -> str:
        """For a table cell: in how many folders it is, and every copy that is not as released."""
        well = sum(state == "installed" for state in self.installed.values())
        others = [f"{state} in {folder}" for folder, state in self.installed.items() if state != "installed"]
        return ", ".join([f"{well} folder{'' if well == 1 else 's'}"] * bool(well) + others) or "no"


class EvidenceRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One item in `skills evidence --json`."""

    item: str
    text: str
    sessions: list[str]
    users: int
    odds_ratio: float | None
    ci: tuple[float, float] | None
    kind: str
    patterns: list[str]


def skill_state(machine: Machine, name: str) -> SkillState:
    """The skill as the log has it; BadInputError with the names that exist."""
    skills = machine.hub.state().skills
    if name not in skills:
        known = ", ".join(sorted(skills)) or "none yet"
        raise BadInputError(
            f"There is no skill named {name!r}.", f"Known: {known}.", "See: skillclaw skills list"
        )
    return skills[name]


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


def _sidecar(machine: Machine, skill: SkillState) -> Sidecar | None:
    """What the current version rests on, without the sessions that were forgotten since."""
    release = skill.release(skill.current) if skill.current else None
    if release is None or release.sidecar is None:
        return None
    sidecar = msgspec.json.decode(machine.hub.get_object(release.sidecar), type=Sidecar)
    forgotten = set(machine.hub.state().tombstones)
    items = [
        msgspec.structs.replace(item, evidence=[r for r in item.evidence if r.session not in forgotten])
        for item in sidecar.items
    ]
    return msgspec.structs.replace(sidecar, items=items)


def skill_rows(machine: Machine) -> list[SkillRow]:
    """Every skill that is available now."""
    installed: dict[str, dict[str, str]] = {}
    for row in machine.library.status():
        installed.setdefault(row.skill, {})[str(row.target)] = row.state
    rows = []
    for name, skill in sorted(machine.hub.state().skills.items()):
        release = skill.release(skill.current) if skill.current else None
        if release is None:
            continue
        sidecar = _sidecar(machine, skill)
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
                installed=installed.get(name, {}),
            )
        )
    return rows


def current_bundle(machine: Machine, name: str) -> Bundle:
    """The files of the skill's current version."""
    skill = skill_state(machine, name)
    release = skill.release(skill.current) if skill.current else None
    if release is None:
        raise BadInputError(f"{name} has no current version.", "", f"See: skillclaw skills log {name}")
    return machine.hub.get_bundle(release)


def skill_evidence(machine: Machine, name: str) -> list[EvidenceRow]:
    """Each item of the current version with the sessions and users behind it."""
    sidecar = _sidecar(machine, skill_state(machine, name))
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
        )
        for item in (sidecar.items if sidecar else [])
    ]


def diff_versions(machine: Machine, name: str, old: str | None, new: str | None) -> str:
    """A unified diff of two versions; `edited` stands for the copy that the user changed."""
    from skillclaw.skills.diff import unified

    skill = skill_state(machine, name)
    if "edited" in (old, new):
        edited = machine.library.edited_bundle(name)
        if edited is None:
            raise BadInputError(
                f"No installed copy of {name} is edited.", "", "See: skillclaw skills edit-status"
            )
        return unified(current_bundle(machine, name), edited)
    newer = version_like(skill, new) if new else skill.current
    release = skill.release(newer) if newer else None
    if release is None:
        raise BadInputError(f"{name} has no current version.", "", f"See: skillclaw skills log {name}")
    older = version_like(skill, old) if old else release.base
    before = skill.release(older) if older else None
    empty = Bundle(name=name, files=[])
    return unified(machine.hub.get_bundle(before) if before else empty, machine.hub.get_bundle(release))
