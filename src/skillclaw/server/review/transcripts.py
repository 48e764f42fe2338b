"""The transcripts of authors on this machine: of its own cycle, and of the groups that it evolves for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.evolve.transcripts import transcripts

if TYPE_CHECKING:
    from skillclaw.journal.records import SessionRow
    from skillclaw.server.machine import Machine
    from skillclaw.trajectory.model import Trajectory

__all__ = ["find_transcript", "transcript_rows"]


def transcript_rows(machine: Machine) -> list[SessionRow]:
    """All of them as lists show them, newest first."""
    found = []
    for home in _homes(machine):
        with transcripts(home) as store:
            found += store.rows() if store is not None else []
    return sorted(found, key=lambda row: (row.started, row.id), reverse=True)


def find_transcript(machine: Machine, prefix: str) -> Trajectory | None:
    """The one whose id begins with `prefix`; None where there is none."""
    for home in _homes(machine):
        with transcripts(home) as store:
            if store is not None and any(row.id.startswith(prefix) for row in store.rows()):
                return store.get(prefix)
    return None


def _homes(machine: Machine) -> list[Path]:
    groups = machine.home / "groups"
    return [machine.home, *(sorted(groups.iterdir()) if groups.is_dir() else [])]
