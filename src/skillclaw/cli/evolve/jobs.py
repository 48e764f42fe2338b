"""`skillclaw jobs`: what groups ask this machine to try, what it did, and what that took (docs/gate.md)."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.own_log import keep

__all__ = ["register"]

JobArgument = Annotated[str, typer.Argument(help="The proposal's id, or how it begins.", metavar="PROPOSAL")]

_OFF = "This machine takes no part. To let it: skillclaw config set gate.votes.enabled true"


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="What groups ask this machine to try, and what it took.", no_args_is_help=True)
    parent.add_typer(app, name="jobs")
    command(app, "list", looks=True)(list_)
    command(app, "show", looks=True)(show)
    command(app, "run")(run)
    command(app, "vote")(vote)


def list_(ctx: Context) -> None:
    """The groups' open voting jobs, and what this machine did for them."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.sharing.view import clock, hub_names
    from skillclaw.server.votes.book import load_book, on_day
    from skillclaw.server.votes.jobs import NO_GROUP, open_jobs
    from skillclaw.server.votes.voting import over_limits

    machine = Machine(ctx.home)
    votes = machine.settings.gate.votes
    jobs, errors = open_jobs(machine)
    book = load_book(ctx.home)
    today = on_day(book, clock()[:10])
    spent = {
        "jobs": len(today),
        "calls": sum(one.calls for one in today),
        "tokens": sum(one.tokens for one in today),
        "usd": round(sum(one.usd or 0.0 for one in today), 6),
    }
    reached = over_limits(votes, book)
    if ctx.json:
        told = {"enabled": votes.enabled, "open": jobs, "errors": errors, "today": spent, "limit": reached}
        output.print_json({**told, "tried": book[-50:]})
        return
    for hub, why in errors.items():
        output.note(f"hub {hub}: {why}")
    if not hub_names(machine.settings):
        output.plain(f"{NO_GROUP} Join one: skillclaw hub join INVITE")
        return
    output.table(
        ("hub", "proposal", "skill", "until", "votes", "here"),
        [
            (
                one.hub,
                one.proposal,
                one.skill,
                one.expires[:16],
                f"{one.counted} of {one.voters}",
                one.why or one.here or "open",
            )
            for one in jobs
        ],
        empty="No change waits for votes now. Whether a group asks for any, and by which rules: "
        "skillclaw hub settings",
    )
    if not votes.enabled:
        output.plain(_OFF)
    paid = f"{spent['calls']} calls, {spent['tokens']} tokens, ${spent['usd']:.2f}"
    output.plain(f"Today: {spent['jobs']} tried, {paid}.")
    if reached:
        output.plain(reached)


def show(ctx: Context, proposal: JobArgument) -> None:
    """All of one job: what would be tried on which kind of session, the rules, and what this machine did."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.votes.book import load_book
    from skillclaw.server.votes.jobs import find_job

    machine = Machine(ctx.home)
    hub, job, counts = find_job(machine, proposal)
    tried = [one for one in load_book(ctx.home) if (one.hub, one.proposal) == (hub, job.proposal)]
    if ctx.json:
        output.print_json({"hub": hub, "job": job, "counts": counts, "tried": tried})
        return
    if not machine.settings.gate.votes.enabled:
        output.note(_OFF)
    rules = job.rules
    output.plain(f"{job.proposal} of hub {hub}: {job.skill}. Open until {job.expires}.")
    output.plain(f"  Read what is proposed: skillclaw proposals show {job.proposal}")
    output.plain(
        f"  It passes where it helps {rules.needed} of {rules.voters} members' machines, "
        f"on {rules.cases} cases at least."
    )
    for one in job.patterns:
        failed = one.failed.command or one.failed.tool if one.failed is not None else ""
        worked = "; ".join(action.command or action.tool for action in one.actions)
        output.plain(
            f"  sessions of the kind: {one.kind} {failed} -> {worked} {' '.join(one.terms)}".rstrip()
        )
    for member, found in counts.items():
        cases = f"{found.won} won, {found.lost} lost, {found.tied} tied"
        output.plain(f"  {member[:16]}: {cases} ({found.model or 'unknown model'})")
    for entry in tried:
        output.plain(
            f"  here {entry.began}: {entry.state}, {entry.sessions} sessions, {entry.calls} calls, "
            f"{entry.tokens} tokens. {entry.why}".rstrip()
        )


def run(
    ctx: Context,
    proposal: Annotated[
        str | None, typer.Argument(help="Only this job, whatever the day's limits.", metavar="[PROPOSAL]")
    ] = None,
    idle: Annotated[
        bool, typer.Option("--idle", help="Only while no agent works here, and stop when one begins.")
    ] = False,
) -> None:
    """Try what groups ask for on this machine's own sessions, now, and send the counts."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.votes.book import load_book
    from skillclaw.server.votes.run import run_votes
    from skillclaw.server.votes.voting import over_limits

    keep(ctx.home / "logs" / "votes.log")
    machine = Machine(ctx.home)
    done = run_votes(machine, only=proposal, idle=idle)
    if ctx.json:
        output.print_json(done)
        return
    for one in done:
        cases = ", ".join(f"{count} {name}" for name, count in one.cases.items() if count)
        output.plain(f"{one.proposal} ({one.skill}): {one.state}. {cases or output.line(one.why)}")
        output.plain(f"  It took {one.calls} calls, {one.tokens} tokens, {one.seconds:.0f} s.")
    if not done:
        output.plain("Nothing was tried. See: skillclaw jobs list")
    reached = over_limits(machine.settings.gate.votes, load_book(ctx.home)) if proposal is None else ""
    if reached:
        output.plain(reached)


def vote(
    ctx: Context,
    proposal: JobArgument,
    given: Annotated[str, typer.Argument(help="approve or against.", metavar="VOTE")],
    why: Annotated[str, typer.Option(help="The reason, which the group reads.")] = "",
) -> None:
    """Say yourself what you think of a proposal, beside what machines find; as `proposals vote`."""
    from skillclaw.cli.evolve.proposals import vote as cast

    cast(ctx, proposal, given, why)
