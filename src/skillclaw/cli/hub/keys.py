"""`skillclaw hub members|key|admit|rotate|revoke-key`: who belongs to a group, by which keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.hub.groups import HubOption, chosen
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillclaw.server.groups.keys import MemberRow

__all__ = ["register"]

ROLES = ("owner", "evolver", "reviewer", "member", "importer")


def register(app: typer.Typer) -> None:
    """Add the commands to the group `hub`."""
    command(app, "members", looks=True)(members)
    command(app, "key")(key)
    command(app, "admit")(admit)
    command(app, "rotate")(rotate)
    command(app, "revoke-key")(revoke_key)


def members(ctx: Context, hub: HubOption = None) -> None:
    """Who belongs to the group, and which invites are open."""
    from skillclaw.server.groups.keys import members as work
    from skillclaw.server.machine import Machine

    found = work(Machine(ctx.home), hub)
    if ctx.json:
        output.print_json(found)
        return
    _table(found.members)
    for one in found.invites:
        left = one.uses - len(one.used)
        whom = f" for {one.name}" if one.name else ""
        output.plain(f"Open invite {one.public[:16]}: {one.role}{whom}, {left} left, until {one.expires}")


def _table(rows: Iterable[MemberRow]) -> None:
    output.table(
        ("name", "role", "key", "state", "since", ""),
        [(r.name, r.role, r.key[:16], r.state, r.ended[:16], "this machine" if r.here else "") for r in rows],
    )


def key(
    ctx: Context,
    hub: HubOption = None,
    role: Annotated[str, typer.Option(help="owner, evolver, reviewer, member or importer.")] = "member",
    name: Annotated[str, typer.Option(help="Who it is, as the group will call them.")] = "",
) -> None:
    """Make a key here and print a request that the group's owner can admit."""
    from skillclaw.server.groups.keys import request
    from skillclaw.server.machine import Machine

    done = request(Machine(ctx.home), hub, chosen(role, ROLES, "role"), name)
    if ctx.json:
        output.print_json(done)
        return
    output.plain(done.request)
    output.note(
        f"For the owner: skillclaw hub admit REQUEST. It asks for role {done.role}, key {done.key[:16]}."
    )


def admit(
    ctx: Context,
    request: Annotated[str, typer.Argument(help="The string that `hub key` printed.", metavar="REQUEST")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """As owner: admit the key of a request. Be sure whose it is."""
    from skillclaw.hub.invites import read_request
    from skillclaw.server.groups.keys import admit as work
    from skillclaw.server.machine import Machine

    told = read_request(request)
    what = f"{told.name or 'nobody named'} as {told.role} (key {told.public[:16]})"
    if not yes:
        if ctx.json or not output.is_terminal():
            raise UsageError(f"This admits {what}.", "Nobody is here to ask.", "Say so with --yes.")
        typer.confirm(f"Admit {what}?", abort=True)
    done = work(Machine(ctx.home), request)
    if ctx.json:
        output.print_json(done)
        return
    output.plain(f"Admitted {what}.")


def rotate(
    ctx: Context,
    hub: HubOption = None,
    role: Annotated[str | None, typer.Option(help="Which of this machine's keys.")] = None,
) -> None:
    """Put a new key in the place of this machine's. What the old one signed still counts; a stolen key is
    revoked instead.
    """
    from skillclaw.server.groups.keys import rotate as work
    from skillclaw.server.machine import Machine

    done = work(Machine(ctx.home), hub, chosen(role, ROLES, "role") if role is not None else None)
    if ctx.json:
        output.print_json(done)
        return
    output.plain(f"{done.role}: {done.new[:16]} for {done.old[:16]} in hub {done.hub}.")
    if done.state == "waiting" and done.sealing:
        output.plain("The old key is used until the owner has let sessions be sealed to the new one:")
        output.plain(f"  skillclaw hub inbox --accept {done.sealing}")
        output.plain("Tell it to the owner yourself, not through the hub's storage.")
    elif done.state == "waiting":
        output.plain("The old key is used until a machine that may write the log has taken it in.")


def revoke_key(
    ctx: Context,
    who: Annotated[str, typer.Argument(help="A name, or how a key begins.", metavar="WHO")],
    hub: HubOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """As owner: end a member. Nothing that it signed counts from here on; this cannot be undone."""
    from skillclaw.server.groups.keys import revoke
    from skillclaw.server.machine import Machine

    if not yes:
        if ctx.json or not output.is_terminal():
            raise UsageError(
                f"This revokes {who!r} for good.", "Nobody is here to ask.", "Say so with --yes."
            )
        typer.confirm(f"Revoke {who!r} for good?", abort=True)
    done = revoke(Machine(ctx.home), hub, who)
    if ctx.json:
        output.print_json(done)
        return
    _table(done)
