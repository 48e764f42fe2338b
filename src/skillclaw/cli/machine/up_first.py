"""What `up` shows and asks before it runs: the agents that are here, one question for all, past sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.cli.sessions import learned
from skillclaw.cli.values import many
from skillclaw.errors import StorageError, in_one_line

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.survey import Survey

__all__ = ["ask", "found_text", "import_past", "look", "once", "show_demo"]

IMPORT_SECONDS = 25.0
"""After these no other history is begun, and what came in is looked at; the daemon imports the rest."""


def look(machine: Machine) -> Survey | None:
    """What is here. Where agents may wait for the proxy already, no failing disk keeps it from them."""
    from skillclaw.server.setup.consent import agreed
    from skillclaw.server.setup.survey import survey

    try:
        return survey(machine)
    except StorageError as error:
        if not agreed(machine.home):
            raise
        output.note(in_one_line(error))
        return None


def found_text(found: Survey) -> str:
    """What was found, as a table of the agents."""
    from skillclaw.server.setup.first_look import shown_path

    here = [agent for agent in found.agents if agent.installed or agent.sessions]
    if here:
        rows = [("AGENT", "VERSION", "SETTINGS", "LAST 30 DAYS", "OWN SKILLS", "")]
        rows += [
            (
                agent.title,
                agent.version or "?",
                shown_path(agent.config) if agent.config else "none that takes a URL",
                f"{found.recent.get(agent.name, 0)} of {agent.sessions} sessions",
                str(found.own.get(agent.name, 0)),
                "connected" if agent.connected else "followed" if agent.followed else "",
            )
            for agent in here
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"Found {len(here)} agent{'s' if len(here) > 1 else ''}:"]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
    else:
        known = ", ".join(agent.title for agent in found.agents if agent.name != "generic")
        lines = [
            f"Found no agent that SkillClaw knows ({known}).",
            "See what it does with packaged real sessions: skillclaw up --demo",
        ]
    lines.append(f"Here already: {many(found.stored, 'session')}, {many(found.skills, 'skill')}.")
    if found.candidates:
        from skillclaw.server.setup.survey import waiting_text

        lines.append(waiting_text(found.candidates))
    return "\n".join(lines)


def ask(ctx: Context, found: Survey, history_only: bool) -> bool:
    """Ask once for everything; without a terminal nobody can agree, and it is False. Where there is no agent
    the demo is offered, which ends the command, shown or not. So does a no: who says it wants no
    proxy either."""
    from skillclaw.server.setup.consent import PAST_DAYS

    asked = not ctx.json and output.is_terminal()
    nobody = asked and not found.past and not any(agent.installed for agent in found.agents)
    if nobody:
        if typer.confirm("Show the demo now? It touches nothing of yours.", default=True):
            show_demo(ctx)
        else:
            _left_alone(found)
        raise typer.Exit
    recent = sum(found.recent.values())
    older = found.past - recent
    plan = [
        f"import {recent} sessions of the last {PAST_DAYS} days into {ctx.home} (secrets masked; nothing "
        f"leaves this machine{f'; older ones, {older}, only by: skillclaw import' if older else ''})"
    ]
    plan += [
        f"connect {agent.title} by its own settings file ({agent.config})"
        for agent in found.agents
        if agent.installed and agent.config and not history_only
    ]
    plan += [
        f"follow the histories of {agent.title} as they grow"
        for agent in found.agents
        if agent.installed and (history_only or not agent.config)
    ]
    plan += ["install learned skills into " + " and ".join(found.targets)]
    if not asked:
        if not ctx.json:
            output.plain("Not done, since nobody is here to agree (say --yes): " + "; ".join(plan) + ".")
        return False
    output.plain(
        "SkillClaw would now:\n  - " + "\n  - ".join(plan) + "\nAll of it can be undone: skillclaw uninstall."
    )
    if not typer.confirm("Go on?", default=True):
        _left_alone(found)
        raise typer.Exit
    return True


def once(found: Survey) -> str:
    """The command that lets one agent that is here through the proxy once, or any that takes a base URL."""
    here = next((agent.name for agent in found.agents if agent.installed and agent.config), "")
    return f"skillclaw run {here or 'generic -- PROGRAM'}"


def _left_alone(found: Survey) -> None:
    """What somebody who said no may type later."""
    output.plain("Nothing was done, and nothing runs.")
    here = next((agent.name for agent in found.agents if agent.installed and agent.config), "")
    if here:
        output.plain(f"Later: skillclaw up (asks again), or one agent alone: skillclaw connect {here}")
    else:
        output.plain("Later, once an agent is here: skillclaw up (asks again)")
    output.plain(f"The proxy alone, no file touched: skillclaw up -d --json, then {once(found)}")


def show_demo(ctx: Context) -> None:
    """The loop on packaged sessions."""
    from skillclaw.server.setup.demo import run_demo

    with output.progress("Demo", show=not ctx.json) as progress:
        result = run_demo(ctx.home, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(result.text())


def import_past(ctx: Context, machine: Machine) -> None:
    """The past sessions that the user agreed to import, in sight, before the daemon follows what comes; the
    first time also what they already say."""
    from skillclaw.agents import Env
    from skillclaw.server.sessions.intake import import_histories
    from skillclaw.server.setup.consent import days_back, followed

    only, days = followed(machine.home), days_back(machine.home)
    with output.progress("Importing", show=not ctx.json) as progress:
        try:
            report = import_histories(
                machine,
                Env.current(),
                only=only,
                since_days=days,
                seconds=IMPORT_SECONDS,
                workers=0,
                progress=progress,
            )
        except StorageError as error:  # as in look; the daemon tries again
            output.note(in_one_line(error))
            return
    if ctx.json:
        return
    if report.imported:
        read = ", ".join(f"{count} of {name}" for name, count in report.agents.items())
        newest = ", the newest" if report.left else ""
        output.plain(f"Imported {report.imported} sessions{newest} ({read}).")
    if report.left:
        others = "Older ones" if report.imported else "Past sessions"
        output.plain(f"{others} come in while `up` runs: {many(report.left, 'file')}.")
    for failure in report.failed[:5]:
        output.plain(f"  not imported: {failure.path}: {failure.reason}")
    if len(report.failed) > 5:
        output.plain(f"  and {len(report.failed) - 5} more; see them: skillclaw import")
    learned.show_once(machine)
