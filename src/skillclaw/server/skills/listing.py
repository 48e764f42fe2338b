"""Agents that list a skill only when they are told of it are told of those that were just installed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError

if TYPE_CHECKING:
    from skillclaw.library import SyncReport

__all__ = ["announce"]

log = logging.getLogger("skillclaw.up")


def announce(report: SyncReport) -> None:
    """Make the agents list what this sync installed for the first time; what stands in the way is logged."""
    from skillclaw.agents import Env, adapters, apply
    from skillclaw.agents.platform import Platform

    fresh: dict[Path, list[str]] = {}
    for change in report.changes:
        if change.action == "installed":
            fresh.setdefault(Path(change.target), []).append(change.skill)
    env = Env.current()
    for folder, names in fresh.items():
        for adapter in adapters().values():
            if not isinstance(adapter, Platform):
                continue
            try:
                apply(adapter.listing(env, folder, names))
            except SkillClawError as error:
                log.warning("%s does not list %s: %s", adapter.title, ", ".join(names), error)
