"""The user's own word on a session, masked before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.utf8 import need_utf8

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.trajectory.model import Trajectory

__all__ = ["say"]


def say(machine: Machine, prefix: str, good: bool, note: str = "") -> Trajectory:
    """Note how the session went whose id begins with `prefix`, and why; it outweighs every other signal.

    Gives the session as it is now. Raises BadInputError where none or several begin so, StorageError.
    """
    need_utf8("note", note)
    masked, _ = machine.redactor.text(note)
    return machine.sessions.feedback(prefix, good, masked)
