"""`skillclaw up`, `stop`, `status`, `logs`: everything on this machine, and how it is doing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import learned, output
from skillclaw.cli.command import Context, command
from skillclaw.cli.dashboard import tell_door
from skillclaw.cli.log_options import FormatOption, LevelOption, use_log
from skillclaw.errors import SkillClawError, StorageError, UpgradeNeededError, UsageError
from skillclaw.log_format import as_text

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.runfile import Running
    from skillclaw.server.survey import Survey

__all__ = ["register"]

LOGS = ("up", "proxy", "evolve", "serve", "dashboard")
LITTLE = 1 << 20
"""Bytes: with less, what does not start has not even room to say why."""
START = 30.0
"""Seconds that a detached start may take before it counts as failed."""


def register(parent: typer.Typer) -> None:
    """Add the commands to `parent`."""
    command(parent, "up")(up)
    command(parent, "stop")(stop)
    command(parent, "status")(status)
    command(parent, "logs")(logs)
    learned.register(parent)


def up(
    ctx: Context,
    port: Annotated[
        int | None, typer.Option(help="Port of the proxy [default: setting proxy.port].", min=0, max=65535)
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Show the loop on packaged real sessions; touches nothing else.")
    ] = False,
    detach: Annotated[bool, typer.Option("-d", "--detach", help="Run in the background.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Import, connect and install without asking.")
    ] = False,
    history_only: Annotated[
        bool, typer.Option("--history-only", help="No proxy: learn from the agents' own histories alone.")
    ] = False,
    log_format: FormatOption = None,
    log_level: LevelOption = None,
) -> None:
    """Run all of it on this machine: proxy, recording, evolver, sync.

    The first time it asks once before it imports past sessions, connects agents or installs skills; where
    nobody can be asked it does none of these unless you say --yes; that may come later, while it runs.
    """
    from skillclaw.server.consent import agree, agreed
    from skillclaw.server.machine import Machine
    from skillclaw.server.replaced import took_over
    from skillclaw.server.wishes import want, wishes

    use_log(log_format, log_level)
    if demo:
        _demo(ctx)
        return

    from skillclaw.server import runfile

    machine = Machine(ctx.home)
    machine.prepare()
    running = runfile.read_running(machine.home)
    if running is None:
        why = _too_new(machine.home)
        if why:
            output.note(
                f"{why} Nothing is imported, connected or installed by this version; traffic goes on."
            )
        if why or took_over():  # then agents wait for the proxy: no time to look around
            _run(ctx, machine, port, history_only, detach, aloud=log_format is not None)
            return
    if running is not None and (not yes or port is not None or agreed(machine.home)):
        from skillclaw.errors import BusyError

        raise BusyError(
            f"SkillClaw runs already (process {running.pid}, port {running.port}).",
            "One home has one `up`.",
            "See: skillclaw status; end it: skillclaw stop; or use another --home and --port.",
        )
    history_only = history_only or (running is not None and not running.port)
    if running is None and history_only and (joined := wishes(machine.home).proxy):
        raise UsageError(
            f"{', '.join(joined)} goes through the proxy.",
            "",
            f"First: skillclaw disconnect {' '.join(joined)}",
        )
    try:
        # Where a script reads, nobody looks at what is found, and nobody can be asked about it.
        found = _look(machine) if not ctx.json or (yes and not agreed(machine.home)) else None
        if found and not ctx.json:
            output.plain(_found(found))
        if found and not agreed(machine.home) and (yes or _ask(ctx, found, history_only)):
            here = [agent for agent in found.agents if agent.installed]
            want(machine.home, [agent.name for agent in here if agent.config and not history_only])
            own = [agent.name for agent in here if history_only or not agent.config]
            if own:
                want(machine.home, own, history_only=True)
            agree(machine.home)  # last: cut off before it, the next `up` asks again and forgets no agent
        if agreed(machine.home) and (detach or not ctx.json):
            # A daemon that nobody watches does so by itself, once it runs.
            _import(ctx, machine)
    except UpgradeNeededError as error:
        if running is not None:
            raise
        output.note(f"{' '.join(str(error).split())} What needs it waits; traffic goes on.")
    if running is not None:
        _go_on(ctx, machine, running)
        return
    _run(ctx, machine, port, history_only, detach, aloud=log_format is not None)


def _too_new(home: Path) -> str:
    """Why it cannot be read what the user agreed to and wants; empty where it can."""
    from skillclaw.server.consent import agreed
    from skillclaw.server.wishes import wishes

    try:
        agreed(home)
        wishes(home)
    except UpgradeNeededError as error:
        return " ".join(str(error).split())
    return ""


def _run(
    ctx: Context, machine: Machine, port: int | None, history_only: bool, detach: bool, *, aloud: bool
) -> None:
    """`aloud`: log lines on standard error, too; in the background nobody reads them there."""
    if detach:
        _report(ctx, _start_detached(ctx.home, port, history_only))
        return
    from skillclaw.server.daemon import Daemon

    daemon = Daemon(machine, port=port, history_only=history_only, aloud=aloud)
    daemon.run(lambda running: _report(ctx, running))
    if daemon.start_again:
        from skillclaw.server.replaced import start_again

        start_again(daemon.port_kept)
    if not ctx.json:
        output.plain("Stopped.")


def _look(machine: Machine) -> Survey | None:
    """What is here. Where agents may wait for the proxy already, no failing disk keeps it from them."""
    from skillclaw.server.consent import agreed
    from skillclaw.server.survey import survey

    try:
        return survey(machine)
    except StorageError as error:
        if not agreed(machine.home):
            raise
        output.note(" ".join(str(error).split()))
        return None


def _go_on(ctx: Context, machine: Machine, running: Running) -> None:
    """The user's yes to what runs already: agents are connected, and it learns and installs from now on."""
    import msgspec

    from skillclaw.server.connections import connect_wanted
    from skillclaw.server.polling import wake

    failures = connect_wanted(machine, running.port) if running.port else {}
    wake(machine.home)
    _report(ctx, msgspec.structs.replace(running, agreed=True))
    for name, why in failures.items():
        output.note(f"Could not connect {name}: {why}")


