"""What the gate says of a text that was written on this machine, by its user or by an agent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.hub.approval import policy_of

if TYPE_CHECKING:
    from skillclaw.evolve.evolvers import Current
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Proposal, Verdict

__all__ = ["judged"]


def judged(
    machine: Machine,
    proposal: Proposal,
    current: Mapping[str, Current],
    *,
    ours: Collection[str],
    same: Collection[str],
) -> list[Verdict]:
    """The verdicts of all checks under the personal hub's policy. `ours`: the hub's skills by name; `same`:
    versions of copies of the very text, which are no other skills that say the same."""
    from skillclaw import gate
    from skillclaw.library import foreign_skills
    from skillclaw.skills.bundle import version

    has_sessions = (machine.home / "sessions.db").exists()

    def session(key: str) -> Any:
        try:
            return machine.sessions.get(key) if has_sessions else None
        except BadInputError:
            return None

    context = gate.GateContext(
        policy=gate.policy(policy_of(msgspec.to_builtins(machine.settings.gate), proposal.skill)),
        redactor=machine.redactor,
        sessions=session,
        current=current,
        foreign=[
            other
            for other in foreign_skills(machine.targets)
            if other.name not in ours and version(other.bundle) not in same
        ],
    )
    return gate.judge(proposal, context)
