"""`skillclaw proposals`: what was proposed, why, and people's decisions."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError

__all__ = ["register"]

ProposalArgument = Annotated[
    str, typer.Argument(help="The proposal's id, or how it begins.", metavar="PROPOSAL")
]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="Proposed changes of skills, and decisions on them.", no_args_is_help=True)
    parent.add_typer(app, name="proposals")
    command(app, "list")(list_)
    command(app, "show")(show)
    command(app, "approve")(approve)
    command(app, "reject")(reject)


def list_(
    ctx: Context,
    status: Annotated[str | None, typer.Option(help="Only open, held, rejected or released.")] = None,
) -> None:
    """The proposals, newest first."""
    from skillclaw.server.machine import Machine

    if status not in (None, "open", "passed", "held", "rejected", "released"):
        raise UsageError(
            f"There is no status {status!r}.", "", "Known: open, passed, held, rejected, released"
        )
    state = Machine(ctx.home).hub.state()
    found = sorted(state.proposals.values(), key=lambda p: -p.seq)
    found = [p for p in found if status in (None, p.status)]
    if ctx.json:
        output.print_json(found)
        return
    output.table(
        ("id", "skill", "action", "status", "when", "why not"),
        [
            (
                p.id,
                p.skill,
                p.action,
                p.status,
                p.time[:16],
                "; ".join(v.reason for v in p.verdicts if v.verdict in ("hold", "reject"))[:160],
            )
            for p in found
        ],
        empty="No proposals yet. Run a cycle: skillclaw evolve",
    )


def show(ctx: Context, proposal: ProposalArgument) -> None:
    """One proposal: the text, the change, the verdicts."""
    from skillclaw.server.decisions import find, load
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    state = find(machine, proposal)
    record = load(machine, state)
    if ctx.json:
        output.print_json({"state": state, "proposal": record})
        return
    output.plain(f"{state.id}: {state.action} {state.skill}, {state.status}. {record.why}")
    for verdict in state.verdicts:
        output.plain(f"  {verdict.verdict:6} {verdict.check}: {verdict.reason}")
    if record.bundle is not None:
        for file in record.bundle.files:
            output.plain(f"--- {file.path}")
            output.plain(file.data.decode("utf-8", "replace"))


def approve(ctx: Context, proposal: ProposalArgument) -> None:
    """Approve a held proposal; it is released and installed."""
    from skillclaw.server.decisions import approve as decide
    from skillclaw.server.machine import Machine
    from skillclaw.server.work import sync

    machine = Machine(ctx.home)
    release = decide(machine, proposal)
    synced = sync(machine)
    if ctx.json:
        output.print_json({"released": release, "installed": synced})
        return
    output.plain(f"Approved and released {release.skill}.")
    for line in synced.lines():
        output.plain(line)


def reject(
    ctx: Context,
    proposal: ProposalArgument,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "rejected by hand",
) -> None:
    """Reject a proposal; the same evidence does not bring it back."""
    from skillclaw.server.decisions import reject as decide
    from skillclaw.server.machine import Machine

    state = decide(Machine(ctx.home), proposal, why)
    if ctx.json:
        output.print_json(state)
    else:
        output.plain(f"Rejected {state.id} ({state.skill}).")
