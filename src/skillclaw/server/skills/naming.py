"""Skills by name: a skill is known by its hub and its name, `NAME` or `HUB/NAME` in commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillclaw.errors import BadInputError, SkillClawError, UsageError
from skillclaw.library.records import shown

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState, Release, SkillState
    from skillclaw.server.hubs.opened import Source
    from skillclaw.server.machine import Machine

__all__ = ["Found", "at_already", "find_skill", "shown", "split_name"]


@dataclass(frozen=True)
class Found:
    """A skill with the hub that it is of."""

    source: Source
    hub: Hub
    state: HubState
    skill: SkillState

    @property
    def shown(self) -> str:
        """The name by which commands know it."""
        return shown(self.source.name, self.skill.name)

    @property
    def current(self) -> Release:
        """Its current release; BadInputError where it has none."""
        release = self.skill.release(self.skill.current) if self.skill.current else None
        if release is None:
            raise BadInputError(
                f"{self.shown} has no current version.", "", f"See: skillclaw skills log {self.shown}"
            )
        return release


def split_name(given: str, hub: str | None = None) -> tuple[str | None, str]:
    """The hub (None: any) and the name that `NAME` or `HUB/NAME` says; `hub` is a command's option.

    UsageError where both say a hub, and not the same.
    """
    prefix, slash, name = given.rpartition("/")
    if not slash:
        return hub, given
    if hub not in (None, prefix):
        raise UsageError(f"{given!r} and --hub {hub} name two hubs.", "", "Give one of them.")
    return prefix, name


def find_skill(machine: Machine, given: str, hub: str | None = None) -> Found:
    """The skill that `NAME` or `HUB/NAME` names: without a hub that of the first hub, in the order of
    precedence, that makes one of the name available, else of the first that ever did.

    BadInputError with the names that exist; UsageError where there is no such hub; what keeps the only hub
    that may have it from being read.
    """
    wanted, name = split_name(given, hub)
    sources = machine.hubs.sources() if wanted is None else [machine.hubs.source(wanted)]
    errors = [source.error for source in sources if source.error is not None]
    found = [
        Found(source=source, hub=source.hub, state=source.state, skill=source.state.skills[name])
        for source in sources
        if source.hub is not None and source.state is not None and name in source.state.skills
    ]
    if found:
        return next((one for one in found if one.skill.current), found[0])
    if len(errors) == len(sources):
        raise errors[0]
    raise _unknown(given, sources, errors)


def _unknown(given: str, sources: list[Source], errors: list[SkillClawError]) -> BadInputError:
    names = sorted(
        {shown(source.name, name) for source in sources if source.state for name in source.state.skills}
    )
    why, todo = f"Known: {', '.join(names) or 'none yet'}.", "See: skillclaw skills list"
    if errors:
        why, todo = f"{why} Not looked into: {errors[0].brief}", errors[0].todo or todo
    return BadInputError(f"There is no skill named {given!r}.", why, todo)


def at_already(name: str) -> UsageError:
    """That a skill is at the version that somebody wants it at. Machines may refuse that all the same: it is
    current again, and nobody said that people want it."""
    return UsageError(
        f"{name} is at that version already.",
        "Where machines do not take it, `skillclaw sync` says why.",
        f"To say that people want it back: skillclaw skills archive {name}, and then this again",
    )
