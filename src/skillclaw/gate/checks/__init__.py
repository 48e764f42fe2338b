"""The registry of checks: each is one file of this folder, or an entry point `skillclaw.checks`.

A check is a module (or any object) with

    name: str        short, shown to people: `spec`, `grounding`
    order: int       cheap checks first; people read the reasons in this order
    check(proposal, context) -> list[Verdict]

and, where it asks a model or runs an agent,

    costly = True                                         asked only where nothing cheaper rejects

and, where it can tell single lines apart,

    item_fault(item, proposal, context) -> str | None     why this line may not stay, or None

so that `gate.prune` can take out that line and keep the rest; and, where the files alone tell enough,

    static(bundle) -> list[Verdict]                       what a client asks again before it installs

An outside check that cannot be loaded is left out and reported in the log of the process; the rest goes on.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

from skillclaw.gate.context import GateContext
from skillclaw.skills.records import Bundle, Item, Proposal, Verdict

__all__ = ["Check", "ItemCheck", "StaticCheck", "checks"]

ENTRY_POINTS = "skillclaw.checks"
_log = logging.getLogger(__name__)


@runtime_checkable
class Check(Protocol):
    """One reason to refuse a proposal."""

    name: str
    order: int

    def check(self, proposal: Proposal, context: GateContext) -> list[Verdict]:
        """The verdicts on `proposal`; `pass` and `n/a` are said too: people see what was looked at."""


@runtime_checkable
class ItemCheck(Protocol):
    """A check that can tell single lines apart."""

    name: str

    def item_fault(self, item: Item, proposal: Proposal, context: GateContext) -> str | None:
        """Why `item` may not stay in the proposal, as a sentence; None where it may."""


@runtime_checkable
class StaticCheck(Protocol):
    """A check that needs nothing but the files."""

    name: str

    def static(self, bundle: Bundle) -> list[Verdict]:
        """The verdicts on `bundle`."""


@cache
def checks() -> tuple[Check, ...]:
    """All checks, cheapest first."""
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(__path__):
        _add(found, importlib.import_module(f"{__name__}.{module.name}"), module.name)
    for point in entry_points(group=ENTRY_POINTS):
        try:
            _add(found, point.load(), point.name)
        except Exception as error:
            # A stranger's package must not take the gate down; without it the gate is as it was built.
            _log.warning("check %s of another package cannot be loaded: %s", point.name, error)
    return tuple(sorted(found.values(), key=lambda check: (check.order, check.name)))


def _add(found: dict[str, Check], thing: Any, name: str) -> None:
    if not isinstance(thing, Check):
        raise TypeError(f"{name} has no name, order and check")
    if thing.name in found:
        raise ValueError(f"there are two checks named {thing.name}")
    found[thing.name] = thing
