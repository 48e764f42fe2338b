"""`skillclaw bench capacity`: what a group of so many members takes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.errors import UsageError

__all__ = ["capacity"]


def capacity(
    ctx: Context,
    members: Annotated[
        str, typer.Option(help="Sizes of groups, with commas between them.", metavar="N,N,...")
    ] = "5,25,100",
    daily: Annotated[int, typer.Option(help="Sessions of a member on a day.", min=1)] = 10,
    days: Annotated[int, typer.Option(help="Days of sessions that are there before.", min=1)] = 30,
    url: Annotated[
        str | None,
        typer.Option(help="Empty object storage, whose requests are counted [default: folders of its own]."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Real sessions to multiply: a data set's trajectories.jsonl.gz, or a folder of them."
        ),
    ] = None,
    price_dear: Annotated[
        float, typer.Option(help="Dollars for 1,000 requests that write or list.", min=0)
    ] = 0.005,
    price_cheap: Annotated[float, typer.Option(help="Dollars for 1,000 other requests.", min=0)] = 0.0004,
    price_gb: Annotated[float, typer.Option(help="Dollars for a GB and month.", min=0)] = 0.023,
    into: Annotated[
        Path | None, typer.Option(help="Where all is put meanwhile [default: the system's].")
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Put the table between the marks in this file, such as docs/benchmarks.md."),
    ] = None,
) -> None:
    """What does a group take? Cycles and memory of its evolver; objects, requests and price of its hub."""
    from skillclaw.bench import capacity as bench
    from skillclaw.bench.proxybench.show import check_place, put_into

    try:
        sizes = [int(one) for one in members.split(",")]
    except ValueError:
        raise UsageError(f"--members cannot be {members!r}.", "", "For example: --members 5,25") from None
    if markdown is not None:
        check_place(markdown, bench.BEGIN, bench.END)
    with output.progress("Measuring", show=not ctx.json) as progress:
        result = bench.run_capacity_bench(
            members=sizes,
            daily=daily,
            days=days,
            into=into or Path(tempfile.gettempdir()),
            url=url,
            data=data,
            prices=bench.Prices(dear=price_dear, cheap=price_cheap, gigabyte=price_gb),
            progress=progress,
        )
    if markdown is not None:
        put_into(markdown, bench.markdown(result), bench.BEGIN, bench.END)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(bench.summary(result))
