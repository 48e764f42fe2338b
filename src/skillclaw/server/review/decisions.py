"""People's decisions: approve, reject, pin, roll back. Each is a signed commit: of the personal hub, or of
the hub that has the skill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError, UsageError
from skillclaw.hub.approval import (
    fresh,
    missing,
    needed,
    overtaken_by,
    too_late,
    waits_for_people,
)
from skillclaw.hub.proposing import propose_anew, recorded
from skillclaw.hub.taken import left_over, revoked_by_none, taken
from skillclaw.server.machine import PERSONAL
from skillclaw.server.review.reviewing import (
    check_no_source,
    is_source,
    needs,
    policy_for,
    stage_for,
)
from skillclaw.server.skills.naming import at_already, find_skill, shown
from skillclaw.skills.records import Proposal

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, ProposalState, Release
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.naming import Found

__all__ = [
    "NOTE",
    "Approved",
    "FoundProposal",
    "approve",
    "archive",
    "find",
    "load",
    "promote",
    "proposals",
    "reject",
    "revoke",
    "rollback",
    "set_pinned",
    "vote",
]

NOTE = 500
"""Characters of a reason that the log keeps."""
VOTES = ("approve", "against")


@dataclass(frozen=True)
class FoundProposal:
    """A proposal with the hub that it is in; `hub_name` as the settings have it, `log` the hub's state."""

    hub_name: str
    hub: Hub
    state: ProposalState
    log: HubState


@dataclass(frozen=True)
class Approved:
    """What became of an approval: the release, or what it still `needs`. `source_unknown`: a reviewer who is
    not a source has to look at it, and this machine cannot tell whether its user is one."""

    proposal: ProposalState
    release: Release | None
    needs: str = ""
    source_unknown: bool = False


def proposals(machine: Machine, hub: str | None = None) -> tuple[list[FoundProposal], list[Source]]:
    """The proposals of all hubs, or of one, newest first; and the hubs that could not be read."""
    sources = machine.hubs.sources() if hub is None else [machine.hubs.source(hub)]
    unread = [source for source in sources if source.error is not None]
    if hub is not None and unread and unread[0].error is not None:
        raise unread[0].error
    found = [
        FoundProposal(source.name, source.hub, one, source.state)
        for source in sources
        if source.hub is not None and source.state is not None
        for one in source.state.proposals.values()
    ]
    return sorted(found, key=lambda one: (one.state.time, one.state.seq), reverse=True), unread


def find(machine: Machine, prefix: str, hub: str | None = None) -> FoundProposal:
    """The one proposal with the id `prefix`, else the one whose id begins so; BadInputError where there is
    none or more. One whose id is another's and more is not in the way of that one, which was there before;
    one whose id is the beginning of another's that was there before may be what somebody made of what a
    person was seen to type: that person is asked again. So is who gives the beginning of an id while a hub
    is away, which may have the one that was meant."""
    if not prefix:
        raise BadInputError("No proposal is named.", "Its id is empty.", "See: skillclaw proposals list")
    all_, unread = proposals(machine, hub)
    found = [one for one in all_ if one.state.id.startswith(prefix)]
    whole = [one for one in found if one.state.id == prefix]
    if len(whole) == 1 and all(_first(whole[0], one) for one in found):
        found = whole
    hubs = {one.hub_name for one in found}
    if len(found) == 1 and unread and found[0].state.id != prefix:
        away = ", ".join(source.name for source in unread)
        raise BadInputError(
            f"A proposal of {found[0].hub_name} has an id that begins with {prefix!r}.",
            f"Not looked into: {away}, which may have another.",
            f"Give the whole id ({found[0].state.id}), or say which hub: --hub {found[0].hub_name}",
        )
    if len(found) != 1:
        what = "No proposal" if not found else f"{len(found)} proposals"
        why = f"Not looked into: {', '.join(source.name for source in unread)}." if unread else ""
        todo = "See: skillclaw proposals list" + (", and say which hub: --hub NAME" if len(hubs) > 1 else "")
        if not found and unread and (error := unread[0].error) is not None:
            why, todo = f"{why} {error.brief}", error.todo or todo
        raise BadInputError(f"{what} with an id that begins with {prefix!r}.", why, todo)
    return found[0]


def _first(one: FoundProposal, other: FoundProposal) -> bool:
    """Whether `one` was there before `other`; of two logs nobody can tell."""
    return one.hub_name == other.hub_name and one.state.seq <= other.state.seq


