"""`skillclaw share`: which sessions groups may get, and sending them (docs/sharing.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.sessions.recorded import recorded
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from skillclaw.server.sharing.status import ShareStatus

__all__ = ["register"]

HubOption = Annotated[str | None, typer.Option("--hub", help="A group's hub, as in hubs.NAME.url.")]
AgentOption = Annotated[str | None, typer.Option("--agent", help="An agent.")]
ProjectOption = Annotated[
    str | None, typer.Option("--project", help="A project: its name, its remote HOST/PATH, or HOST/OWNER/*.")
]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="What groups may get of this machine's sessions.", no_args_is_help=True)
    parent.add_typer(app, name="share")
    command(app, "status", looks=True)(status)
    command(app, "allow")(allow)
    command(app, "deny")(deny)
    command(app, "send")(send)


def status(ctx: Context, hub: HubOption = None) -> None:
    """For each hub, agent and project: whether sessions may go there, by which rule, and how many."""
    from skillclaw.server.sharing.status import status as status_of

    found = status_of(recorded(ctx), hub)
    if ctx.json:
        output.print_json(found)
        return
    _show(found)


def _show(found: ShareStatus) -> None:
    for hub in found.hubs:
        who = f"readable for {hub.evolver or 'its evolver'} alone (key {hub.sealing[:16]})"
        if hub.error:
            output.plain(f"{hub.hub}: cannot be read now. {hub.error}")
        elif not hub.sealing:
            output.plain(f"{hub.hub}: group {hub.group[:16]}, no evolver to seal to, so nothing leaves")
        else:
            output.plain(f"{hub.hub}: group {hub.group[:16]}, {who}; {hub.sent} sent, {hub.waiting} waiting")
    output.table(
        ("hub", "agent", "project", "may go", "rule", "sessions", "shared"),
        [
            (r.hub, r.agent, r.project, "yes" if r.allowed else "no", r.rule, r.sessions, r.shared)
            for r in found.rows
        ],
        empty="No group's hub is known, so nothing is shared. See: skillclaw config set hubs.NAME.url URL"
        if not found.hubs
        else "No sessions yet.",
    )


def allow(
    ctx: Context,
    hub: HubOption = None,
    agent: AgentOption = None,
    project: ProjectOption = None,
    past: Annotated[
        bool, typer.Option("--past", help="Sessions from before now too; needs --hub, for past is per hub.")
    ] = False,
) -> None:
    """Let redacted sessions go: to a hub, of an agent, of a project. Each named one is a rule of its own."""
    from skillclaw.server.sharing import consent as share_consent

    machine = recorded(ctx)
    _wanted(hub, agent, project)
    if past and hub is None:
        raise UsageError(
            "--past needs --hub.", "Older sessions are let go for one hub at a time.", "Add --hub."
        )
    done = share_consent.allow(machine, hub=hub, agent=agent, project=project, past=past)
    if not past and hub is not None and done.past and not ctx.json and output.is_terminal():
        asked = f"{done.past} sessions from before now fit these rules too. Share them as well?"
        if typer.confirm(asked, default=False):
            done = share_consent.allow(machine, hub=hub, agent=agent, project=project, past=True)
    if ctx.json:
        output.print_json(done)
        return
    for rule in done.rules:
        output.plain(f"{rule} = redacted")
    for note in done.notes:
        output.plain(note)


def deny(
    ctx: Context, hub: HubOption = None, agent: AgentOption = None, project: ProjectOption = None
) -> None:
    """Share no more: with a hub, of an agent, of a project. What waits to be sent is dropped at once."""
    from skillclaw.server.sharing import consent as share_consent

    machine = recorded(ctx)
    _wanted(hub, agent, project)
    done = share_consent.deny(machine, hub=hub, agent=agent, project=project)
    if ctx.json:
        output.print_json(done)
        return
    for rule in done.rules:
        output.plain(f"{rule} = off")
    for note in done.notes:
        output.plain(note)


def send(ctx: Context, hub: HubOption = None) -> int:
    """Send now what may leave (`skillclaw up` does so by itself), and take back what was withdrawn."""
    from skillclaw.server.groups.tombstones import tell_all
    from skillclaw.server.sharing.sending import share

    machine = recorded(ctx)
    reports = share(machine, hub)
    tell_all(machine)  # what fails there is in the reports, or told by `sessions forget` and `up`
    failed = any(report.error for report in reports)
    if ctx.json:
        output.print_json(reports)
        return 1 if failed else 0
    for report in reports:
        told = f"{report.hub}: {report.sent} sent ({report.bytes} bytes), {report.waiting} waiting"
        more = [
            (report.withdrawn, "withdrawn"),
            (report.active, "still at work"),
            (len(report.refused), "refused"),
        ]
        output.plain(", ".join([told, *(f"{count} {what}" for count, what in more if count)]))
        for session, why in sorted(report.refused.items()):
            output.plain(f"  {session}: {why}")
        if report.error:
            output.error(f"Not everything could be sent to {report.hub}.", report.error, "It stays queued.")
    if not reports:
        output.plain("No group's hub is known, so nothing is shared.")
    return 1 if failed else 0


def _wanted(hub: str | None, agent: str | None, project: str | None) -> None:
    if hub is None and agent is None and project is None:
        raise UsageError(
            "Say what: a hub, an agent or a project.", "", "Example: skillclaw share allow --hub team"
        )
