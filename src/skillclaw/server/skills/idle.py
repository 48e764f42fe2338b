"""Skills that a person installed and whose agents did not open them, and what their descriptions cost.

Every session of an agent pays for the name and the description of each skill that it loads. Whether one was
opened is what the sessions on this machine show (`uses`): that a session is not here, or that an agent
keeps no history, is no sign of anything, so an agent with few sessions is not judged.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.agents import Adapter, Env
    from skillclaw.library import Foreign
    from skillclaw.server.machine import Machine

__all__ = ["IdleSkill", "OwnSkills", "own_skills", "skills_of"]

ENOUGH = 5
"""Sessions that an agent must have here before a skill that none of them opened counts as not used."""


class IdleSkill(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A skill that no session here opened.

    agents    those that load it and have enough sessions here; sessions: how many these are
    offered   in how many of them its name was in the list of skills
    listed    tokens of its name and description, estimated (`skills.tokens`), which each session pays
    whole     tokens of its SKILL.md, which a session that opened it would pay
    """

    name: str
    folder: str
    agents: list[str]
    sessions: int
    offered: int
    listed: int
    whole: int


class OwnSkills(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The skills on this machine that SkillClaw did not install: how many, those that were opened, those that
    were not, and those of agents with too few sessions here to tell."""

    installed: int = 0
    opened: int = 0
    idle: list[IdleSkill] = []
    unknown: int = 0


def skills_of(machine: Machine, adapter: Adapter, env: Env) -> list[Foreign]:
    """The skills in the folders that an agent reads, but for those that SkillClaw installed."""
    from skillclaw.library import book, foreign_skills

    try:
        folders = adapter.skills(env)
    except Exception:  # a plugin may fail in any way
        return []
    ours = {os.path.realpath(Path(entry.target) / entry.skill) for entry in book.load(machine.home).installed}
    return [one for one in foreign_skills(folders) if os.path.realpath(one.path) not in ours]


def own_skills(machine: Machine, env: Env) -> OwnSkills:
    """What became of the person's own skills; reads the sessions that name one of them."""
    from skillclaw.agents import adapters
    from skillclaw.library.learned import Learned
    from skillclaw.server.skills.uses import uses_of
    from skillclaw.skills.items import markdown
    from skillclaw.skills.tokens import estimate

    counts = Counter(row.agent for row in machine.sessions.rows(native=False))
    found: dict[str, list[tuple[str, Foreign]]] = {}
    for name, adapter in sorted(adapters().items()):
        if counts[name]:
            for one in skills_of(machine, adapter, env):
                found.setdefault(os.path.realpath(one.path), []).append((name, one))
    asked = [(place, name, one) for place, readers in found.items() for name, one in readers]
    learned = [
        Learned(agent=name, folder=one.path, original=one.bundle, bundle=one.bundle, content="")
        for _, name, one in asked
    ]
    uses = {
        (place, name): use
        for (place, name, _), (use, _) in zip(asked, uses_of(machine, learned), strict=True)
    }
    opened = unknown = 0
    idle: list[IdleSkill] = []
    for place, readers in found.items():
        told = [uses[place, name] for name, _ in readers]
        judges = [name for name, _ in readers if counts[name] >= ENOUGH]
        if any(use.read.sessions or use.invoked.sessions for use in told):
            opened += 1
        elif not judges:
            unknown += 1
        else:
            one = readers[0][1]
            idle.append(
                IdleSkill(
                    name=one.name,
                    folder=one.path,
                    agents=judges,
                    sessions=sum(counts[name] for name in judges),
                    offered=sum(uses[place, name].offered.sessions for name in judges),
                    listed=estimate(f"{one.name}: {one.description}"),
                    whole=estimate(markdown(one.bundle).get("SKILL.md", "")),
                )
            )
    idle.sort(key=lambda one: (-one.listed, one.name, one.folder))
    return OwnSkills(installed=len(found), opened=opened, idle=idle, unknown=unknown)
