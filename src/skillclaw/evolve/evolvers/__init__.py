"""The registry of evolvers: what turns patterns into proposals.

An evolver is one file of this folder with a module-level `EVOLVER`, or an entry point `skillclaw.evolvers`
that gives such an object. It gets the patterns of a cycle and the skills that are current, and gives
proposals back; it writes nothing. Files whose name begins with `_` are parts of evolvers.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from skillclaw.evolve.job_groups import Kinship
from skillclaw.evolve.work import Work
from skillclaw.gate.context import GateContext
from skillclaw.gate.policies import Policy
from skillclaw.settings import AuthorSettings
from skillclaw.skills.records import Bundle, Pattern, Proposal, Sidecar
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.evolve.models.asker import Asker
    from skillclaw.evolve.models.records import Spending
    from skillclaw.evolve.tried import Tried

__all__ = ["Current", "EvolveContext", "Evolver", "evolvers", "names"]

ENTRY_POINTS = "skillclaw.evolvers"
_log = logging.getLogger(__name__)


class Current(Record, frozen=True, kw_only=True):
    """A skill as the hub makes it available now; a pinned one is left alone. `measured`: it counts as pinned
    only while it is a canary whose effect is being measured. `readable`: whether its files are; else they are
    a description at most, and it is left alone too. `split_from`: versions of another skill that it was split
    off, with which it began."""

    bundle: Bundle
    sidecar: Sidecar
    version: str
    pinned: bool = False
    measured: bool = False
    readable: bool = True
    split_from: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EvolveContext:
    """What an evolver may know besides patterns and skills.

    policy   what the gate will ask, so that nothing hopeless is proposed
    now      when the cycle runs
    gate     what the gate will look at (the same context, so that a session is read once). An evolver that
             is not given it writes shapes only, and cannot see whether the gate will let a line pass
    taken    names of skills on this machine that SkillClaw did not write
    changes  item changes that one proposal may make to a skill that is there (the edit budget)
    models   the model to ask, for an evolver whose `needs_model` is true; None where none is set
    tried    what was proposed before and rejected, with the reasons
    home     where the evolver's state lies, for what an engine keeps; `environ` of the process
    mined    all patterns of the cycle, those too that nothing is to be proposed from now
    work     what people asked for, and which of it each pattern comes from
    agent    how far an autonomous author may go
    cli      which program of the user's may be one, on whose account (engine cli); None: none
    dry_run  nothing may be asked or started
    paid     an evolver that pays for a model by itself adds what it spent
    notes    an evolver adds what a user should know of how it was done, a sentence each
    failed   by topic why a model gave nothing for it; the next cycle tries such a topic anew
    refused  by pattern id why a line that it was written as may not stand
    """

    policy: Policy
    now: datetime
    gate: GateContext | None = None
    taken: frozenset[str] = frozenset()
    changes: int = 12
    models: Asker | None = None
    tried: Sequence[Tried] = ()
    mined: Sequence[Pattern] = ()
    work: Work = field(default_factory=Work)
    home: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    agent: AuthorSettings = field(default_factory=AuthorSettings)
    cli: CliPlan | None = None
    dry_run: bool = False
    paid: list[Spending] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @cached_property
    def kinship(self) -> Kinship:
        """Which task clusters of `work` are asked for in the same words."""
        return Kinship(self.work)


@runtime_checkable
class Evolver(Protocol):
    """One way to turn patterns into proposals.

    It may have two more attributes. `needs_model`: true where it asks `context.models`, which is opened only
    then. `forecast(targets, context)`: a list of `evolve.models.Forecast`, what `propose` would take of the
    model at most; `evolve --dry-run` calls it, with an `offline` model.
    """

    @property
    def name(self) -> str:
        """What `evolve --engine` calls it."""

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        """Proposals for what should change; the same input gives the same output, ids included."""


def names() -> set[str]:
    """What engines are called, of which none is loaded: our own are named as their files, those of other
    packages are taken to be named as their entry points."""
    own = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}
    return own | {point.name for point in entry_points(group=ENTRY_POINTS)}


@cache
def evolvers() -> dict[str, Evolver]:
    """All evolvers by name. An outside one that cannot be loaded is left out and logged."""
    found: dict[str, Evolver] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            own: Evolver = importlib.import_module(f"{__name__}.{module.name}").EVOLVER
            found[own.name] = own
    for point in entry_points(group=ENTRY_POINTS):
        try:
            other = point.load()
            other = other() if isinstance(other, type) else other
            if not isinstance(other, Evolver):
                raise TypeError("it has no name and propose")
            found.setdefault(other.name, other)
        except Exception as error:
            # A stranger's package must not stop the cycle of the engines that are built in.
            _log.warning("evolver %s of another package cannot be loaded: %s", point.name, error)
    return found
