"""What the API needs of the evolve server behind it."""

from __future__ import annotations

from typing import Any, Protocol

from skillclaw.server.serving.records import CycleLine, Event, GroupStatus, ServeStatus

__all__ = ["Service"]


class Service(Protocol):
    """The evolve server. Every method may be called from any thread and may raise SkillClawError."""

    def run_now(self, hub: str, *, engine: str | None = None, dry_run: bool = False) -> str:
        """Have a cycle of a group begin as soon as there is room for it; returns its id."""

    def pause(self, hub: str | None = None) -> None:
        """Begin no more cycles of a group, or of any."""

    def resume(self, hub: str | None = None) -> None:
        """Let them begin again."""

    def status(self) -> ServeStatus:
        """How the server stands."""

    def groups(self) -> list[GroupStatus]:
        """How its groups stand."""

    def cycles(self, hub: str, n: int = 50) -> list[CycleLine]:
        """The last `n` cycles of a group, newest first."""

    def find(self, cycle: str) -> CycleLine | None:
        """The cycle of this id; None where there is none (any more)."""

    def report(self, cycle: str) -> dict[str, Any] | None:
        """What a cycle found and did: a CycleReport as JSON; None where it is not (or no longer) known."""

    def events(self, after: int, wait: float) -> list[Event]:
        """What happened since event `after`; waits up to `wait` seconds where nothing did."""
