"""`skillclaw bench`: measurements that anyone can run again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from skillclaw.cli import output
from skillclaw.cli.bench.capacity import capacity
from skillclaw.cli.bench.dashboard import dashboard
from skillclaw.cli.bench.loop import loop
from skillclaw.cli.bench.proxy import proxy, soak
from skillclaw.cli.bench.redaction import redaction
from skillclaw.cli.bench.replay import replay
from skillclaw.cli.bench.rollout import rollout
from skillclaw.cli.bench.serve import serve
from skillclaw.cli.bench.start import start
from skillclaw.cli.bench.sync import sync
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="Measure it yourself.", no_args_is_help=True)
    parent.add_typer(app, name="bench")
    command(app, "mine")(mine)
    command(app, "proxy")(proxy)
    command(app, "soak")(soak)
    command(app, "scale")(scale)
    command(app, "convert")(convert)
    command(app, "loop")(loop)
    command(app, "redaction")(redaction)
    command(app, "sync")(sync)
    command(app, "serve")(serve)
    command(app, "rollout")(rollout)
    command(app, "replay")(replay)
    command(app, "dashboard")(dashboard)
    command(app, "start")(start)
    command(app, "capacity")(capacity)


def mine(
    ctx: Context,
    workbench: Annotated[
        Path | None, typer.Option(help="WorkBench trajectories (trajectories.jsonl.gz).")
    ] = None,
    taubench: Annotated[
        Path | None, typer.Option(help="tau-bench trajectories (trajectories.jsonl.gz).")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Seeds of planted patterns; 0 for none.", min=0)] = 20,
    clusters: Annotated[
        bool,
        typer.Option("--clusters", help="Also ways to cluster requests (with evolve.embeddings, if set)."),
    ] = False,
    portions: Annotated[
        int, typer.Option(help="Also a state grown in so many portions against one made at once.", min=0)
    ] = 0,
) -> None:
    """How good is what mining finds? On recorded sessions that it never saw, and on planted patterns."""
    from skillclaw.bench.mine import run_mine_bench, summary
    from skillclaw.evolve.embeddings import make_embedder
    from skillclaw.settings import load

    embedder = make_embedder(load(ctx.home).evolve, os.environ) if clusters else None
    with output.progress("Mining", show=not ctx.json) as progress:
        result = run_mine_bench(
            workbench=workbench,
            taubench=taubench,
            planted=seeds,
            clusters=clusters,
            portions=portions,
            embedder=embedder,
            progress=progress,
        )
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))


def scale(
    ctx: Context,
    sizes: Annotated[
        str, typer.Option(help="Numbers of sessions, with commas between them.", metavar="N,N,...")
    ] = "1000,10000,100000",
    data: Annotated[
        Path | None,
        typer.Option(
            help="Real sessions to multiply: a data set's trajectories.jsonl.gz, or a folder of them."
        ),
    ] = None,
    long: Annotated[
        bool, typer.Option("--long", help="Also with a tenth of the sessions at about 200 steps.")
    ] = False,
    increment: Annotated[int, typer.Option(help="Sessions that come before a second cycle.", min=0)] = 100,
    into: Annotated[
        Path | None, typer.Option(help="Where the sessions are put meanwhile [default: the system's].")
    ] = None,
) -> None:
    """What a cycle costs as sessions grow: time, memory, bytes read, and the exponent of the cost."""
    from skillclaw.bench.scale import run_scale_bench, summary

    try:
        numbers = [int(size.replace("_", "")) for size in sizes.split(",")]
    except ValueError:
        raise UsageError(f"--sizes cannot be {sizes!r}.", "", "For example: --sizes 1000,10000") from None
    with output.progress("Measuring", show=not ctx.json) as progress:
        result = run_scale_bench(
            sizes=numbers,
            data=data,
            long_row=long,
            increment=increment,
            home=into or Path(tempfile.gettempdir()),
            cycle=one_cycle,
            progress=progress,
        )
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))


def one_cycle(home: Path) -> dict[str, Any]:
    """One cycle as `skillclaw evolve` runs it, and what it found."""
    from skillclaw.evolve.cycle import run_cycle
    from skillclaw.server.machine import Machine
    from skillclaw.server.work import cycle_inputs

    report = run_cycle(**cycle_inputs(Machine(home, {})))
    return {
        "sessions": report.sessions,
        "episodes": report.episodes,
        "patterns": len(report.patterns),
        "released": len(report.released),
        "units": report.units,
        "remade": report.remade,
        "stages": report.stages,
    }


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
