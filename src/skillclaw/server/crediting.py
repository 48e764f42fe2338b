"""Which released skill an agent really read, by the content that it saw (DESIGN 7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.server.machine import PERSONAL
from skillclaw.trajectory.model import Trajectory, meta
from skillclaw.trajectory.skilluse import credit, known_bodies

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["credit_skills"]


def credit_skills(machine: Machine, trajectory: Trajectory) -> Trajectory:
    """The trajectory with the skills that were before the agent; `version` only where the text seen is one's.

    Must see the text as it was: redaction comes after.
    """
    seen = credit(trajectory, {})
    if not any(use.read_step is not None or use.invoked_step is not None for use in meta(seen).skills):
        return seen
    return credit(trajectory, _known(machine))


def _known(machine: Machine) -> dict[str, tuple[str, str]]:
    """Every text of every release of the hubs. Where two share a body, the current release of a skill wins,
    and the personal hub does. Groups' hubs go by the group's id; older releases of theirs count only where
    they are on this machine.
    """
    known: dict[str, tuple[str, str]] = {}
    for source in reversed(machine.hubs.at_hand()):
        if source.hub is None or source.state is None:
            continue
        for skill in source.state.skills.values():
            for release in sorted(skill.releases, key=lambda r: r.version == skill.current):
                fetch = release.version == skill.current
                text = machine.hubs.text(source.hub, release, fetch=fetch)
                if text is not None:
                    known |= known_bodies(source.state.group, release.version, text)
    for skill in machine.hub.state().skills.values():
        for release in sorted(skill.releases, key=lambda r: r.version == skill.current):
            for file in machine.hub.get_bundle(release).files:
                if file.path == "SKILL.md":
                    known |= known_bodies(PERSONAL, release.version, file.data.decode("utf-8", "replace"))
    return known
