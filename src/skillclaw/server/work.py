"""The steps of the loop that both the daemon and single commands take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skillclaw.server.machine import PERSONAL

if TYPE_CHECKING:
    from skillclaw.library import SyncReport
    from skillclaw.server.machine import Machine

__all__ = ["cycle_inputs", "sync"]


def cycle_inputs(machine: Machine) -> dict[str, Any]:
    """What `evolve.cycle.run_cycle` needs to know of this machine."""
    from skillclaw.library import foreign_skills

    settings = machine.settings
    ours = set(machine.hub.state().skills)
    return {
        "sessions": machine.sessions,
        "hub": machine.hub,
        "policy": settings.gate.policy,
        "settings": settings.evolve,
        "redactor": machine.redactor,
        "foreign": [skill for skill in foreign_skills(machine.targets) if skill.name not in ours],
        "now": datetime.now(UTC),
        "home": machine.home,
        "environ": machine.environ,
    }


def sync(machine: Machine) -> SyncReport:
    """Bring the agents' skills folders to what the hub's log says; static checks run again before install.

    A running proxy offers the new state to conversations that begin from now on.
    """
    from skillclaw.gate import static_checks
    from skillclaw.server.listing import announce
    from skillclaw.server.proxy_process import reroute

    hub = machine.hub
    report = machine.library.sync(PERSONAL, hub.state(), hub.get_bundle, static_checks)
    announce(report)
    reroute(machine)
    return report
