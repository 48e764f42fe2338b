"""`skillclaw hub compact`, `hub repin`: what is done now and then, or after a restore."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `hub`."""
    command(app, "compact")(compact)
    command(app, "repin")(repin)


def compact(
    ctx: Context,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=1, help="Younger entries stay single objects.", metavar="DAYS")
    ] = 180,
    hub: Annotated[
        str, typer.Option("--hub", help="A group's hub, by its name in the settings.", metavar="NAME")
    ] = "personal",
) -> None:
    """Pack old entries of the log, many to an object. As owner; nothing is lost."""
    from skillclaw.server.machine import PERSONAL, Machine
    from skillclaw.server.sharing.view import open_hub

    machine = Machine(ctx.home)
    chosen = machine.hub if hub == PERSONAL else open_hub(machine, machine.settings, hub).hub
    done = chosen.compact(keep_days)
    if ctx.json:
        output.print_json(done)
    elif done.why:
        output.plain(f"Nothing was packed. {done.why}")
    else:
        into = f"{done.entries} entries went into {len(done.packs)} objects"
        output.plain(f"{into}; {done.deleted} objects were deleted.")


def repin(
    ctx: Context,
    hub: Annotated[
        str | None, typer.Option("--hub", help="A hub, by its name in the settings.", metavar="NAME")
    ] = None,
    tip: Annotated[
        str, typer.Option("--tip", help="The end of the restored log, as its owner told it.", metavar="END")
    ] = "",
) -> None:
    """Tell the end of a hub's log; with --tip, go on with a hub that was restored from an older backup."""
    from skillclaw.server.hubs.repinning import repin as work
    from skillclaw.server.machine import Machine

    done = work(Machine(ctx.home), hub, tip)
    if ctx.json:
        output.print_json(done)
    elif done.changed:
        output.plain(f"{done.hub}: this machine goes on from {done.end}; it had seen entry {done.seen}.")
        output.plain("If `up` or `serve` runs: restart it.")
    else:
        output.plain(f"{done.hub}: the log ends with {done.end}, and goes on from what was seen.")
