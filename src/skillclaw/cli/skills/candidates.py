"""`skillclaw skills candidates` and `skills offer`: skills that agents wrote by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import BadInputError

if TYPE_CHECKING:
    from skillclaw.server.skills.offering import Offer

__all__ = ["register"]

REASONS = 3
"""Reasons why a skill is not offered that the error names; the preview has all."""


def register(app: typer.Typer) -> None:
    """Add the commands to the group `skills`."""
    command(app, "candidates", looks=True)(candidates)
    command(app, "offer")(offer)


def candidates(ctx: Context) -> None:
    """The skills that your agents wrote themselves, and what sessions did with them. Takes none of them."""
    from skillclaw.agents import Env
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.candidates import candidate_rows

    with output.progress("Looking", show=not ctx.json) as progress:
        rows = candidate_rows(Machine(ctx.home), Env.current(), progress)
    if ctx.json:
        output.print_json(rows)
        return
    output.table(
        ("skill", "agent", "content", "offered", "read", "invoked", "state", "advice", "folder"),
        [
            (
                row.name,
                row.agent,
                row.content[:12],
                *(
                    count.text() if row.content else ""
                    for count in (row.uses.offered, row.uses.read, row.uses.invoked)
                ),
                row.state_text(),
                f"{row.worth.verdict}: {row.worth.reason}" if row.worth else "",
                row.folder,
            )
            for row in rows
        ],
        empty="No agent here has written a skill by itself.",
    )
    open_ = [row for row in rows if row.state in ("new", "changed")]
    new = next((row for row in open_ if row.worth is not None and row.worth.verdict == "offer"), None)
    new = new or next(iter(open_), None)
    if new is not None:
        output.plain(
            f"Look at one as it would be shared; nothing is shared by that: skillclaw skills offer {new.name}"
        )


def offer(
    ctx: Context,
    name: Annotated[str, typer.Argument(help="The skill's name, or its folder.", metavar="NAME")],
    agent: Annotated[
        str | None, typer.Option("--agent", help="The agent that wrote it.", metavar="AGENT")
    ] = None,
    content: Annotated[
        str | None,
        typer.Option(
            "--content", help="Only if its content still begins so [see: candidates].", metavar="HASH"
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Offer it without asking.")] = False,
) -> None:
    """Show what would be shared of a skill that an agent wrote itself, ask, and propose it to the hub.

    Without --yes, and where nobody can be asked, it only shows. A person decides on the proposal: skillclaw
    proposals approve. Secrets and personal data refuse it.
    """
    from skillclaw.agents import Env
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.offering import prepare, put

    machine = Machine(ctx.home)
    with output.progress("Looking", show=not ctx.json) as progress:
        offering = prepare(machine, Env.current(), name, agent=agent, content=content, progress=progress)
    shown = offering.offer
    if not ctx.json:
        _show(shown)
    if not shown.refused and offering.proposal is not None and (yes or _ask(ctx, shown)):
        shown = put(machine, offering)
    if ctx.json:
        output.print_json(shown)
    elif not shown.refused:
        _tell(shown)
    if shown.refused:
        more = f" and {len(shown.refused) - REASONS} more" if len(shown.refused) > REASONS else ""
        raise BadInputError(
            f"{shown.name} is not offered; nothing was shared.",
            "; ".join(shown.refused[:REASONS]) + more,
            f"It stays as it is in {shown.folder}; when it was mended there, offer it again.",
        )


def _show(shown: Offer) -> None:
    """What would be shared."""
    output.plain(f"{shown.name}, which {shown.agent} wrote itself: {shown.folder}")
    output.plain(f"Content {shown.content}. On this machine: {shown.uses.text()}.")
    output.table(
        ("file", "bytes", ""),
        [(file.path, file.bytes, "executable" if file.executable else "") for file in shown.files],
    )
    if shown.diff:
        output.plain("Changed, so that other agents can read it (the agent's own copy stays as it is):")
        output.plain(shown.diff)
    for place in shown.private:
        output.plain(f"  private  {place.text()}")
    for verdict in shown.verdicts:
        output.plain(f"  {verdict.verdict:7}  {verdict.check}: {output.line(verdict.reason)}")


def _ask(ctx: Context, shown: Offer) -> bool:
    """Ask once; without a terminal nobody can agree."""
    if ctx.json or not output.is_terminal():
        return False
    return typer.confirm(f"Propose {shown.name} to the hub?", default=False)


def _tell(shown: Offer) -> None:
    if shown.offered:
        output.plain(f"Offered as proposal {shown.proposal}, which is {shown.status} until somebody decides.")
        output.plain(f"Decide: skillclaw proposals approve {shown.proposal} (or reject)")
    elif shown.proposal is not None and shown.status != "open":
        output.plain(
            f"It is in the hub already: proposal {shown.proposal}, {shown.status}. Nothing was shared."
        )
    else:
        output.plain("Nothing was shared.")
        output.plain(
            f"To offer it just so: skillclaw skills offer {shown.name} --agent {shown.agent} "
            f"--content {shown.content[:12]} --yes"
        )
