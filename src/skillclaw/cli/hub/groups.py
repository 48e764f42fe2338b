"""`skillclaw hub init|invite|uninvite|join|leave|inbox`: groups, coming and going (docs/hub.md)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from skillclaw.server.groups.joining import Joined

__all__ = ["HubOption", "chosen", "register"]

HubOption = Annotated[
    str | None, typer.Option("--hub", help="A group's hub, as in hubs.NAME.url; not needed where it is one.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `hub`."""
    command(app, "init")(init)
    command(app, "invite")(invite)
    command(app, "uninvite")(uninvite)
    command(app, "join")(join)
    command(app, "leave")(leave)
    command(app, "inbox", looks=True)(inbox)


def chosen(given: str, known: tuple[str, ...], what: str) -> str:
    """`given` where it is one of `known`; else UsageError."""
    if given not in known:
        raise UsageError(f"There is no {what} {given[:70]!r}.", f"Known: {', '.join(known)}.")
    return given


def init(
    ctx: Context,
    url: Annotated[str, typer.Argument(help="A folder, or object storage as URL.", metavar="URL")],
    name: Annotated[str | None, typer.Option(help="What this machine calls the hub.")] = None,
    policy: Annotated[str, typer.Option(help="team or strict.")] = "team",
    evolver: Annotated[bool, typer.Option("--evolver", help="This machine evolves for the group.")] = False,
    who: Annotated[str, typer.Option("--as", help="What the group calls you.", metavar="WHO")] = "owner",
    model: Annotated[
        str, typer.Option(help="Which model provider the evolver asks; told to all who join.")
    ] = "",
) -> None:
    """Make a group, with this machine as its owner. Nothing is shared by that."""
    from skillclaw.server.groups.founding import found
    from skillclaw.server.machine import Machine

    chosen(policy, ("team", "strict"), "policy")
    done = found(Machine(ctx.home), url, name=name, policy=policy, evolver=evolver, who=who, model=model)
    if ctx.json:
        output.print_json(done)
        return
    output.plain(f"Made group {done.group[:16]} at {done.url}; here it is hub {done.hub}.")
    output.plain(
        f"Owner's key: {done.owner[:16]}. Policy: {done.policy}. Keys here: {', '.join(done.roles)}."
    )
    if not evolver:
        output.plain("Nobody evolves yet. For that machine: skillclaw hub invite --role evolver")
    if _private(done.url):
        output.plain(
            "Only your own user may use that folder. Where others of this system are to join by it: "
            "chgrp -R GROUP FOLDER && chmod -R g+rwX FOLDER"
        )
    output.plain(f"Next: skillclaw hub invite --hub {done.hub}")
    output.plain(
        "The keys are in SkillClaw's folder, under keys/. Keep a backup of the owner's: it cannot be remade."
    )


def _private(url: str) -> bool:
    """Whether it is a folder that no other user of the system may enter."""
    from skillclaw.hub.store import local_folder

    folder = local_folder(url)
    return os.name != "nt" and folder is not None and not folder.stat().st_mode & 0o077


def invite(
    ctx: Context,
    hub: HubOption = None,
    role: Annotated[str, typer.Option(help="member, reviewer, evolver or importer.")] = "member",
    days: Annotated[int, typer.Option(min=1, max=365, help="Days until it expires.")] = 7,
    name: Annotated[str, typer.Option(help="Who it is for, as the group will call them.")] = "",
    uses: Annotated[int, typer.Option(min=1, max=1000, help="How many may join with it.")] = 1,
) -> None:
    """Print one string with which somebody can join. It is a secret until it was used."""
    from skillclaw.server.groups.joining import invite as make
    from skillclaw.server.machine import Machine

    chosen(role, ("member", "reviewer", "evolver", "importer"), "role")
    done = make(Machine(ctx.home), hub, role=role, days=days, who=name, uses=uses)
    if ctx.json:
        output.print_json(done)
        return
    output.plain(done.invite)
    times = "once" if done.uses == 1 else f"{done.uses} times"
    output.note(f"For a {done.role} of hub {done.hub}, {times}, until {done.expires}. Send it in private.")
    output.note("They run: skillclaw hub join. To withdraw it: skillclaw hub uninvite " + done.public[:16])
    if done.left_out:
        output.note(f"Options of the URL that are not in it: {', '.join(done.left_out)}.")


def uninvite(
    ctx: Context,
    invite: Annotated[
        str, typer.Argument(help="The invite, or how its key begins (hub members).", metavar="INVITE")
    ],
    hub: HubOption = None,
) -> None:
    """Withdraw an invite: nobody can join with it any more."""
    from skillclaw.server.groups.joining import uninvite as withdraw
    from skillclaw.server.machine import Machine

    public = withdraw(Machine(ctx.home), hub, invite)
    if ctx.json:
        output.print_json({"public": public})
        return
    output.plain(f"Invite {public[:16]} is withdrawn.")


