"""`skillclaw sessions forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.cli.sessions.recorded import recorded
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from skillclaw.server.sessions.forgetting import Forgot

__all__ = ["forget"]


def forget(
    ctx: Context,
    sessions: Annotated[
        list[str] | None, typer.Argument(help="Ids, or how they begin.", metavar="[SESSION]...")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All sessions.")] = False,
    agent: Annotated[str | None, typer.Option(help="Those of this agent.")] = None,
    project: Annotated[str | None, typer.Option(help="Those of this project.")] = None,
    before: Annotated[str | None, typer.Option(help="Those begun before this day (YYYY-MM-DD, UTC).")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> int:
    """Remove sessions for good, here and where they were shared; importing again does not bring them back."""
    from skillclaw.server.sessions import forgetting

    machine = recorded(ctx)
    rows = forgetting.choose(
        machine, sessions or (), everything=everything, agent=agent, project=project, before=before
    )
    if not rows:
        if ctx.json:
            output.print_json(forgetting.Forgot(forgotten=[], dry_run=dry_run))
        else:
            output.plain("No session fits, so nothing was forgotten.")
        return 0
    what = f"session {rows[0].id}" if len(rows) == 1 else f"{len(rows)} sessions"
    if dry_run:
        done = forgetting.outlook(machine, rows)
    else:
        if not yes:
            if ctx.json or not output.is_terminal():
                raise UsageError(f"This erases {what}.", "Nobody is here to ask.", "Say so with --yes.")
            for line in _told(forgetting.outlook(machine, rows)):
                output.plain(line)
            typer.confirm(f"Erase {what} ({', '.join(sorted({row.agent for row in rows}))})?", abort=True)
        done = forgetting.forget(machine, rows)
    failed = bool(done.kept) or (done.raw is None and not done.dry_run)
    if ctx.json:
        output.print_json(done)
        return 1 if failed else 0
    if done.dry_run:
        output.plain(f"Would forget {what}:")
        for row in rows:
            output.plain(f"  {row.id}  {row.agent}  {row.project}  {row.started[:16]}")
    else:
        they = "It takes" if len(rows) == 1 else "They take"
        output.plain(f"Forgot {what.removeprefix('session ')}. {they} no part in any later cycle.")
        if done.raw:
            output.plain(f"Erased from the journal: {done.raw} raw exchanges.")
        if done.objects:
            output.plain(
                f"Deleted from hubs: {', '.join(done.objects[:5])}"
                + (" ..." if len(done.objects) > 5 else "")
            )
    for line in _told(done):
        output.plain(line)
    for hub, why in sorted(done.kept.items()):
        output.error(
            f"Not everything is gone from {hub} yet.", why, "It is tried again; now: skillclaw share send"
        )
    return 1 if failed else 0


def _told(done: Forgot) -> list[str]:
    lines = ["What cannot be undone:"] if done.notes else []
    lines += [f"- {note}" for note in done.notes]
    return lines + [f"  {path}" for path in done.histories]
