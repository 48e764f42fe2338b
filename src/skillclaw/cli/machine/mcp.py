"""`skillclaw mcp`: skills and their evidence for an agent, by the Model Context Protocol."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from skillclaw.cli.command import Context, command
from skillclaw.cli.extras import needing
from skillclaw.errors import UsageError

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the command to `parent`."""
    command(parent, "mcp")(mcp)


def mcp(
    ctx: Context,
    excerpts: Annotated[
        str,
        typer.Option(
            help="Masked excerpts of sessions for the agent: none; shared: what the rules of `share` let "
            "out; own: of all your own sessions but those marked `never`.",
            metavar="WHICH",
        ),
    ] = "shared",
    read_only: Annotated[bool, typer.Option("--read-only", help="No tool that gives feedback.")] = False,
) -> None:
    """Serve skills and their evidence to an agent, on standard input and output (MCP)."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.mcp.searching import Excerpts

    known = get_args(Excerpts)
    if excerpts not in known:
        raise UsageError(f"There are no excerpts {excerpts!r}.", "", f"Known: {', '.join(known)}")
    with needing("`skillclaw mcp`", "mcp"):
        from skillclaw.server.mcp.server import run
    run(Machine(ctx.home), excerpts=cast(Excerpts, excerpts), read_only=read_only)
