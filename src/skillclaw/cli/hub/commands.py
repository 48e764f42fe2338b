"""`skillclaw hub`: the group's shared storage as this machine sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.hub import care, groups, importing, keys, settings
from skillclaw.errors import SkillClawError

if TYPE_CHECKING:
    from skillclaw.server.groups.membership import GroupStatus
    from skillclaw.server.machine import Machine

__all__ = ["register"]

PERSONAL = "personal"
NONE_YET = "There is none yet: `skillclaw up` makes it."


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="The hub: where releases come from.", no_args_is_help=True)
    parent.add_typer(app, name="hub")
    command(app, "status", looks=True)(status)
    command(app, "verify", looks=True)(verify)
    importing.register(app)
    care.register(app)
    groups.register(app)
    keys.register(app)
    settings.register(app)


def status(
    ctx: Context,
    hub: Annotated[str | None, typer.Option("--hub", help="A group's hub, as in hubs.NAME.url.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The personal hub and all groups'.")] = False,
) -> None:
    """Where the hub lies, what its log says, and how this machine stands in it."""
    from skillclaw.server.groups.membership import status as status_of

    machine, names = _wanted(ctx, hub, everything)
    found = [
        (_none_yet() if ctx.passing else _personal(machine)) if name == PERSONAL else status_of(machine, name)
        for name in names
    ]
    if ctx.json:
        output.print_json(found if everything else found[0])
        return
    for number, one in enumerate(found):
        if number:
            output.plain("")
        _show(one)


def _wanted(ctx: Context, hub: str | None, everything: bool) -> tuple[Machine, list[str]]:
    from skillclaw.server.machine import Machine
    from skillclaw.server.sharing.view import hub_names

    machine = Machine(ctx.home)
    if everything:
        return machine, [PERSONAL, *hub_names(machine.settings)]
    return machine, [hub or PERSONAL]


def _personal(machine: Machine) -> GroupStatus:
    from skillclaw.server.groups.membership import GroupStatus, facts

    return GroupStatus(hub=PERSONAL, url=machine.hub_url, **facts(machine.hub.state()))


def _none_yet() -> GroupStatus:
    from skillclaw.server.groups.membership import GroupStatus

    return GroupStatus(hub=PERSONAL, url="", error=NONE_YET)


def _show(one: GroupStatus) -> None:
    facts: dict[str, object] = {"hub": one.hub}
    if one.url:
        facts["url"] = one.url
    if one.error:
        facts["error"] = one.error
    else:
        facts |= {name: getattr(one, name) for name in ("group", "commits", "void", "skills", "proposals")}
        facts["keys"] = ", ".join(f"{count} {role}" for role, count in one.keys.items())
        facts["policy"] = one.policy
    if one.model:
        facts["model"] = one.model
    if one.here:
        facts["here"] = ", ".join(f"{role}: {state}" for role, state in one.here.items())
    if one.inbox:
        facts["inbox"] = f"{one.inbox} messages of this machine wait to be taken in"
    for key, value in facts.items():
        output.plain(f"{key:10} {value}")
    for refusal in one.refused:
        output.plain(f"refused    {refusal.kind or 'message'} {refusal.n}: {output.line(refusal.reason)}")


def verify(
    ctx: Context,
    hub: Annotated[str | None, typer.Option("--hub", help="A group's hub, as in hubs.NAME.url.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The personal hub and all groups'.")] = False,
) -> int:
    """Walk the whole log and every object; name what does not hold."""
    from skillclaw.server.sharing.view import current, open_hub

    machine, names = _wanted(ctx, hub, everything)
    rows: list[dict[str, Any]] = []
    for name in names:
        if ctx.passing and name == PERSONAL:
            rows.append({"hub": name, "ok": True, "problems": []})
            continue
        try:
            one = machine.hub if name == PERSONAL else open_hub(machine, current(machine)[0], name).hub
            problems = one.verify()
        except SkillClawError as error:
            if not everything:
                raise
            problems = [error.brief]
        rows.append({"hub": name, "ok": not problems, "problems": problems})
    told = [problem for row in rows for problem in row["problems"]]
    if ctx.json:
        found: dict[str, Any] = {"ok": not told, "problems": told}
        output.print_json(found | ({"hubs": rows} if everything else {}))
        return 1 if told else 0
    holds = NONE_YET if ctx.passing else "Every commit and every object holds."
    for row in rows:
        head = f"{row['hub']}: " if everything else ""
        for problem in row["problems"] or [holds]:
            output.plain(f"{head}{problem}")
    return 1 if told else 0