def join(
    ctx: Context,
    invite: Annotated[
        str | None,
        typer.Argument(
            help="The string that the owner sent; without it, it is asked for.", metavar="[INVITE]"
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What this machine calls the hub.")] = None,
    who: Annotated[
        str | None,
        typer.Option("--as", help="What the group calls you; default: a pseudonym.", metavar="WHO"),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where the hub lies for this machine, if not as in the invite.")
    ] = None,
) -> None:
    """Join a group. Nothing is shared by that. Again: see whether you were taken in.

    On a machine that you share, leave INVITE out, and paste it or pipe it in: others can see arguments.
    """
    from skillclaw.server.groups.joining import join as work
    from skillclaw.server.machine import Machine

    if invite is None or invite == "-":
        invite = typer.prompt("Invite") if output.is_terminal() else sys.stdin.readline()
    done = work(Machine(ctx.home), invite, name=name, who=who, url=url)
    if ctx.json:
        output.print_json(done)
        return
    shares = Machine(ctx.home).settings.share.hubs.get(done.hub, "off") != "off"
    for line in _told(done, shares=shares):
        output.plain(line)


def _told(done: Joined, *, shares: bool) -> list[str]:
    lines = [
        f"Group {done.group[:16]} at {done.url}, founded by the key {done.owner[:16]}; here: hub {done.hub}."
    ]
    if done.state == "member":
        lines.append(
            f"You belong to it as {done.role}, called {done.name or 'nothing'} (key {done.key[:16]})."
        )
    else:
        lines.append(
            f"You asked to join as {done.role} (key {done.key[:16]}). You belong to it once a machine that "
            "may write the log takes that in; see: skillclaw hub status --hub " + done.hub
        )
    who = ", ".join(done.evolvers) or "nobody yet"
    model = (
        f"the model provider that its owner names: {done.model}"
        if done.model
        else "no model provider elsewhere, unless its owner names one"
    )
    lines.append(f"Who evolves, and alone can read what members share: {who}; and {model}.")
    if shares:
        lines.append("You allowed that it gets sessions of yours; which: skillclaw share status")
    else:
        lines.append("Nothing of yours is shared until you allow it: skillclaw share allow --hub " + done.hub)
    return lines


def leave(
    ctx: Context,
    hub: HubOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Leave a group. What you shared stays there unless you forget it first (sessions forget)."""
    from skillclaw.server.groups.joining import leave as work
    from skillclaw.server.groups.membership import find
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    if not yes:
        called = find(machine, hub).view.name
        if ctx.json or not output.is_terminal():
            raise UsageError(f"This leaves hub {called}.", "Nobody is here to ask.", "Say so with --yes.")
        typer.confirm(f"Leave hub {called}? Coming back needs a new invite.", abort=True)
    done = work(machine, hub)
    if ctx.json:
        output.print_json(done)
        return
    for role, state in done.roles.items():
        output.plain(f"{role}: {'left' if state == 'left' else 'the message waits in the inbox'}")
    output.plain(
        f"Its skills stay, and are updated, until you say: skillclaw config set hubs.{done.hub}.url ''"
    )


def inbox(
    ctx: Context,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            help="As owner: let sessions be sealed to this new key of an evolver, who told it to you.",
            metavar="KEY",
        ),
    ] = None,
) -> int:
    """Take in what members left, in every group whose log this machine may write. `up` does it by itself."""
    from skillclaw.server.groups.membership import attend
    from skillclaw.server.machine import Machine

    done = attend(Machine(ctx.home), accept or ())
    in_vain = not {*(accept or ())} <= {key for one in done for key in one.messages.accepted}
    failed = in_vain or any(one.error for one in done)
    if ctx.json:
        output.print_json(done)
        return 1 if failed else 0
    for one in done:
        took = ", ".join(f"{count} {kind}" for kind, count in sorted(one.messages.taken.items()))
        output.plain(f"{one.hub}: " + (one.error or f"taken in: {took or 'nothing'}"))
        for refused in one.messages.refused:
            output.plain(
                f"  set aside: {refused.kind or 'message'} of {refused.client[:16]}: "
                f"{output.line(refused.reason)}"
            )
        for asked in one.messages.asks:
            who = f"{output.line(asked.name)} ({asked.client[:16]})"
            output.plain(f"  {who} asks that sessions be sealed to a new key.")
            output.plain("  If its machine's owner told you this very key, and not the hub alone:")
            output.plain(f"    skillclaw hub inbox --accept {asked.sealing}")
        if one.messages.waiting:
            output.plain(f"  left for later: {one.messages.waiting}")
    if not done:
        output.plain("No key of this machine may write a group's log, so there is nothing to take in.")
    elif in_vain:
        output.plain("Nothing that waits, and that this machine's keys may decide, asks for such a key.")
    return 1 if failed else 0
