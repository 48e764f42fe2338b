"""`skillclaw skills care`: what descriptions cost and how they do, what is double or stale."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the group `skills`."""
    command(app, "care", looks=True)(care)


def care(
    ctx: Context,
    hub: Annotated[
        str | None, typer.Option("--hub", help="The library of this group, as its evolver.", metavar="NAME")
    ] = None,
) -> None:
    """How the library is, as the last cycle found it: costs, triggers, near-duplicates, stale lines."""
    from skillclaw.evolve.care import last_report
    from skillclaw.evolve.state import EvolveState
    from skillclaw.server.groups.collecting import group_folder
    from skillclaw.server.groups.membership import find
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    home = machine.home if hub is None else group_folder(machine, find(machine, hub).hub.info.group)
    report = None
    if (home / "evolve.db").exists():
        with closing(EvolveState(home)) as memory:
            report = last_report(memory)
    if report is None:
        raise UsageError(
            "No cycle has looked at the library yet.",
            "What it finds is kept until the sessions or SkillClaw change.",
            "Run one: skillclaw evolve" + (f" --hub {hub}" if hub is not None else ""),
        )
    if ctx.json:
        output.print_json(report)
        return
    output.plain(f"As of {report.time[:16].replace('T', ' ')} UTC.")
    output.table(
        ("skill", "tokens", "offered", "read", "own requests found", "near misses drawn"),
        [
            (
                f"{skill.name} (pinned)" if skill.pinned else skill.name,
                skill.tokens,
                skill.offered,
                skill.read,
                f"{skill.trigger.found} of {skill.trigger.own}" if skill.trigger else "not measured",
                f"{skill.trigger.drawn} of {skill.trigger.near}"
                if skill.trigger and skill.trigger.near
                else "not measured",
            )
            for skill in report.skills
        ],
        empty="There are no skills yet.",
    )
    limit = f", of {report.budget} that evolve.descriptions allows" if report.budget else ""
    output.plain(f"All descriptions take about {report.tokens} tokens of every session{limit}.")
    for pair in report.duplicates:
        output.plain(f"Near-duplicates: {pair.text()}.")
    for line in report.stale:
        output.plain(f"Stale in {line.skill}: {line.text} ({'; '.join(line.reasons)})")
