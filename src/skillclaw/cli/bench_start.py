"""`skillclaw bench start`: how quickly commands begin, and how much is installed."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context

__all__ = ["start"]


def start(
    ctx: Context, rounds: Annotated[int, typer.Option(help="How often each is started.", min=1)] = 15
) -> None:
    """How long commands take to start, beside Python itself, and what the installation takes on disk."""
    from skillclaw.bench.start import run_start_bench, summary

    with output.progress("Measuring", show=not ctx.json) as progress:
        result = run_start_bench(rounds=rounds, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
