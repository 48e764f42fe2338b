"""Which released skill an agent really read, by the content that it saw; and which lay in its
folders when the session began."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw.library.past import Lay, past
from skillclaw.server.machine import PERSONAL
from skillclaw.trajectory.model import SkillUse, Trajectory, meta, with_meta
from skillclaw.trajectory.moments import moment_of
from skillclaw.trajectory.skilluse import credit, known_bodies

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["CANARY", "credit_skills"]

CANARY = "skillclaw.canary"
"""Fact in a session's `env`: `off` where the machine takes no part in canaries, so that it is in no arm."""


def credit_skills(machine: Machine, trajectory: Trajectory) -> Trajectory:
    """The trajectory with the skills that were before the agent; `version` only where the text seen is one's.

    Must see the text as it was: redaction comes after.
    """
    seen = credit(trajectory, {})
    if any(use.read_step is not None or use.invoked_step is not None for use in meta(seen).skills):
        seen = credit(trajectory, _known(machine))
    # what came as a file may have been on any machine
    return seen if meta(seen).source == "import" else _as_installed(machine, seen)


def _as_installed(machine: Machine, seen: Trajectory) -> Trajectory:
    """With what the library had in the agent's folders at the session's first exchange: of the skills that it
    saw named, and of those whose copy was edited meanwhile, by which the session is in no arm of a canary."""
    known = past(machine.home)
    times = [moment for step in seen.steps if (moment := moment_of(step.timestamp)) is not None]
    if not times or not known.newest:
        return seen
    begin, end = min(times), max(times)
    told = meta(seen)
    env = told.env if known.canaries(begin) else {**told.env, CANARY: "off"}
    there: dict[str, list[Lay]] = {}
    for lay in _read_by(machine, seen.agent.name, known.copies(begin, end)):
        there.setdefault(lay.skill, []).append(lay)
    uses = {use.name: use for use in told.skills}
    named = {re.split(r"[/:]", name)[-1]: name for name in uses}  # some agents name a category or plugin too
    for skill, lays in sorted(there.items()):
        name, edited = named.get(skill, skill), any(lay.edited for lay in lays)
        # groups are known by their ids; a skill of no hub that is known is told to none of them
        hub = PERSONAL if lays[0].hub == PERSONAL else lays[0].group or None
        if name not in uses and not (edited and hub is not None):
            continue
        use, versions = uses.get(name, SkillUse(name=name)), {lay.version for lay in lays}
        uses[name] = msgspec.structs.replace(
            use,
            hub=use.hub if use.hub is not None else hub,
            installed=versions.pop() if len(versions) == 1 else None,
            edited=edited,
        )
    ordered = [uses[name] for name in sorted(uses)]
    return with_meta(seen, msgspec.structs.replace(told, skills=ordered, env=dict(sorted(env.items()))))


def _read_by(machine: Machine, agent: str, lays: list[Lay]) -> list[Lay]:
    """Those in folders that the agent reads; all where it is not known which these are."""
    from skillclaw.agents import Env, adapters
    from skillclaw.server.sessions.running import read_by

    adapter = adapters().get(agent)
    if adapter is None:
        return lays
    env, targets = Env.current(), {lay.target for lay in lays}
    wanted = {target for target in targets if read_by(machine, adapter, env, Path(target))}
    return [lay for lay in lays if lay.target in wanted]


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
