"""`skillclaw bench rollout`: how often the rules of the rollout are right."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context

__all__ = ["rollout"]


def rollout(
    ctx: Context,
    runs: Annotated[int, typer.Option(help="Canaries of each scenario.", min=1)] = 2000,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="This scenario alone; may be repeated.", metavar="NAME")
    ] = None,
) -> None:
    """Are good skills promoted and harmful ones rolled back? Simulated groups, decided by the real rules."""
    from skillclaw.bench.rollout import run_rollout_bench, summary

    with output.progress("Rolling out", show=not ctx.json) as progress:
        result = run_rollout_bench(runs, only=only or [], progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
