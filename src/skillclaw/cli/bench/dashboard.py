"""`skillclaw bench dashboard`: the pages of a large machine, timed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context

__all__ = ["dashboard"]


def dashboard(
    ctx: Context,
    sessions: Annotated[int, typer.Option(help="How many.", min=10, max=10_000_000)] = 100_000,
    skills: Annotated[int, typer.Option(help="How many.", min=1, max=100_000)] = 1000,
    runs: Annotated[int, typer.Option(help="Of which the median is told.", min=1, max=100)] = 5,
    into: Annotated[
        Path | None,
        typer.Option(help="Where the machine is made, and kept for the next time [default: the system's]."),
    ] = None,
) -> None:
    """How soon is each page there, and each action done? Exit code 1 unless a first paint takes 300 ms at
    most, an action 200 ms, and nothing runs while the dashboard is closed.

    Making the machine takes a few minutes, once.
    """
    from skillclaw.bench.dashboard import run_dashboard_bench, summary

    place = into or Path(tempfile.gettempdir()) / f"skillclaw-bench-dashboard-{sessions}-{skills}"
    with output.progress("Looking", show=not ctx.json) as progress:
        result = run_dashboard_bench(
            into=place, sessions=sessions, skills=skills, runs=runs, progress=progress
        )
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
    if not result["holds"]:
        raise typer.Exit(1)