def _found(found: Survey) -> str:
    from skillclaw.server.first_look import shown_path

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
        known = ", ".join(agent.title for agent in found.agents)
        lines = [
            f"Found no agent that SkillClaw knows ({known}).",
            "See what it does with packaged real sessions: skillclaw up --demo",
        ]
    lines.append(f"Here already: {found.stored} sessions, {found.skills} skills.")
    if found.candidates:
        from skillclaw.server.survey import waiting_text

        lines.append(waiting_text(found.candidates))
    return "\n".join(lines)


def _ask(ctx: Context, found: Survey, history_only: bool) -> bool:
    """Ask once for everything; without a terminal nobody can agree. Where there is no agent the demo is
    offered, and shown it ends the command."""
    from skillclaw.server.consent import PAST_DAYS

    asked = not ctx.json and output.is_terminal()
    nobody = asked and not found.past and not any(agent.installed for agent in found.agents)
    if nobody and typer.confirm("Show the demo now? It touches nothing of yours.", default=True):
        _demo(ctx)
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
    return typer.confirm("Go on?", default=True)


def _demo(ctx: Context) -> None:
    from skillclaw.server.demo import run_demo

    with output.progress("Demo", show=not ctx.json) as progress:
        result = run_demo(ctx.home, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(result.text())


def _import(ctx: Context, machine: Machine) -> None:
    """The past sessions that the user agreed to import, in sight, before the daemon follows what comes; the
    first time also what they already say."""
    from skillclaw.agents import Env
    from skillclaw.server.consent import days_back, followed
    from skillclaw.server.intake import import_histories

    only, days = followed(machine.home), days_back(machine.home)
    with output.progress("Importing", show=not ctx.json) as progress:
        try:
            report = import_histories(machine, Env.current(), only=only, since_days=days, progress=progress)
        except StorageError as error:  # as in _look; the daemon tries again
            output.note(" ".join(str(error).split()))
            return
    if ctx.json:
        return
    if report.imported:
        read = ", ".join(f"{count} of {name}" for name, count in report.agents.items())
        output.plain(f"Imported {report.imported} sessions ({read}).")
    for failure in report.failed[:5]:
        output.plain(f"  could not read {failure.path}: {failure.reason}")
    if len(report.failed) > 5:
        output.plain(f"  and {len(report.failed) - 5} more; see them: skillclaw import")
    learned.show_once(machine)


def _start_detached(home: Path, port: int | None, history_only: bool) -> Running:
    from skillclaw.private import append_file
    from skillclaw.server import runfile

    argv = [sys.executable, "-m", "skillclaw", "up", "--json", "--home", str(home)]
    if port is not None:
        argv += ["--port", str(port)]
    if history_only:
        argv.append("--history-only")
    log = home / "logs" / "up.out"
    with append_file(log) as out:
        mark = log.stat().st_size
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
            | getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    until = time.monotonic() + START
    while time.monotonic() < until:
        running = runfile.read_running(home)
        if running is not None and running.ready:
            return running
        if child.poll() is not None:
            said = log.read_bytes()[mark:].decode("utf-8", "replace").strip().splitlines()
            lines = [line.strip().removeprefix("error: ") for line in said if line.strip()]
            what, why, todo = ([*lines[-3:], "", "", ""])[:3]
            if not lines and (free := shutil.disk_usage(home).free) < LITTLE:
                why, todo = f"{free >> 10} KiB are free on the disk of {home}.", "Free space on the disk."
            raise SkillClawError(what or "SkillClaw could not start.", why, todo or f"See {log}")
        time.sleep(0.05)
    raise SkillClawError("SkillClaw did not start in time.", f"No answer in {START:.0f} s.", f"See {log}")


def _report(ctx: Context, running: Running) -> None:
    if ctx.json:
        output.print_json({"pid": running.pid, "port": running.port, "ready": True, "agreed": running.agreed})
        return
    recorded = f"proxy on http://127.0.0.1:{running.port}, recording" if running.port else "histories"
    output.plain(f"Running: {recorded}, evolver, sync (process {running.pid}).")
    tell_door(ctx)
    if running.agreed:
        output.plain("Work with your agents as always. Look: skillclaw status, skillclaw skills list.")
        output.plain("End it: skillclaw stop (your agents' settings are put back).")
    else:
        output.plain("Next: skillclaw up --yes (import, connect, install)")
        output.plain("  or one agent once, no file touched: skillclaw run claude-code")


def stop(ctx: Context) -> None:
    """End what `up` started; the agents' own settings are put back until the next `up`."""
    from skillclaw.agents import connected
    from skillclaw.server.stopping import end

    if not end(ctx.home):
        _clean_up(ctx)
        return
    still = connected(ctx.home)
    if ctx.json:
        output.print_json({"stopped": True, "connected": still})
        return
    output.plain("Stopped.")
    if still:
        output.plain(
            f"Still pointed at the proxy: {', '.join(still)}. They reach no model until their settings are "
            f"put back: free space or mend what skillclaw logs up names, then: skillclaw disconnect --all. "
            f"Or start it again: skillclaw up -d. The originals lie in {ctx.home / 'backups'}"
        )


def _clean_up(ctx: Context) -> None:
    """What an `up` that was killed left behind: agents that point at a proxy which is gone."""
    from skillclaw.agents import connected
    from skillclaw.server.connections import let_go
    from skillclaw.server.machine import Machine

    left = connected(ctx.home)
    failures = let_go(Machine(ctx.home)) if left else {}
    if ctx.json:
        output.print_json({"stopped": False, "connected": sorted(failures)})
        return
    output.plain("SkillClaw does not run.")
    if back := [name for name in left if name not in failures]:
        output.plain(f"Put back the settings of {', '.join(back)}, which still pointed at its proxy.")
    for name, why in failures.items():
        output.plain(f"Could not put back the settings of {name}: {why}")


def status(
    ctx: Context,
    ready: Annotated[
        bool,
        typer.Option("--ready", help="Only whether it works as it should, for probes: exit code 0 or 1."),
    ] = False,
) -> None:
    """What runs, what is connected, what was recorded and learned."""
    if ready:
        _tell_ready(ctx)
        return
    from skillclaw.server.machine import Machine
    from skillclaw.server.survey import status_of

    facts = status_of(Machine(ctx.home))
    if ctx.json:
        output.print_json(facts)
    else:
        output.plain(facts.text())


def _tell_ready(ctx: Context) -> None:
    from skillclaw.server.readiness import readiness

    found = readiness(ctx.home)
    if ctx.json:
        output.print_json(found)
    else:
        wrong = [f"{check}: {why}" for check, why in found.checks.items() if why]
        output.plain("\n".join(["Not ready.", *wrong]) if wrong else "Ready.")
    if not found.ready:
        raise typer.Exit(1)


def logs(
    ctx: Context,
    part: Annotated[str, typer.Argument(help="up, proxy, evolve, serve or dashboard.")] = "up",
    lines: Annotated[int, typer.Option("-n", help="How many lines.", min=1)] = 40,
) -> None:
    """The last lines of a log."""
    if part not in LOGS:
        raise UsageError(f"There is no log {part!r}.", "", f"Logs: {', '.join(LOGS)}")
    path = ctx.home / "logs" / f"{part}.log"
    try:
        text = path.read_text("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        text = []
    if ctx.json:
        output.print_json({"path": str(path), "lines": text})
    else:
        output.plain("\n".join(map(as_text, text)) or f"Nothing in {path} yet.")
