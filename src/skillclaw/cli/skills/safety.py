"""`skillclaw skills revoke | quarantine | restore`: a skill that turned out to be harmful."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `skills`."""
    command(app, "revoke")(revoke)
    command(app, "quarantine", looks=True)(quarantine)
    command(app, "restore")(restore)


def revoke(
    ctx: Context,
    name: Annotated[str, typer.Argument(help="The skill's name.", metavar="NAME")],
    version: Annotated[
        str | None, typer.Option("--version", help="A version, or how it begins [default: all].")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "revoked by hand",
) -> None:
    """Declare a skill harmful: every copy, edited ones too, moves to quarantine, and it cannot come back."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import revoke as decide
    from skillclaw.server.work import carry_out

    machine = Machine(ctx.home)
    versions = decide(machine, name, version, why)
    done = f"Revoked {name}: {', '.join(one[:12] for one in versions)}."
    synced = carry_out(machine, done)
    if ctx.json:
        output.print_json({"name": name, "revoked": versions, "installed": synced})
        return
    output.plain(done)
    for line in synced.lines():
        output.plain(line)


def quarantine(ctx: Context) -> None:
    """The copies of revoked skills that were moved away."""
    from skillclaw.server.machine import Machine

    rows = Machine(ctx.home).library.quarantined()
    if ctx.json:
        output.print_json(rows)
        return
    output.table(
        ("id", "was in", "edited", "since"),
        [(one.id, one.place, "yes" if one.edited else "no", one.since) for one in rows],
        empty="Nothing is in quarantine.",
    )


def restore(
    ctx: Context,
    name: Annotated[str, typer.Argument(help="An id from `skills quarantine`, or the skill.", metavar="ID")],
    into: Annotated[Path | None, typer.Option(help="New folder [default: where it was].")] = None,
) -> None:
    """Put a copy out of quarantine back, at your own risk. It is yours from then on: no sync touches it."""
    from skillclaw.server.machine import Machine

    done = Machine(ctx.home).library.restore(name, into)
    if ctx.json:
        output.print_json(done)
    else:
        output.plain(f"{done.skill} is in {done.place} again. It was revoked for security; look at it first.")
