"""`skillclaw bench sync`: many clients of one hub, and what they ask of its storage."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context

__all__ = ["sync"]


def sync(
    ctx: Context,
    clients: Annotated[int, typer.Option(help="How many.", min=1, max=100_000)] = 1000,
    interval: Annotated[
        float, typer.Option(help="Seconds between two polls of a client, at most.", min=0.5)
    ] = 10.0,
    url: Annotated[
        str | None, typer.Option(help="Empty storage to use [default: a folder of its own].")
    ] = None,
    workers: Annotated[int, typer.Option(help="Clients that ask at the same time.", min=1, max=64)] = 8,
) -> None:
    """How soon do clients see a release, and what does polling cost? Exit code 1 unless all see it within one
    interval and an idle poll is one request of less than 1 KB.
    """
    from skillclaw.bench.sync import run_sync_bench, summary

    with output.progress("Syncing", show=not ctx.json) as progress:
        result = run_sync_bench(
            clients=clients, interval=interval, url=url, workers=workers, progress=progress
        )
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
    if not result["holds"]:
        raise typer.Exit(1)
