"""`skillclaw bench`: measurements that anyone can run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="Measure it yourself.", no_args_is_help=True)
    parent.add_typer(app, name="bench")
    command(app, "mine")(mine)
    command(app, "proxy")(proxy)
    command(app, "convert")(convert)


def mine(
    ctx: Context,
    workbench: Annotated[
        Path | None, typer.Option(help="WorkBench trajectories (trajectories.jsonl.gz).")
    ] = None,
    taubench: Annotated[
        Path | None, typer.Option(help="tau-bench trajectories (trajectories.jsonl.gz).")
    ] = None,
) -> None:
    """How good are the mined procedures on sessions that the learning never saw?"""
    from skillclaw.bench.mine import run_mine_bench, summary

    with output.progress("Mining", show=not ctx.json) as progress:
        result = run_mine_bench(workbench=workbench, taubench=taubench, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))


def proxy(
    ctx: Context,
    seconds: Annotated[float, typer.Option(help="Seconds per measurement.", min=0.2)] = 2.0,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds; medians are reported.", min=1)] = 3,
) -> None:
    """What the proxy costs beside a bare forwarder, in one run on this machine."""
    from skillclaw.bench.proxy import run_proxy_bench, summary

    with output.progress("Measuring", show=not ctx.json) as progress:
        result = run_proxy_bench(seconds=seconds, rounds=rounds, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))


def convert(
    ctx: Context,
    dataset: Annotated[str, typer.Argument(help="workbench or tau-bench")],
    source: Annotated[Path, typer.Argument(help="The data set's trajectories.jsonl.gz.")],
    out: Annotated[Path, typer.Argument(help="ATIF file to write (.jsonl).")],
) -> None:
    """A data set's recorded runs as ATIF, ready for `skillclaw import`."""
    from skillclaw.bench.datasets import DATASETS, write_atif

    if dataset not in DATASETS:
        raise UsageError(f"There is no data set {dataset!r}.", "", f"Known: {', '.join(sorted(DATASETS))}")
    count = write_atif(dataset, source, out)
    if ctx.json:
        output.print_json({"sessions": count, "path": str(out)})
    else:
        output.plain(f"Wrote {count} sessions to {out}. Next: skillclaw import {out}")
