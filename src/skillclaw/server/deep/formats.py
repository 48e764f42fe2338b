"""Files of the home that carry a version, and what this SkillClaw makes of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skillclaw.agents.connections import connected
from skillclaw.errors import SkillClawError, UpgradeNeededError
from skillclaw.hub.seen import load_seen
from skillclaw.journal.grants import load_grants
from skillclaw.journal.identity import Identity
from skillclaw.library import book
from skillclaw.server.consent import agreed
from skillclaw.server.deep.records import Check, fail, ok
from skillclaw.server.wishes import wishes

__all__ = ["FILES", "newer"]

FILES: dict[str, Callable[[Path], object]] = {
    "identity.json": Identity.load_or_create,
    "library.json": book.load,
    "hubs.json": lambda home: load_seen(home / "hubs.json"),
    "sharing.json": load_grants,
    "connections.json": connected,
    "wanted.json": wishes,
    "consent.json": agreed,
}


def newer(home: Path) -> list[Check]:
    """Whether each small file of the home can be read."""
    found = []
    read = 0
    for name, load in FILES.items():
        if not (home / name).exists():
            continue
        try:
            load(home)
            read += 1
        except UpgradeNeededError:
            found.append(fail("formats", name, "is of a newer format", "Upgrade SkillClaw."))
        except SkillClawError as error:
            mend = "skillclaw status says more; or skillclaw restore a backup"
            found.append(fail("formats", name, f"cannot be read ({type(error).__name__})", mend))
    return [*found, ok("formats", "files", f"{read} of {read + len(found)} can be read")]
