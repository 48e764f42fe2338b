"""The steps of the loop that both the daemon and single commands take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skillclaw.errors import VerifyError
from skillclaw.hub.rules import approved
from skillclaw.server.machine import PERSONAL
from skillclaw.skills.lint import is_script

if TYPE_CHECKING:
    from skillclaw.hub import HubState, Release
    from skillclaw.library import SyncReport
    from skillclaw.server.machine import Machine
    from skillclaw.skills.records import Bundle

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
    state = hub.state()

    def fetch(release: Release) -> Bundle:
        bundle = hub.get_bundle(release)
        _check_approved(state, release, bundle)
        return bundle

    report = machine.library.sync(PERSONAL, state, fetch, static_checks)
    announce(report)
    reroute(machine)
    return report


def _check_approved(state: HubState, release: Release, bundle: Bundle) -> None:
    """Raise VerifyError for a release with programs that no owner or reviewer approved. The gate holds such
    a proposal under every policy (DESIGN 7.5), but the gate is the evolver's word, and its key may be stolen.
    """
    scripts = [file.path for file in bundle.files if is_script(file.path, file.data, file.executable)]
    proposal = state.proposals.get(release.proposal) if release.proposal else None
    if scripts and (proposal is None or not approved(state, proposal)):
        raise VerifyError(
            f"It brings files that a machine runs ({', '.join(scripts[:5])}), and nobody approved it."
        )
