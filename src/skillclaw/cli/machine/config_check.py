"""`skillclaw config check`: what would be used, and from where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.machine.config_file import use
from skillclaw.cli.values import shown

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the group `config`."""
    command(app, "check")(check)


def check(
    ctx: Context,
    file: Annotated[
        Path | None, typer.Argument(help="TOML file of settings, as for --config.", metavar="[FILE]")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Defaults too.")] = False,
) -> int:
    """Whether the server would start with these settings, which they are, and which file or variable says
    so. Nothing is changed, no secret is shown."""
    from skillclaw.server.serving.explained import DEFAULT
    from skillclaw.server.serving.explained import check as work

    use(file)
    done = work(ctx.home, os.environ)
    if ctx.json:
        output.print_json(done)
        return 0 if done.ok else 1
    rows = [
        (one.key, shown(one.value), one.source)
        for one in done.settings
        if everything or one.source != DEFAULT
    ]
    if rows:
        output.table(("setting", "value", "from"), rows)
    output.plain(f"The server would listen on {done.listen}; token: {done.token}.")
    for one in done.problems:
        output.plain("\n  ".join(line for line in (f"Wrong: {one.what}", one.why, one.todo) if line))
    for note in done.notes:
        output.plain(note)
    output.plain("It would start." if done.ok else "It would not start.")
    return 0 if done.ok else 1
