"""The groups that this machine belongs to: finding one, looking after it, telling how it stands."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.hub import keys
from skillclaw.hub.inbox import Refusal, TakenIn, refusals, take_in, waiting
from skillclaw.hub.invites import why_not_join
from skillclaw.hub.keyring import ROLES, waiting_rotation
from skillclaw.hub.membership import standing
from skillclaw.hub.store import masked
from skillclaw.hub.taking_in import WRITERS
from skillclaw.server.groups.tombstones import pending, tell
from skillclaw.server.hubs.approved import client_policy
from skillclaw.server.sharing.view import OpenHub, clock, current, group_of, hub_names, open_hub
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, Key
    from skillclaw.hub.taking_in import Judge
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Proposal, Verdict

__all__ = ["Attended", "GroupStatus", "attend", "facts", "find", "judging", "own_keys", "status"]


class Attended(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What was done for one group: messages taken in, sessions that it was told to leave out; or why not."""

    hub: str
    messages: TakenIn = TakenIn()
    forgotten: int = 0
    error: str = ""


class GroupStatus(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One hub (`hub status --json`).

    commits, void  entries of its log, and how many of them do not count
    skills, proposals  how many; keys: by role, those that count
    policy         the group's; model: which model provider its evolver asks, as the owner says
    here           this machine's own keys there: role -> active, waiting (join or rotation), revoked, ...
    inbox          this machine's messages that wait to be taken in; refused: those that were not, and why
    error          why it could not be read; then nothing else is known
    """

    hub: str
    url: str
    group: str = ""
    commits: int = 0
    void: int = 0
    skills: int = 0
    proposals: int = 0
    keys: dict[str, int] = {}
    policy: str = ""
    model: str = ""
    here: dict[str, str] = {}
    inbox: int = 0
    refused: list[Refusal] = []
    error: str = ""


def find(machine: Machine, name: str | None) -> OpenHub:
    """The group's hub of this name; the only one where none is named. UsageError where that says nothing."""
    settings, _ = current(machine)
    if name is None:
        known = hub_names(settings)
        if len(known) != 1:
            raise UsageError(
                "Say which group's hub: --hub NAME." if known else "This machine knows no group's hub.",
                f"Known: {', '.join(known)}." if known else "",
                "" if known else "Make one: skillclaw hub init URL; or join one: skillclaw hub join INVITE",
            )
        name = known[0]
    return open_hub(machine, settings, name)


def own_keys(machine: Machine, hub: Hub) -> dict[str, Key]:
    """This machine's keys that the group's log knows, by role."""
    state = hub.state()
    found = {}
    for role in ROLES:
        key = keys.load(machine.home / "keys", hub.info.group, role)
        known = state.keys.get(keys.public_hex(key)) if key is not None else None
        if known is not None:
            found[role] = known
    return found


def judging(hub: Hub) -> Judge:
    """What judges members' proposals for `hub`."""

    def judge(proposal: Proposal) -> list[Verdict]:
        """What the files of a proposal say, and what who approves it should know of: scripts, commands that
        destroy, lines that steer an agent, all that the version before did not have."""
        if proposal.bundle is None:
            return []
        from skillclaw.evolve.current import current_skills, ignored
        from skillclaw.gate import GateContext, static_checks
        from skillclaw.gate.checks import approval, instructions
        from skillclaw.gate.static import default_masker

        state = hub.last_state()
        own = {name: skill for name, skill in state.skills.items() if name == proposal.skill}
        context = GateContext(
            policy=client_policy(state, proposal.skill, group=True),
            redactor=default_masker(),
            sessions=lambda key: None,
            # Of a version that cannot be read nothing is known, so that all is new.
            current=current_skills(hub, msgspec.structs.replace(state, skills=own), ignored),
        )
        told = [*approval.check(proposal, context), *instructions.check(proposal, context)]
        return [*static_checks(proposal.bundle), *(one for one in told if one.verdict == "hold")]

    return judge


def attend(machine: Machine, accept: Collection[str] = ()) -> list[Attended]:
    """Look after every group where there is something to do for this machine; `accept` as for `take_in`.

    Take in what members left, where a key here may write the log; tell groups of sessions that were forgotten
    here. A hub that fails stops no other; groups where this machine has nothing to do are not even asked.
    """
    settings, _ = current(machine)
    untold = pending(machine)
    done = []
    for name in hub_names(settings):
        if not (name in untold or _may_write(machine, name)):
            continue
        report = Attended(hub=name)
        try:
            opened = open_hub(machine, settings, name)
            if opened.hub.acts_as(*WRITERS):
                messages = take_in(opened.hub, judging(opened.hub), accept)
                report = msgspec.structs.replace(report, messages=messages)
            gone = tell(machine, opened, untold[name]) if name in untold else 0
            report = msgspec.structs.replace(report, forgotten=gone)
        except SkillClawError as error:
            report = msgspec.structs.replace(report, error=error.brief)
        done.append(report)
    return done


def status(machine: Machine, name: str) -> GroupStatus:
    """How the group's hub of this name stands, and this machine in it."""
    settings, _ = current(machine)
    if name not in hub_names(settings):
        open_hub(machine, settings, name)  # says why there is none
    shown = masked(settings.hubs[name].url)
    try:
        opened = open_hub(machine, settings, name)
        return _status(machine, opened, shown)
    except SkillClawError as error:
        return GroupStatus(hub=name, url=shown, error=error.brief)


def _status(machine: Machine, opened: OpenHub, shown: str) -> GroupStatus:
    hub, state, folder = opened.hub, opened.state, machine.home / "keys"
    here: dict[str, str] = {}
    left: list[Any] = []
    refused: list[Refusal] = []
    for role in ROLES:
        key = keys.load(folder, hub.info.group, role)
        if key is None:
            continue
        public = keys.public_hex(key)
        mine = waiting(hub, public)
        left += mine
        refused += refusals(hub, public)
        known = state.keys.get(public)
        if known is not None:
            here[role] = standing(known)
            if waiting_rotation(folder, hub.info.group, role):
                here[role] += ", a new key waits"
        else:
            join = next((m for m in mine if m.kind == "join"), None)
            here[role] = _join_stands(state, str(join.body.get("invite"))) if join else "not admitted"
    return GroupStatus(
        hub=opened.view.name, url=shown, **facts(state), here=here, inbox=len(left), refused=refused
    )


def facts(state: HubState) -> dict[str, Any]:
    """The counts of a log that `hub status` shows."""
    active = [key.role for key in state.keys.values() if key.active]
    return {
        "group": state.group,
        "commits": state.seq,
        "void": state.void,
        "skills": sum(1 for skill in state.skills.values() if skill.current),
        "proposals": len(state.proposals),
        "keys": {role: active.count(role) for role in sorted(set(active))},
        "policy": str(state.settings.get("policy", "solo")),
        "model": str(state.settings.get("model", "")),
    }


def _join_stands(state: HubState, invite: str) -> str:
    """How a join that was not taken in stands, by its invite."""
    known = state.invites.get(invite)
    reason = why_not_join(known, clock()) if known is not None else "the log knows no such invite"
    return f"not taken in: {reason}" if reason else "waiting to be taken in"


def _may_write(machine: Machine, name: str) -> bool:
    """Whether a key lies here that may write this hub's log; the hub itself is not asked."""
    group = group_of(machine, name)
    folder = machine.home / "keys"
    return group is not None and any(keys.load(folder, group, role) is not None for role in WRITERS)