def _found(machine: Machine, proposal: str | FoundProposal, hub: str | None) -> FoundProposal:
    return find(machine, proposal, hub) if isinstance(proposal, str) else proposal


def load(found: FoundProposal) -> Proposal:
    """The proposal's record, checked against what the log says of it."""
    return recorded(found.hub, found.state)


def approve(
    machine: Machine, proposal: str | FoundProposal, hub: str | None = None, note: str = ""
) -> Approved:
    """Approve a proposal as the hub's owner or reviewer, and release it where that was all it waited for: in
    a group as a canary. Who approved before and was cut off releases it by approving again."""
    machine.may_install()
    found = _found(machine, proposal, hub)
    state, record, group = found.state, load(found), found.hub_name != PERSONAL
    policy = policy_for(found.log, record, group=group)
    if not waits_for_people(found.log, state, policy):
        raise UsageError(
            f"Proposal {state.id} is {state.status}, so it cannot be approved.",
            "Only held proposals wait for people; a rejected one failed a check that no approval replaces.",
            f"See why: skillclaw proposals show {state.id}",
        )
    _check_note(note)
    if group:
        check_no_source(machine, found.hub, found.log, state, record)
    _check_late(found.log, state)
    now = found.hub.approve(state.id, note)
    log = found.hub.last_state()
    _check_late(log, now)
    unknown = group and policy == "strict" and is_source(machine, log, record) is None
    if now.status != "released" and missing(log, fresh(log, now)):
        return Approved(now, None, needs(log, now, policy, record.instead), unknown)
    release = found.hub.release(now.id, stage=stage_for(policy, group=group))
    if release.taken and now.action != "retire":
        raise UsageError(
            f"Proposal {now.id} is released, and no machine takes it.",
            f"People took a version of {now.skill} away in the same moment, so that what was approved before "
            "counts no more.",
            f"See: skillclaw skills log {shown(found.hub_name, now.skill)}",
        )
    return Approved(found.hub.last_state().proposals[now.id], release, source_unknown=unknown)


def _check_late(log: HubState, proposal: ProposalState) -> None:
    if proposal.status != "released" and too_late(log, proposal):
        gone = overtaken_by(log, proposal)
        raise UsageError(
            f"Proposal {proposal.id} was approved before people took a version of {gone} away.",
            "Machines do not count that any more, and too few are left who did not approve it yet.",
            propose_anew(proposal),
        )


def _check_note(note: str) -> None:
    if len(note) > NOTE:
        raise BadInputError("The note is too long.", f"{len(note)} characters of {NOTE}.")


def reject(
    machine: Machine, proposal: str | FoundProposal, why: str, hub: str | None = None
) -> ProposalState:
    """Reject a proposal for good: the same evidence makes the same id, which is not judged again."""
    _check_note(why)
    found = _found(machine, proposal, hub)
    state = found.state
    try:
        if state.status != "released":
            return found.hub.reject(state.id, why)
    except BadInputError:
        if found.hub.state().proposals[state.id].status != "released":  # somebody was quicker
            raise
    raise UsageError(
        f"Proposal {state.id} is released already.",
        "",
        f"Take it back: skillclaw skills rollback {shown(found.hub_name, state.skill)}",
    )


def vote(
    machine: Machine, proposal: str | FoundProposal, given: str, why: str, hub: str | None = None
) -> FoundProposal:
    """As a member of its group: say what you think of a proposal (`VOTES`). It counts once it is taken in."""
    from skillclaw.hub.inbox import send

    if given not in VOTES:
        raise UsageError(f"There is no vote {given!r}.", "", f"Known: {', '.join(VOTES)}")
    found = _found(machine, proposal, hub)
    if found.hub_name == PERSONAL:
        raise UsageError(
            f"Proposal {found.state.id} is in your own hub.",
            "Votes are for groups.",
            f"Decide: skillclaw proposals approve {found.state.id} (or reject)",
        )
    body = {"proposal": found.state.id, "vote": given, "reason": why}
    send(found.hub, "vote", body, role=found.hub.acts_as("member", "reviewer", "owner") or "member")
    return found


def promote(machine: Machine, name: str, why: str = "") -> Release:
    """Make the current version of a skill (`NAME` or `HUB/NAME`), a canary or unproven, stable for all."""
    machine.may_install()
    found = find_skill(machine, name)
    current = found.current
    if current.stage == "stable":
        raise UsageError(f"{found.shown} is stable already.", "", f"See: skillclaw skills log {found.shown}")
    role = person_role(found.hub)
    return found.hub.promote(found.skill.name, version=current.version, why=why, role=role)


