"""`skillclaw hub` and `sync`: the group's shared storage as this machine sees it."""

from __future__ import annotations

from typing import Any

import typer

from skillclaw.cli import hub_import, output
from skillclaw.cli.command import Context, command

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="The hub: where releases come from.", no_args_is_help=True)
    parent.add_typer(app, name="hub")
    command(app, "status")(status)
    command(app, "verify")(verify)
    hub_import.register(app)
    command(parent, "sync")(sync)


def status(ctx: Context) -> None:
    """Where the hub lies and what its log says."""
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    state = machine.hub.state()
    facts: dict[str, Any] = {
        "hub": "personal",
        "url": machine.hub_url,
        "group": state.group,
        "commits": state.seq,
        "void": state.void,
        "skills": sum(1 for s in state.skills.values() if s.current),
        "proposals": len(state.proposals),
        "keys": {
            role: sum(1 for k in state.keys.values() if k.role == role)
            for role in sorted({k.role for k in state.keys.values()})
        },
    }
    if ctx.json:
        output.print_json(facts)
        return
    keys = ", ".join(f"{count} {role}" for role, count in facts["keys"].items())
    for key, value in (facts | {"keys": keys}).items():
        output.plain(f"{key:10} {value}")


def verify(ctx: Context) -> int:
    """Walk the whole log and every object; name what does not hold."""
    from skillclaw.server.machine import Machine

    problems = Machine(ctx.home).hub.verify()
    if ctx.json:
        output.print_json({"ok": not problems, "problems": problems})
    elif problems:
        for problem in problems:
            output.plain(str(problem))
    else:
        output.plain("Every commit and every object holds.")
    return 1 if problems else 0


def sync(ctx: Context) -> None:
    """Take what the hub released into the agents' skills folders."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.work import sync as work

    report = work(Machine(ctx.home))
    if ctx.json:
        output.print_json(report)
        return
    for line in report.lines() or ["Everything is as released."]:
        output.plain(line)
