"""The registry of evolvers: what turns patterns into proposals (DESIGN 3.4).

An evolver is one file of this folder with a module-level `EVOLVER`, or an entry point `skillclaw.evolvers`
that gives such an object. It gets the patterns of a cycle and the skills that are current, and gives
proposals back; it writes nothing. Files whose name begins with `_` are parts of evolvers.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from skillclaw.gate.context import GateContext
from skillclaw.gate.policies import Policy
from skillclaw.skills.records import Bundle, Pattern, Proposal, Sidecar
from skillclaw.trajectory.model import Record

__all__ = ["Current", "EvolveContext", "Evolver", "evolvers"]

ENTRY_POINTS = "skillclaw.evolvers"
_log = logging.getLogger(__name__)


class Current(Record, frozen=True, kw_only=True):
    """A skill as the hub makes it available now; a pinned one is left alone."""

    bundle: Bundle
    sidecar: Sidecar
    version: str
    pinned: bool = False


@dataclass(frozen=True)
class EvolveContext:
    """What an evolver may know besides patterns and skills.

    policy   what the gate will ask, so that nothing hopeless is proposed
    now      when the cycle runs
    gate     what the gate will look at (the same context, so that a session is read once). An evolver that
             is not given it writes shapes only, and cannot see whether the gate will let a line pass
    taken    names of skills on this machine that SkillClaw did not write
    changes  item changes that one proposal may make to a skill that is there (the edit budget)
    """

    policy: Policy
    now: datetime
    gate: GateContext | None = None
    taken: frozenset[str] = frozenset()
    changes: int = 12


@runtime_checkable
class Evolver(Protocol):
    """One way to turn patterns into proposals."""

    @property
    def name(self) -> str:
        """What `evolve --engine` calls it."""

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        """Proposals for what should change; the same input gives the same output, ids included."""


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
