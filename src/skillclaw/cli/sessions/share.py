"""`skillclaw sessions preview|receipts|share`: what would leave of a session, what left, what never shall."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.cli.sessions.recorded import recorded
from skillclaw.errors import BadInputError, UsageError

__all__ = ["preview", "receipts", "share"]

SessionArgument = Annotated[
    str, typer.Argument(help="The session's id, or how it begins.", metavar="SESSION")
]


def preview(
    ctx: Context,
    session: SessionArgument,
    hub: Annotated[str | None, typer.Option(help="The group's hub that it would go to.")] = None,
) -> None:
    """Exactly what would leave of a session before it is sealed, what was masked, and whether it may go."""
    from skillclaw.server.sharing.sending import preview as preview_of

    shown = preview_of(recorded(ctx), session, hub)
    if ctx.json:
        output.print_json(shown)
        return
    output.plain(shown.body)
    masked = ", ".join(f"{count} {kind}" for kind, count in sorted(shown.masked.items())) or "nothing"
    output.note(f"{shown.size} bytes; masked: {masked}.")
    if shown.hub is None:
        output.note("This is what any group's hub would get. Whether one may: --hub NAME")
        return
    output.note(f"{shown.hub}: {'may go' if shown.allowed else 'stays here'} ({shown.rule}): {shown.why}")
    output.note(f"Object: {shown.object}")


def receipts(
    ctx: Context,
    session: Annotated[
        str | None, typer.Argument(help="The session's id, or how it begins.", metavar="[SESSION]")
    ] = None,
) -> None:
    """What left this machine: one receipt for each upload, oldest first. They outlive the session."""
    from skillclaw.server.machine import Machine

    found = Machine(ctx.home).outbox.receipts(session or "")
    if ctx.json:
        output.print_json(found)
        return
    if session and not found:
        raise BadInputError(
            f"Nothing was ever sent of a session {session!r}.", "", "All: skillclaw sessions receipts"
        )
    output.table(
        ("time", "hub", "session", "rev", "bytes", "masked", "rule", "object", "withdrawn"),
        [
            (
                r.time[:16],
                r.hub,
                r.session,
                r.revision,
                r.bytes,
                ", ".join(f"{count} {kind}" for kind, count in r.masked.items()),
                r.rule,
                r.object,
                (r.withdrawn or "")[:16],
            )
            for r in found
        ],
        empty="Nothing was ever sent.",
    )


def share(
    ctx: Context,
    session: SessionArgument,
    never: Annotated[bool, typer.Option("--never", help="Never share it, whatever is allowed.")] = False,
    allow: Annotated[
        bool, typer.Option("--allow", help="Let it go where the rules allow it, though it is from before.")
    ] = False,
    usual: Annotated[bool, typer.Option("--as-usual", help="Take back what was said of it.")] = False,
) -> None:
    """Say of one session that it is never shared, or that it may go although it is from before."""
    from skillclaw.server.sharing.consent import mark

    if never + allow + usual != 1:
        raise UsageError("Say one of --never, --allow and --as-usual.", "", "skillclaw sessions share --help")
    said = "never" if never else "allow" if allow else ""
    key = mark(recorded(ctx), session, said)
    if ctx.json:
        output.print_json({"id": key, "mark": said})
    elif never:
        output.plain(f"{key} is never shared.")
    else:
        output.plain(f"{key}: {'may go where the rules allow it' if allow else 'the rules alone decide'}.")
