"""People's decisions: approve, reject, pin, roll back. Each is a signed commit: of the personal hub, or of
the hub that has the skill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from skillclaw.errors import BadInputError, UsageError
from skillclaw.server.naming import find_skill
from skillclaw.skills.records import Proposal

if TYPE_CHECKING:
    from skillclaw.hub import Hub, ProposalState, Release
    from skillclaw.server.machine import Machine

__all__ = ["approve", "find", "load", "person_role", "reject", "revoke", "rollback", "set_pinned"]


def find(machine: Machine, prefix: str) -> ProposalState:
    """The one proposal whose id begins with `prefix`; BadInputError where there is none or more."""
    found = [p for p in machine.hub.state().proposals.values() if p.id.startswith(prefix)]
    if len(found) != 1:
        what = "No proposal" if not found else f"{len(found)} proposals"
        raise BadInputError(
            f"{what} with an id that begins with {prefix!r}.", "", "See: skillclaw proposals list"
        )
    return found[0]


def load(machine: Machine, state: ProposalState) -> Proposal:
    """The proposal's record, its hash checked."""
    return msgspec.json.decode(machine.hub.get_object(state.object), type=Proposal)


def approve(machine: Machine, prefix: str) -> Release:
    """Approve a held proposal as the hub's owner and release it."""
    state = find(machine, prefix)
    if state.status != "held":
        raise UsageError(
            f"Proposal {state.id} is {state.status}, so it cannot be approved.",
            "Only held proposals wait for people; a rejected one failed a check that no approval replaces.",
            f"See why: skillclaw proposals show {state.id}",
        )
    machine.hub.approve(state.id)
    return machine.hub.release(state.id, stage="stable")


def reject(machine: Machine, prefix: str, why: str) -> ProposalState:
    """Reject a proposal for good: the same evidence makes the same id, which is not judged again."""
    state = find(machine, prefix)
    if state.status == "released":
        raise UsageError(
            f"Proposal {state.id} is released already.",
            "",
            f"Take it back: skillclaw skills rollback {state.skill}",
        )
    machine.hub.reject(state.id, why)
    return machine.hub.state().proposals[state.id]


def set_pinned(machine: Machine, name: str, pinned: bool) -> None:
    """Pin a skill (`NAME` or `HUB/NAME`), so that no cycle changes or retires it, or let go of it."""
    found = find_skill(machine, name)
    body = {"skill": found.skill.name, "pinned": pinned}
    found.hub.commit("pin", body, role=person_role(machine, found.hub))


def revoke(machine: Machine, name: str, version: str | None, why: str) -> list[str]:
    """Revoke a version (a prefix will do), or all of them: clients move every copy to quarantine, and none of
    them can be released again. Returns the versions."""
    from skillclaw.server.reports import version_like

    found = find_skill(machine, name)
    skill = found.skill
    chosen = version_like(skill, version) if version is not None else None
    hit = sorted({r.version for r in skill.releases if chosen in (None, r.version) and r.stage != "revoked"})
    if not hit:
        raise UsageError(f"That is revoked already ({name}).", "", f"See: skillclaw skills log {name}")
    found.hub.revoke(skill.name, chosen, why)
    return hit


def rollback(machine: Machine, name: str, to: str | None) -> str | None:
    """Go back to version `to` (a prefix will do), or to the one before; None when nothing was before."""
    from skillclaw.server.reports import version_like

    found = find_skill(machine, name)
    skill = found.skill
    if skill.current is None:
        raise UsageError(
            f"{name} has no current version to go back from.", "", f"See: skillclaw skills log {name}"
        )
    if to is not None:
        target: str | None = version_like(skill, to)
    else:
        current = skill.release(skill.current)
        target = current.base if current else None
    if target == skill.current:
        raise UsageError(f"{name} is at that version already.", "", f"See: skillclaw skills log {name}")
    found.hub.rollback(skill.name, target)
    return target


def person_role(machine: Machine, hub: Hub) -> str:
    """As whom this machine may speak for people in that hub: its owner, else a reviewer."""
    from skillclaw.hub import keys

    reviewer = keys.load(machine.home / "keys", hub.info.group, "reviewer")
    owner = keys.load(machine.home / "keys", hub.info.group, "owner")
    return "reviewer" if owner is None and reviewer is not None else "owner"
