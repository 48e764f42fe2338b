"""`skillclaw skills verify`: from a line of a skill back to the sessions that members signed."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import VerifyError

__all__ = ["register"]

WIDEST = 80
"""Characters of a line that the table shows."""


def register(app: typer.Typer) -> None:
    """Add the command to the group `skills`."""
    command(app, "verify", looks=True)(verify)


def verify(
    ctx: Context,
    name: Annotated[str, typer.Argument(help="The skill's name, or HUB/NAME.", metavar="NAME")],
    line: Annotated[
        str | None,
        typer.Option("--line", help="This line alone; its id is in `skills evidence`.", metavar="ITEM"),
    ] = None,
) -> None:
    """Check each link from the released lines back to the sessions they rest on."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.provenance import counted, verify_skill

    chain = verify_skill(Machine(ctx.home), name, line)
    if ctx.json:
        output.print_json(chain)
    else:
        output.table(("link", "of", "stands", "why"), [(x.link, x.of, x.status, x.why) for x in chain.links])
        output.table(
            ("line", "text", "sessions"),
            [(one.item, " ".join(one.text.split())[:WIDEST], counted(one)) for one in chain.lines],
        )
        reasons = dict.fromkeys(
            f"{x.status}: {x.why}" for one in chain.lines for x in one.sessions if x.status != "verified"
        )
        for reason in reasons:
            output.plain(output.line(reason))
    if chain.status == "broken":
        raise VerifyError(
            f"The provenance of {name} does not hold.",
            "A link above is broken.",
            "Tell the group's owner. To take it away: skillclaw skills revoke",
        )
