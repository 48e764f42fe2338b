"""`skillclaw proposals`: what was proposed, why, and people's decisions."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.evolve.replays import packaged_tasks, tell_replay
from skillclaw.errors import UsageError

__all__ = ["register"]

ProposalArgument = Annotated[
    str, typer.Argument(help="The proposal's id, or how it begins.", metavar="PROPOSAL")
]

HubOption = Annotated[str | None, typer.Option("--hub", help="Only this hub's.", metavar="NAME")]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="Proposed changes of skills, and decisions on them.", no_args_is_help=True)
    parent.add_typer(app, name="proposals")
    command(app, "list", looks=True)(list_)
    command(app, "show", looks=True)(show)
    command(app, "replay")(replay)
    command(app, "approve")(approve)
    command(app, "reject")(reject)
    command(app, "vote")(vote)


def list_(
    ctx: Context,
    status: Annotated[str | None, typer.Option(help="Only open, held, rejected or released.")] = None,
    hub: HubOption = None,
) -> None:
    """The proposals of all hubs, newest first."""
    import msgspec

    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import proposals
    from skillclaw.server.skills.naming import shown

    if status not in (None, "open", "passed", "held", "rejected", "released"):
        raise UsageError(
            f"There is no status {status!r}.", "", "Known: open, passed, held, rejected, released"
        )
    found, unread = proposals(Machine(ctx.home), hub)
    for source in unread:
        output.note(f"hub {source.name}: {' '.join(str(source.error).split())}")
    found = [one for one in found if status in (None, one.state.status)]
    if ctx.json:
        output.print_json([msgspec.to_builtins(one.state) | {"hub": one.hub_name} for one in found])
        return
    output.table(
        ("id", "skill", "action", "status", "when", "why not"),
        [
            (
                one.state.id,
                shown(one.hub_name, one.state.skill),
                one.state.action,
                one.state.status,
                one.state.time[:16],
                "; ".join(v.reason for v in one.state.verdicts if v.verdict in ("hold", "reject"))[:160],
            )
            for one in found
        ],
        empty="No proposals yet. Run a cycle: skillclaw evolve",
    )


def show(ctx: Context, proposal: ProposalArgument, hub: HubOption = None) -> None:
    """One proposal: the change, what each new line rests on, verdicts, votes, approvals, what is missing."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import find, load
    from skillclaw.server.review.replaying import found_before
    from skillclaw.server.review.reviewing import review
    from skillclaw.server.skills.naming import shown

    machine = Machine(ctx.home)
    found = find(machine, proposal, hub)
    state, record = found.state, load(found)
    seen = review(machine, found.hub_name, found.hub, found.log, state, record)
    replayed = found_before(machine, found)
    if ctx.json:
        output.print_json(
            {"state": state, "proposal": record, "hub": found.hub_name, "review": seen, "replay": replayed}
        )
        return
    skill = shown(found.hub_name, state.skill)
    output.plain(
        f"{output.line(state.id)}: {state.action} {skill}, {state.status}. {output.line(record.why)}"
    )
    if seen.place:
        output.plain(output.line(seen.place))
    if seen.needs:
        output.plain(f"Policy {seen.policy}. {seen.needs}")
    if seen.source:
        output.plain("Sessions of yours are among what it cites.")
    for verdict in state.verdicts:
        output.plain(f"  {verdict.verdict:6} {verdict.check}: {output.line(verdict.reason)}")
    for vote_ in state.votes.values():
        output.plain(f"  voted {vote_.vote}{f': {output.line(vote_.reason)}' if vote_.reason else ''}")
    for counts in state.counts.values():
        tried = f"{counts.won} cases won, {counts.lost} lost, {counts.tied} tied"
        output.plain(f"  a member's machine: {tried} ({output.line(counts.model) or 'unknown model'})")
    for one in seen.approvals:
        note = f": {output.line(one.note)}" if one.note else ""
        by = output.line(one.name) or one.key
        output.plain(f"  approved by {by} ({one.role}){note}{'' if one.counts else _NOT}")
    if replayed is not None:
        tell_replay(replayed)
    output.plain(seen.diff if not seen.cut else f"{seen.diff}\n(The change is longer than what is shown.)")
    if seen.lines:
        output.plain("New lines, and what they rest on:")
    told: list[str] = []
    for line in seen.lines:
        output.plain("\n".join(f"+ {part}" for part in line.text.splitlines()))
        rests = f"{line.sessions} sessions of {line.users} users" if line.sessions else "nothing"
        before, told = told, [part.session for part in line.shown]
        again = told and told == before
        output.plain(f"    rests on {rests}{', such as those above' if again else ''}")
        for part in line.shown if not again else ():
            text = output.line(part.text) if part.text is not None else "(not on this machine)"
            output.plain(
                f"    {part.agent}, {part.day}: {text[:EXCERPT]}{'...' if len(text) > EXCERPT else ''}"
            )


