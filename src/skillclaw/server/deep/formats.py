"""Files of the home that carry a version, and what this SkillClaw makes of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from skillclaw.agents.connections import connected
from skillclaw.agents.tokens import known_tokens
from skillclaw.errors import UNREADABLE, SkillClawError, StorageError, UpgradeNeededError
from skillclaw.evolve.models.daybook import of_day, today
from skillclaw.hub.seen import load_seen
from skillclaw.journal.grants import load_grants
from skillclaw.journal.identity import Identity
from skillclaw.library import book
from skillclaw.server.deep.records import Check, fail, ok, unread
from skillclaw.server.setup.consent import agreed
from skillclaw.server.setup.wishes import wishes
from skillclaw.server.votes.book import load_book

__all__ = ["FILES", "newer"]


def _consent(home: Path) -> bool:
    """Whether the user agreed; StorageError where that cannot be told, which counts as no and stops all that
    needs it without a word."""
    said = agreed(home)
    try:
        told = msgspec.json.decode((home / "consent.json").read_bytes())
    except (OSError, *UNREADABLE) as error:
        raise StorageError("consent.json cannot be read.") from error
    if not isinstance(told, dict) or not isinstance(told.get("agreed"), bool):
        raise StorageError("consent.json says neither yes nor no.")
    return said


FILES: dict[str, Callable[[Path], object]] = {
    "identity.json": Identity.load_or_create,
    "library.json": book.load,
    "hubs.json": lambda home: load_seen(home / "hubs.json"),
    "sharing.json": load_grants,
    "connections.json": connected,
    "wanted.json": wishes,
    "consent.json": _consent,
    "tokens.json": known_tokens,
    "votes/book.json": load_book,
    "model-spending.json": lambda home: of_day(home, today()),
}
MENDS = {"consent.json": "skillclaw up asks again; or: skillclaw up -d --yes"}


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
            mend = MENDS.get(name, "skillclaw status says more; or skillclaw restore a backup")
            found.append(unread("formats", name, error, mend))
    return [*found, ok("formats", "files", f"{read} of {read + len(found)} can be read")]