def set_pinned(machine: Machine, name: str, pinned: bool) -> None:
    """Pin a skill (`NAME` or `HUB/NAME`), so that no cycle changes or retires it, or let go of it."""
    found = find_skill(machine, name)
    body = {"skill": found.skill.name, "pinned": pinned}
    found.hub.commit("pin", body, role=person_role(found.hub))


def archive(machine: Machine, name: str, why: str = "") -> str:
    """Leave a skill (`NAME` or `HUB/NAME`) without a current version, for all clients; `rollback` to a
    version brings it back. Returns the version that was current, of one that is archived already, as an
    evolver may have, a version that stays away from now on."""
    machine.may_install()
    found = find_skill(machine, name)
    left = left_over(found.state, found.skill, None) if found.skill.current is None else None
    version = left or found.current.version
    found.hub.archive(found.skill.name, why, base=version, role=person_role(found.hub))
    return version


def revoke(machine: Machine, name: str, version: str | None, why: str) -> list[str]:
    """Revoke a version (a prefix will do), or all of them: clients move every copy to quarantine, and none of
    them can be released again. Returns the versions."""
    from skillclaw.server.skills.reports import version_like

    found = find_skill(machine, name)
    skill = found.skill
    chosen = version_like(skill, version) if version is not None else None
    hit = sorted({r.version for r in skill.releases if chosen in (None, r.version) and r.stage != "revoked"})
    if not hit and found.hub.acts_as("owner", "reviewer") and revoked_by_none(found.state, skill, chosen):
        hit = sorted({one.version for one in skill.releases if chosen in (None, one.version)})
    if not hit:
        raise UsageError(f"That is revoked already ({name}).", "", f"See: skillclaw skills log {name}")
    found.hub.revoke(skill.name, chosen, why)
    return hit


def rollback(machine: Machine, name: str, to: str | None, why: str = "") -> str | None:
    """Go back to version `to` (a prefix will do), or to the one before; None when nothing was before.

    An archived skill comes back only at a version that is named: a command said twice must not undo itself.
    """
    machine.may_install()
    from skillclaw.server.skills.reports import version_like

    found = find_skill(machine, name)
    skill = found.skill
    if skill.current is None:
        return _bring_back(machine, found, name, to)
    if to is not None:
        target: str | None = version_like(skill, to)
    else:
        current = skill.release(skill.current)
        target = current.base if current else None
    _check_wanted(found, name, target)
    left = skill.current if target != skill.current else left_over(found.state, skill, target)
    if left is None:
        raise at_already(name)
    found.hub.rollback(skill.name, target, base=left, why=why)
    return target


def _bring_back(machine: Machine, found: Found, name: str, to: str | None) -> str:
    """Release a version of an archived skill again, as a person."""
    from skillclaw.server.skills.reports import version_like

    skill = found.skill
    last = next((one for one in reversed(skill.releases) if one.stage != "revoked"), None)
    if skill.stage not in ("archived", "revoked") or last is None or to is None:
        again = f"To bring it back: skillclaw skills rollback {name} --to {last.version[:12]}" if last else ""
        raise UsageError(
            f"{name} has no current version to go back from.",
            "",
            again or f"See: skillclaw skills log {name}",
        )
    wanted = version_like(skill, to)
    last = next(one for one in reversed(skill.releases) if one.version == wanted)
    if last.stage == "revoked":
        raise UsageError(f"Version {wanted[:12]} of {name} was revoked.", "It is unsafe and stays away.")
    _check_wanted(found, name, wanted)
    body = {
        "skill": skill.name,
        "version": last.version,
        "base": None,
        "object": last.object,
        "sidecar": last.sidecar,
        "stage": "stable",
        "scope": last.scope,
        "project": last.project,
    }
    found.hub.commit("release", body, role=person_role(found.hub))
    return last.version


def _check_wanted(found: Found, name: str, version: str | None) -> None:
    """UsageError for a version that people took away, in a group where one of them does not bring it back."""
    release = found.skill.release(version) if version is not None else None
    state = found.state
    if release is not None and needed(state.settings) > 1 and taken(state, release):
        raise UsageError(
            f"People took version {release.version[:12]} of {name} away.",
            "Where two people decide, one of them does not bring it back alone.",
            f"Propose it again: skillclaw skills propose {name} --version {release.version[:12]}",
        )


def person_role(hub: Hub) -> str:
    """As whom this machine may speak for people in that hub: its owner, else a reviewer."""
    return hub.acts_as("owner", "reviewer") or "owner"
