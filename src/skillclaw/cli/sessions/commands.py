"""`skillclaw sessions` and `feedback`: what was recorded, what would be shared, what to forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.sessions.forget import forget
from skillclaw.cli.sessions.otlp import export_traces
from skillclaw.cli.sessions.recorded import recorded
from skillclaw.cli.sessions.share import preview, receipts, share
from skillclaw.errors import BadInputError, StorageError, UsageError

__all__ = ["register"]

SessionArgument = Annotated[
    str, typer.Argument(help="The session's id, or how it begins.", metavar="SESSION")
]


def register(parent: typer.Typer) -> None:
    """Add the groups to `parent`."""
    app = typer.Typer(help="The sessions on this machine.", no_args_is_help=True)
    parent.add_typer(app, name="sessions")
    command(app, "list", looks=True)(list_)
    command(app, "show", looks=True)(show)
    command(app, "preview", looks=True)(preview)
    command(app, "receipts", looks=True)(receipts)
    command(app, "share")(share)
    command(app, "export", looks=True)(export)
    command(app, "forget")(forget)
    command(parent, "feedback")(feedback)


def list_(
    ctx: Context,
    agent: Annotated[str | None, typer.Option(help="Only sessions of this agent.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Only success, failure or unknown.")] = None,
    limit: Annotated[
        int, typer.Option(help="At most so many, newest first; 0 is all.", min=0, max=2**53)
    ] = 0,
    kind: Annotated[
        str, typer.Option(help="evolver: what authors of skills did, instead of the sessions.")
    ] = "work",
) -> None:
    """The sessions, newest first."""
    if kind not in ("work", "evolver"):
        raise UsageError(f"There are no sessions of kind {kind!r}.", "", "Known: work, evolver")
    machine = recorded(ctx)
    most = limit or (None if ctx.json else 50)
    if kind == "evolver":
        from skillclaw.server.review.transcripts import transcript_rows

        told = transcript_rows(machine)
        total = len(told)
        rows = [r for r in told if agent in (None, r.agent) and outcome in (None, r.outcome)][:most]
    else:
        rows, total = (
            machine.sessions.rows(agent=agent, outcome=outcome, limit=most),
            machine.sessions.count(),
        )
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
        empty="No author has worked on skills here yet."
        if kind == "evolver"
        else "No sessions yet. Import what your agents have on disk: skillclaw import",
    )
    if total > len(rows):
        output.note(f"{len(rows)} of {total}; all of them: --limit 0")


def show(ctx: Context, session: SessionArgument) -> None:
    """One session, or what an author of skills did, step by step (--json: as ATIF)."""
    from skillclaw.trajectory import model
    from skillclaw.trajectory.render import transcript

    machine = recorded(ctx)
    try:
        trajectory = machine.sessions.get(session)
    except BadInputError:
        from skillclaw.server.review.transcripts import find_transcript

        found = find_transcript(machine, session)
        if found is None:
            raise
        trajectory = found
    if ctx.json:
        sys.stdout.buffer.write(model.encode(trajectory) + b"\n")
    else:
        output.plain(transcript(trajectory))


def export(
    ctx: Context,
    sessions: Annotated[
        list[str] | None, typer.Argument(help="Ids; none means all.", metavar="[SESSION]...")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default: standard output.")
    ] = None,
    otlp: Annotated[
        str | None,
        typer.Option(
            help="Traces by OpenTelemetry's GenAI conventions, to a collector's URL, a FILE (-: standard "
            "output), or where OTEL_EXPORTER_OTLP_ENDPOINT says (env).",
            metavar="URL|FILE|env",
        ),
    ] = None,
    which: Annotated[
        str,
        typer.Option(
            help="With --otlp: shared: what the rules of `share` let out; own: all your own sessions but "
            "those marked `never`.",
            metavar="WHICH",
        ),
    ] = "shared",
    content: Annotated[
        bool, typer.Option("--content", help="With --otlp: masked excerpts of what was said, too.")
    ] = False,
    since: Annotated[
        int | None,
        typer.Option(
            help="With --otlp: only what began in so many days.", min=1, max=100_000, metavar="DAYS"
        ),
    ] = None,
) -> None:
    """Sessions as ATIF, one JSON line each; or as OpenTelemetry traces, with --otlp."""
    from skillclaw.private import whole_file
    from skillclaw.trajectory import model

    if otlp is not None:
        if out is not None:
            raise UsageError("--out and --otlp are two exports.", "", "A file of traces: --otlp FILE")
        export_traces(ctx, sessions or [], otlp, which=which, content=content, since=since)
        return
    if which != "shared" or content or since is not None:
        raise UsageError("--which, --content and --since are of traces.", "", "Say where to: --otlp URL|FILE")
    store = recorded(ctx).sessions
    chosen = (store.get(one) for one in sessions) if sessions else store.trajectories()
    if out is None:
        empty = True
        for trajectory in chosen:
            sys.stdout.buffer.write(model.encode(trajectory) + b"\n")
            empty = False
        if empty:
            output.note("No session is stored yet. See: skillclaw import")
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
    from skillclaw.server.sessions.feedback import say
    from skillclaw.trajectory.model import meta

    updated = say(recorded(ctx), session, verdict == "good", note)
    if ctx.json:
        output.print_json({"id": meta(updated).key, "outcome": meta(updated).outcome})
    else:
        output.plain(f"Noted: {meta(updated).key} counts as {meta(updated).outcome}.")
