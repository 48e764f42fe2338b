"""What takes longer to be told: which agents are here, what they wrote by themselves, which copies were
edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.server.setup.survey import AgentFound, agents_here
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["AtHand", "at_hand"]


class AtHand(Record, frozen=True, kw_only=True):
    """`agents`: those that are here or have past sessions; `loose`: installed, and neither connected nor
    followed; `candidates`: skills that agents wrote and nobody offered; `edited`: (hub, skill) of copies that
    were edited."""

    agents: list[AgentFound]
    loose: list[AgentFound]
    candidates: int
    edited: list[tuple[str, str]]


def at_hand(machine: Machine) -> AtHand:
    """Looks at the agents' programs, their histories' folders and every installed copy."""
    from skillclaw.agents import Env
    from skillclaw.server.skills.candidates import count_candidates

    agents = [
        one
        for one in agents_here(machine, versions=False)
        if one.installed or one.sessions or one.connected or one.followed
    ]
    edited = {(row.hub, row.skill) for row in machine.library.status() if row.state == "edited"}
    return AtHand(
        agents=agents,
        loose=[one for one in agents if one.installed and not (one.connected or one.followed)],
        candidates=count_candidates(machine, Env.current()),
        edited=sorted(edited),
    )
