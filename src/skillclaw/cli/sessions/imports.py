"""`skillclaw import`: past sessions in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the command to `parent`."""
    command(parent, "import")(import_)


def _path(given: str) -> Path:
    """Nothing is no place: as a path it would be the folder in which the command runs."""
    if not given:
        raise typer.BadParameter("an empty path names no file or folder.")
    return Path(given)


def import_(
    ctx: Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=_path,
            metavar="[PATHS]...",
            help="Histories or ATIF files (.json, .jsonl, also .gz, .zst) or folders of them.",
            show_default=False,
        ),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help="Only this agent's histories; with PATH: read it as this agent's.")
    ] = None,
    since: Annotated[
        float | None,
        typer.Option(help="Only files changed in the last DAYS days.", metavar="DAYS", min=0, max=100_000),
    ] = None,
) -> int:
    """Import past sessions: from the agents' own histories, or from PATHs.

    Secrets and personal data are masked before anything is stored. Importing again adds only what is new.
    """
    from skillclaw.agents import Env
    from skillclaw.server.machine import Machine
    from skillclaw.server.quiet import at_work
    from skillclaw.server.sessions.intake import import_histories, import_paths

    machine = Machine(ctx.home)
    env = Env.current()
    with at_work(machine, "import"), output.progress("Importing", show=not ctx.json) as progress:
        if paths:
            report = import_paths(
                machine, env, paths, agent=agent, since_days=since, workers=0, progress=progress
            )
        else:
            only = [agent] if agent else None
            report = import_histories(machine, env, only=only, since_days=since, workers=0, progress=progress)
    if ctx.json:
        output.print_json(report)
    else:
        by_agent = ", ".join(f"{count} {name}" for name, count in report.agents.items())
        grown = f" ({report.grown} of them grown)" if report.grown else ""
        output.plain(
            f"Imported {report.imported} sessions{grown}{f', read from {by_agent}' if by_agent else ''}."
        )
        for reason, count in report.reasons.items():
            output.plain(f"  skipped {count}: {reason}")
        for failure in report.failed[:10]:
            output.plain(f"  failed {failure.path}: {failure.reason}")
        if len(report.failed) > 10:
            output.plain(f"  ... and {len(report.failed) - 10} more failures (--json lists all)")
        if report.imported:
            output.plain("Next: skillclaw evolve")
    return 1 if report.failed and not report.imported else 0
