"""`skillclaw bench proxy` and `skillclaw bench soak`: what the proxy costs, and whether it lasts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.errors import StorageError

__all__ = ["proxy", "soak"]


def proxy(
    ctx: Context,
    seconds: Annotated[float, typer.Option(help="Seconds per measurement.", min=0.2)] = 2.0,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds; medians are reported.", min=1)] = 5,
    with_litellm: Annotated[
        bool,
        typer.Option(
            "--with-litellm",
            help="Also LiteLLM's proxy: installed once, about 750 MB, in an environment of its own in the "
            "cache folder.",
        ),
    ] = False,
    case: Annotated[
        list[str] | None,
        typer.Option(help="Only this case (can be given again), with what all need.", metavar="NAME"),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the picture to this file (SVG).")] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Put the tables between the marks in this file, such as docs/benchmarks.md."),
    ] = None,
) -> None:
    """What the proxy costs beside no proxy, a bare forwarder and LiteLLM's, in one run on this machine."""
    from skillclaw.bench import proxy as bench

    if markdown is not None:
        bench.check_place(markdown)
    cases = bench.chosen(case) if case else bench.CASES
    with output.progress("Measuring", show=not ctx.json) as progress:
        result = bench.run_proxy_bench(
            seconds=seconds, rounds=rounds, with_litellm=with_litellm, cases=cases, progress=progress
        )
    if plot is not None:
        try:
            plot.write_text(bench.plot(result), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"Cannot write {plot}.", str(error)) from error
    if markdown is not None:
        beside = os.path.relpath(plot, markdown.parent) if plot is not None else ""
        bench.put_into(markdown, bench.markdown(result, Path(beside).as_posix() if beside else ""))
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(bench.summary(result))


def soak(
    ctx: Context,
    minutes: Annotated[float, typer.Option(help="How long the load lasts.", min=0.05)] = 60.0,
    rate: Annotated[float, typer.Option(help="Requests a second, on average.", min=1, max=1000)] = 50.0,
    seed: Annotated[int, typer.Option(help="Which requests come when.", min=0)] = 0,
) -> None:
    """Long mixed load with faults on the proxy: every byte compared, every exchange found once in the
    journal, memory flat, no socket left. Exit code 1 when something does not hold."""
    from skillclaw.bench.soak import run_soak, summary

    with output.progress("Soaking", show=not ctx.json) as progress:
        result = run_soak(minutes=minutes, rate=rate, seed=seed, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
    if not result["holds"]:
        raise typer.Exit(1)
