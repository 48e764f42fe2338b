"""`skillclaw bench serve`: what it costs to serve many groups."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context

__all__ = ["serve"]


def serve(
    ctx: Context,
    groups: Annotated[int, typer.Option(help="How many.", min=1, max=1000)] = 50,
    sessions: Annotated[int, typer.Option(help="Sessions of each group.", min=1)] = 1000,
    more: Annotated[int, typer.Option(help="Sessions that come to each before a last pass.", min=0)] = 10,
    parallel: Annotated[int, typer.Option(help="Cycles at the same time.", min=1, max=64)] = 2,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Real sessions to multiply: a data set's trajectories.jsonl.gz, or a folder of them."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Empty storage to use [default: folders of its own].")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Where all is put meanwhile [default: the system's].")
    ] = None,
) -> None:
    """What does a server of many groups take? Over all their sessions, nothing new, and a few more each."""
    from skillclaw.bench.serve import run_serve_bench, summary

    with output.progress("Serving", show=not ctx.json) as progress:
        result = run_serve_bench(
            groups=groups,
            sessions=sessions,
            more=more,
            parallel=parallel,
            data=data,
            url=url,
            into=into or Path(tempfile.gettempdir()),
            progress=progress,
        )
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
