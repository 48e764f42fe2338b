"""Which agents SkillClaw knows: the modules of this folder, and entry points of group `skillclaw.agents`.

An agent is a module with an object of the shape `Adapter` under the name `ADAPTER`. A package outside this
one names the object, or a module with it, in its entry point. A plugin that cannot be loaded is logged and
left out.
"""

from __future__ import annotations

import logging
import pkgutil
import re
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from types import ModuleType

import skillclaw.agents
from skillclaw.agents.records import Adapter
from skillclaw.errors import UsageError

__all__ = ["GROUP", "adapters", "forget", "no_agent"]

GROUP = "skillclaw.agents"
log = logging.getLogger("skillclaw.agents")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}$")


def adapters() -> dict[str, Adapter]:
    """Every known agent by its name; built-in ones win over plugins of the same name."""
    return dict(_found())


def no_agent(name: str, *more: str) -> UsageError:
    """That there is no agent of this name; which are known (`more`: what counts besides), and the nearest."""
    known = sorted({*adapters(), *more})
    near = [one for one in known if name and one.startswith(name.lower())]
    near = near or get_close_matches(name.lower(), known, 1, 0.6)
    todo = f"Did you mean {' or '.join(near)}?" if near else ""
    return UsageError(f"There is no agent named {name[:60]!r}.", f"Known: {', '.join(known)}.", todo)


def forget() -> None:
    """Look again at the next call; for programs that install plugins while they run."""
    _found.cache_clear()


@cache
def _found() -> dict[str, Adapter]:
    from importlib.metadata import entry_points  # slow to load, and only needed here

    found: dict[str, Adapter] = {}
    for info in pkgutil.iter_modules(skillclaw.agents.__path__, "skillclaw.agents."):
        module = import_module(info.name)
        if hasattr(module, "ADAPTER"):
            adapter = _checked(module)
            found[adapter.name] = adapter
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        try:
            adapter = _checked(point.load())
        except Exception as error:  # somebody else's code may fail in any way
            log.warning("agent plugin %s cannot be used: %s: %s", point.name, type(error).__name__, error)
            continue
        if adapter.name in found:
            log.warning("agent plugin %s is left out: there is an agent %r", point.name, adapter.name)
            continue
        found[adapter.name] = adapter
    return dict(sorted(found.items()))


def _checked(given: object) -> Adapter:
    adapter = given.ADAPTER if isinstance(given, ModuleType) else given
    if isinstance(adapter, type):
        adapter = adapter()
    if not isinstance(adapter, Adapter):
        raise TypeError("it lacks parts of an Adapter")
    if not _NAME.match(adapter.name):
        raise ValueError(f"{adapter.name!r} cannot be an agent's name")
    return adapter
