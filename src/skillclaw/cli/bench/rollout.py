"""`skillclaw bench rollout`: how often the rules of the rollout are right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.errors import UsageError

__all__ = ["rollout"]


def rollout(
    ctx: Context,
    runs: Annotated[int, typer.Option(help="Canaries of each scenario.", min=1)] = 2000,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="This scenario alone; may be repeated.", metavar="NAME")
    ] = None,
    group: Annotated[
        bool, typer.Option("--group", help="Whole groups instead: hub, gate, library, liars and drift.")
    ] = False,
    seeds: Annotated[int, typer.Option(help="With --group: groups of each kind.", min=1)] = 100,
    days: Annotated[int, typer.Option(help="With --group: days that are played.", min=6, max=366)] = 60,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A folder for what became of each: rollout.json and rollout.md; with --group, group.json, "
            "group.md and group.svg.",
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Are good skills promoted and harmful ones rolled back? Simulated groups, decided by the real rules."""
    if group:
        if only:
            raise UsageError("--only and --group do not go together.", "Groups have all kinds of skills.")
        return _group(ctx, seeds, days, jobs, out)
    import msgspec

    from skillclaw.bench.rollout import markdown, run_rollout_bench, summary

    with output.progress("Rolling out", show=not ctx.json) as progress:
        result = run_rollout_bench(runs, only=only or [], jobs=jobs, progress=progress)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "rollout.json").write_bytes(msgspec.json.encode(result))
        (out / "rollout.md").write_text(markdown(result), "utf-8")
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))


def _group(ctx: Context, seeds: int, days: int, jobs: int, out: Path | None) -> None:
    import msgspec

    from skillclaw.bench.groupsim.plot import plot
    from skillclaw.bench.groupsim.run import markdown, run_group_bench, summary
    from skillclaw.server.groups.newcomers import facts_of

    with output.progress("Playing groups", show=not ctx.json) as progress:
        result = run_group_bench(seeds, days, facts_of, jobs=jobs, progress=progress)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "group.json").write_bytes(msgspec.json.encode(result))
        (out / "group.md").write_text(markdown(result), "utf-8")
        (out / "group.svg").write_text(plot(result), "utf-8")
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
