"""`skillclaw sync`: what the hubs released, into the agents' skills folders."""

from __future__ import annotations

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the command to `parent`."""
    command(parent, "sync")(sync)


def sync(ctx: Context) -> int:
    """Take what the hubs released into the agents' skills folders. One that cannot be read stops no other."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.quiet import at_work
    from skillclaw.server.work import sync as work

    machine = Machine(ctx.home)
    with at_work(machine, "sync"):
        report = work(machine)
    if ctx.json:
        output.print_json(report)
    else:
        for line in report.lines() or ["Everything is as released."]:
            output.plain(line)
    return 1 if any(one.error for one in report.hubs) else 0
