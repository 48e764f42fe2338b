"""`skillclaw sessions` and `feedback`: what was recorded, what would be shared, what to forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import StorageError, UsageError

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["register"]

SessionArgument = Annotated[
    str, typer.Argument(help="The session's id, or how it begins.", metavar="SESSION")
]


def register(parent: typer.Typer) -> None:
    """Add the groups to `parent`."""
    app = typer.Typer(help="The sessions on this machine.", no_args_is_help=True)
    parent.add_typer(app, name="sessions")
    command(app, "list")(list_)
    command(app, "show")(show)
    command(app, "preview")(preview)
    command(app, "export")(export)
    command(app, "forget")(forget)
    command(parent, "feedback")(feedback)


def list_(
    ctx: Context,
    agent: Annotated[str | None, typer.Option(help="Only sessions of this agent.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Only success, failure or unknown.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first; 0 is all.", min=0)] = 0,
) -> None:
    """The sessions, newest first."""
    machine = _recorded(ctx)
    rows = machine.sessions.rows(agent=agent, outcome=outcome, limit=limit or (None if ctx.json else 50))
    if ctx.json:
        output.print_json(
            [
                {
                    "id": row.id,
                    "agent": row.agent,
                    "project": row.project,
                    "started": row.started,
                    "steps": row.steps,
                    "outcome": row.outcome,
                    "shared": row.shared,
                    "user": row.user,
                    "revision": row.revision,
                    "source": row.source,
                    "native_id": row.native_id,
                }
                for row in rows
            ]
        )
        return
    output.table(
        ("id", "agent", "project", "started", "steps", "outcome", "shared"),
        [
            (r.id, r.agent, r.project, r.started[:16], r.steps, r.outcome, "yes" if r.shared else "no")
            for r in rows
        ],
        empty="No sessions yet. Import what your agents have on disk: skillclaw import",
    )
    total = machine.sessions.count()
    if total > len(rows):
        output.note(f"{len(rows)} of {total}; all of them: --limit 0")


def show(ctx: Context, session: SessionArgument) -> None:
    """One session, step by step (--json: as ATIF)."""
    from skillclaw.trajectory import model
    from skillclaw.trajectory.render import transcript

    trajectory = _recorded(ctx).sessions.get(session)
    if ctx.json:
        sys.stdout.buffer.write(model.encode(trajectory) + b"\n")
    else:
        output.plain(transcript(trajectory))


def preview(ctx: Context, session: SessionArgument) -> None:
    """Exactly what would be shared of a session, and what was masked in it."""
    from skillclaw.journal.redact import preview as preview_of

    shown = preview_of(_recorded(ctx).sessions.get(session))
    if ctx.json:
        body = shown.body.decode("utf-8")
        output.print_json({"body": body, "masked": shown.masked, "size": shown.size})
        return
    output.plain(shown.body.decode("utf-8"))
    masked = ", ".join(f"{count} {kind}" for kind, count in sorted(shown.masked.items())) or "nothing"
    output.note(f"{shown.size} bytes; masked: {masked}.")


def export(
    ctx: Context,
    sessions: Annotated[
        list[str] | None, typer.Argument(help="Ids; none means all.", metavar="[SESSION]...")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default: standard output.")
    ] = None,
) -> None:
    """Sessions as ATIF, one JSON line each."""
    from skillclaw.private import whole_file
    from skillclaw.trajectory import model

    store = _recorded(ctx).sessions
    chosen = (store.get(one) for one in sessions) if sessions else store.trajectories()
    if out is None:
        for trajectory in chosen:
            sys.stdout.buffer.write(model.encode(trajectory) + b"\n")
        return
    count = 0
    try:
        with whole_file(out) as file:
            for trajectory in chosen:
                file.write(model.encode(trajectory) + b"\n")
                count += 1
    except OSError as error:
        raise StorageError(f"Cannot write {out}.", str(error), "Choose another file with --out.") from error
    if ctx.json:
        output.print_json({"exported": count, "path": str(out)})
    else:
        output.plain(f"Exported {count} sessions to {out}.")


def forget(
    ctx: Context,
    session: SessionArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a session from this machine for good; importing again does not bring it back."""
    from skillclaw.evolve.state import forget_state
    from skillclaw.trajectory.model import meta

    machine = _recorded(ctx)
    found = machine.sessions.get(session)
    key = meta(found).key
    if not yes:
        if ctx.json or not output.is_terminal():
            raise UsageError(f"This erases session {key}.", "Nobody is here to ask.", "Say so with --yes.")
        typer.confirm(f"Erase session {key} ({found.agent.name}, {len(found.steps)} steps)?", abort=True)
    machine.sessions.forget(key)
    try:
        machine.hub.tombstone(key)
    finally:
        forget_state(machine.home)
    if ctx.json:
        output.print_json({"forgotten": key})
    else:
        output.plain(f"Forgot {key}. It takes no part in any later cycle.")


def feedback(
    ctx: Context,
    session: SessionArgument,
    verdict: Annotated[str, typer.Argument(help="good or bad", metavar="good|bad")],
    note: Annotated[str, typer.Option(help="Why, in your words.")] = "",
) -> None:
    """Say how a session went. It outweighs every other signal."""
    if verdict not in ("good", "bad"):
        raise UsageError(
            f"Feedback is `good` or `bad`, not {verdict!r}.", "", "Example: skillclaw feedback 3fa1 good"
        )
    machine = _recorded(ctx)
    masked, _ = machine.redactor.text(note)
    updated = machine.sessions.feedback(session, verdict == "good", masked)
    from skillclaw.trajectory.model import meta

    if ctx.json:
        output.print_json({"id": meta(updated).key, "outcome": meta(updated).outcome})
    else:
        output.plain(f"Noted: {meta(updated).key} counts as {meta(updated).outcome}.")


def _recorded(ctx: Context) -> Machine:
    """The machine, with every exchange so far assembled into sessions (DESIGN: on `sessions` commands)."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.recording import assemble_recorded

    machine = Machine(ctx.home)
    assemble_recorded(machine)
    return machine
