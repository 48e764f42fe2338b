"""`skillclaw hub import-skillclaw`: skills of another shared storage, or of a folder, into a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command

if TYPE_CHECKING:
    from skillclaw.server.hubs.migration import Migration

__all__ = ["register"]

SHOWN = 20
"""Lines of one kind that are printed; --json has all."""


def register(app: typer.Typer) -> None:
    """Add the command to the group `hub`."""
    command(app, "import-skillclaw")(import_skillclaw)


def import_skillclaw(
    ctx: Context,
    source: Annotated[
        str,
        typer.Argument(
            help="Shared storage of the public SkillClaw (folder or s3://... URL), or a folder of skills.",
            metavar="SOURCE",
        ),
    ],
    hub: Annotated[
        str | None, typer.Option("--hub", help="A group's hub; else your own.", metavar="NAME")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="The group's id, where SOURCE has several.", metavar="ID")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Only current versions, no history.")] = False,
    approve: Annotated[
        bool, typer.Option("--approve", help="Let through what a person must approve, such as scripts.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
) -> int:
    """Bring skills with their versions into a hub, checked like any other; SOURCE is only read.

    Doing it again adds what is new. A skill that the hub has otherwise stays as it is there.
    """
    from skillclaw.server.hubs.migration import migrate
    from skillclaw.server.machine import Machine
    from skillclaw.server.sharing.view import open_hub

    machine = Machine(ctx.home)
    into = machine.hub if hub in (None, "personal") else open_hub(machine, machine.settings, hub or "").hub
    report = migrate(
        into,
        source,
        masker=machine.redactor,
        group=group,
        history=not latest,
        approve=approve,
        dry_run=dry_run,
    )
    if ctx.json:
        output.print_json(report)
    else:
        _tell(report)
    return 1 if report.refused and not (report.imported or report.unchanged or report.waiting) else 0


def _tell(report: Migration) -> None:
    would = "Would bring in" if report.dry_run else "Brought in"
    versions = sum(moved.versions for moved in report.imported)
    output.plain(f"{would} {len(report.imported)} skills in {versions} versions from {report.source}.")
    if report.unchanged:
        output.plain(f"{len(report.unchanged)} are in the hub just so.")
    waiting = [f"waits     {one.skill}: {output.line(one.reason)}" for one in report.waiting]
    refused = [
        f"refused   {one.skill or '?'}{f' version {one.version}' if one.version else ''}: "
        f"{output.line(one.reason)}"
        for one in report.refused
    ]
    for lines in (waiting, refused):
        for line in lines[:SHOWN]:
            output.plain(line)
        if len(lines) > SHOWN:
            output.plain(f"... and {len(lines) - SHOWN} more (--json lists all)")
    if report.waiting:
        output.plain("To decide on what waits: skillclaw proposals list; or do this again with --approve")
    if report.imported and not report.dry_run:
        output.plain("Next: skillclaw sync")
