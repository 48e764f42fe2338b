"""`skillclaw skills export`: the skills of a hub with their history, as a git repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the group `skills`."""
    command(app, "export", looks=True)(export)


def export(
    ctx: Context,
    git: Annotated[
        Path,
        typer.Option(
            "--git", help="The repository's folder: new, empty, or of an earlier export.", metavar="DIR"
        ),
    ],
    hub: Annotated[
        str, typer.Option("--hub", help="The hub whose skills these are.", metavar="NAME")
    ] = "personal",
) -> None:
    """The skills as a git repository, a commit for each release with its story; later only what is new."""
    from skillclaw.server.git.export import export_git
    from skillclaw.server.machine import Machine

    done = export_git(Machine(ctx.home), git.expanduser(), hub)
    if ctx.json:
        output.print_json(done)
    elif done.tip is None:
        output.plain(f"Hub {hub} has released no skill yet; {git} is an empty repository.")
    else:
        added = f"{done.added} new" if done.added else "nothing new"
        output.plain(f"{git}: {done.commits} commits on {done.branch}, {added}; the last is {done.tip[:12]}.")
