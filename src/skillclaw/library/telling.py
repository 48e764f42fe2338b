"""What a sync tells: of what it did, and of what stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skillclaw.hub.records import Release
from skillclaw.library.records import Change, ChangeKind, Row

__all__ = ["Telling"]


class Telling:
    """Collects `changes`, `rows` for the book, and how many copies are as they should be (`unchanged`).

    `running` tells of a folder which agents that read it are in a session now, for people (empty: none).
    """

    def __init__(self, running: Callable[[Path], str]) -> None:
        self.running = running
        self.changes: list[Change] = []
        self.rows: list[Row] = []
        self.unchanged = 0

    def tell(
        self, hub: str, skill: str, target: str, action: ChangeKind, detail: str, release: Release
    ) -> None:
        """A change, or why there is none."""
        self.changes.append(
            Change(skill=skill, target=target, action=action, detail=detail, version=release.version, hub=hub)
        )

    def refuse(
        self, hub: str, skill: str, target: str, action: ChangeKind, detail: str, release: Release
    ) -> None:
        """A release that could not be had, or that a check does not let in."""
        self.tell(hub, skill, target, action, detail, release)
        why = f"a check refused it: {detail}" if action == "refused" else detail
        self.rows.append(Row(skill=skill, target=target, state="failed", detail=why, hub=hub))

    def fail(self, hub: str, skill: str, target: str, detail: str, release: Release) -> None:
        """What the machine did not let be done."""
        self.tell(hub, skill, target, "failed", f"{detail}.".replace("..", "."), release)
        self.rows.append(Row(skill=skill, target=target, state="failed", detail=detail, hub=hub))

    def waits(self, hub: str, skill: str, target: Path, release: Release) -> bool:
        """Whether a canary cannot come or go now, since an agent that reads the folder is in a session; told
        where it is so."""
        who = self.running(target)
        if who:
            detail = f"its canary changes with the day, and waits for running sessions ({who})"
            self.tell(hub, skill, str(target), "waits", f"{detail}.", release)
            self.rows.append(Row(skill=skill, target=str(target), state="waiting", detail=detail, hub=hub))
        return bool(who)

    def waiting(self, hub: str, skill: str) -> bool:
        """Whether that was told of a skill."""
        return any((row.hub, row.skill, row.state) == (hub, skill, "waiting") for row in self.rows)
