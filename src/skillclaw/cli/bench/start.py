"""`skillclaw bench start`: how quickly commands and the first `up` are there, and how much is installed."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.errors import UsageError

__all__ = ["start"]


def start(
    ctx: Context,
    rounds: Annotated[int, typer.Option(help="How often each is started.", min=1)] = 15,
    first_run: Annotated[
        bool,
        typer.Option("--first-run", help="Also the first `up --yes`, on a made machine with past sessions."),
    ] = False,
    sessions: Annotated[
        int, typer.Option(help="Past sessions of that machine, over 30 days.", min=3, max=1_000_000)
    ] = 1000,
    mb: Annotated[float, typer.Option(help="What their files take, about, in MB.", min=0)] = 40.0,
    runs: Annotated[int, typer.Option(help="First runs, of which the median is told.", min=1, max=100)] = 3,
    bar: Annotated[
        list[str] | None,
        typer.Option(
            help="Another bar: milliseconds of --help, status or another command, of table, imported, "
            "learned, running or all; MB of size. Repeatable.",
            metavar="NAME=NUMBER",
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 when a bar is missed.")] = False,
) -> None:
    """How long commands take to start, beside Python itself, and what the installation takes on disk.

    Bars: --help 200 ms, status 400 ms, 60 MB on disk; with --first-run, 60 s until the first `up` shows what
    the past sessions already say.
    """
    from skillclaw.bench.start import run_start_bench, summary

    bars = _bars(bar or [])
    first = {"sessions": sessions, "megabytes": mb, "runs": runs} if first_run else None
    with output.progress("Measuring", show=not ctx.json) as progress:
        result = run_start_bench(rounds=rounds, first=first, bars=bars, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
    if check and not result["holds"]:
        raise typer.Exit(1)


def _bars(given: list[str]) -> dict[str, float]:
    """The bars with those of the options in place of the usual ones."""
    from skillclaw.bench.first_run import MOMENTS
    from skillclaw.bench.start import BARS, COMMANDS

    known = dict.fromkeys([*COMMANDS, *MOMENTS, "size"])
    bars = dict(BARS)
    for text in given:
        name, _, number = text.rpartition("=")
        try:
            bars[name] = float(number)
        except ValueError:
            name = ""
        # Nothing is over a bar that is no number, so it would always hold.
        if name not in known or not 0 <= bars[name] < math.inf:
            raise UsageError(
                f"--bar cannot be {text!r}.", f"Bars: {', '.join(known)}.", "For example: --bar status=300"
            )
    return bars
