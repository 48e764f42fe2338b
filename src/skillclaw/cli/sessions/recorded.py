"""What commands about sessions begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.cli.command import Context

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["recorded"]


def recorded(ctx: Context) -> Machine:
    """The machine, with every exchange so far assembled into sessions."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.sessions.recording import assemble_recorded

    machine = Machine(ctx.home)
    assemble_recorded(machine)
    return machine