EXCERPT = 400
"""Characters of one session that are printed; --json has more."""
_NOT = " (does not count)"


def replay(ctx: Context, proposal: ProposalArgument) -> None:
    """Try a proposal of your own hub that waits on the cases that were held out for it, and show how it did
    and what that cost. It decides nothing."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.replaying import replay as work

    done = work(Machine(ctx.home), proposal, packaged_tasks)
    if ctx.json:
        output.print_json(done)
        return
    tell_replay(done.result)
    output.plain(f"{done.verdict.verdict}: {output.line(done.verdict.reason)}")


def approve(
    ctx: Context,
    proposal: ProposalArgument,
    note: Annotated[str, typer.Option(help="What the group reads with it (500 characters).")] = "",
    hub: HubOption = None,
) -> None:
    """Approve a held proposal. Once enough people did, it is released: in a group as a canary."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import approve as decide
    from skillclaw.server.work import carry_out

    machine = Machine(ctx.home)
    done = decide(machine, proposal, hub, note)
    if done.source_unknown:
        output.note(
            "This machine cannot tell whether sessions of yours are among its sources; "
            "under the policy strict somebody who is no source should approve."
        )
    if done.release is None:
        told = f"Approved {output.line(done.proposal.id)} ({done.proposal.skill}). {done.needs}"
    else:
        told = f"Approved and released {done.release.skill} ({done.release.stage})."
    synced = carry_out(machine, told)
    if ctx.json:
        output.print_json({"released": done.release, "needs": done.needs, "installed": synced})
        return
    output.plain(told)
    for line in synced.lines():
        output.plain(line)


def reject(
    ctx: Context,
    proposal: ProposalArgument,
    why: Annotated[
        str, typer.Option("--why", "--note", help="The reason, for the record.")
    ] = "rejected by hand",
    hub: HubOption = None,
) -> None:
    """Reject a proposal; the same evidence does not bring it back."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import reject as decide

    state = decide(Machine(ctx.home), proposal, why, hub)
    if ctx.json:
        output.print_json(state)
    else:
        output.plain(f"Rejected {output.line(state.id)} ({state.skill}).")


def vote(
    ctx: Context,
    proposal: ProposalArgument,
    given: Annotated[str, typer.Argument(help="approve or against.", metavar="VOTE")],
    why: Annotated[str, typer.Option(help="The reason, which the group reads.")] = "",
    hub: HubOption = None,
) -> None:
    """Say what you think of a group's proposal; who decides sees it."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import vote as cast

    found = cast(Machine(ctx.home), proposal, given, why, hub)
    if ctx.json:
        output.print_json({"proposal": found.state.id, "hub": found.hub_name, "vote": given})
    else:
        named = f"{output.line(found.state.id)} ({found.state.skill})"
        output.plain(f"Voted {given} on {named}; it counts once it is taken in.")
