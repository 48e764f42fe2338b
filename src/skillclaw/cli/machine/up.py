"""`skillclaw up`: everything on this machine, in this terminal or in the background."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.machine import status
from skillclaw.cli.machine.dashboard import tell_door
from skillclaw.cli.machine.log_options import FormatOption, LevelOption, use_log
from skillclaw.cli.machine.up_first import ask, found_text, import_past, look, once, show_demo
from skillclaw.cli.sessions import learned
from skillclaw.errors import SkillClawError, UpgradeNeededError, in_one_line
from skillclaw.extras import has_evolver, install

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.survey import Survey
    from skillclaw.server.up.runfile import Running

__all__ = ["register"]

LITTLE = 1 << 20
"""Bytes: with less, what does not start has not even room to say why."""
START = 30.0
"""Seconds that a detached start may take before it counts as failed."""


def register(parent: typer.Typer) -> None:
    """Add the commands to `parent`: `up`, and those that show and end what it runs."""
    command(parent, "up")(up)
    status.register(parent)
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

    The first time it asks once before it imports past sessions, connects agents or installs skills; a no
    ends it, and nothing runs. Where nobody can be asked it runs and does none of these unless you say
    --yes; that may come later, while it runs.
    """
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.consent import agree, agreed
    from skillclaw.server.setup.joining import followable
    from skillclaw.server.setup.wishes import want, wishes
    from skillclaw.server.up.replaced import took_over

    use_log(log_format, log_level)
    if demo:
        show_demo(ctx)
        return

    from skillclaw.server.up import runfile

    machine = Machine(ctx.home)
    machine.prepare()
    running = runfile.read_running(machine.home)
    if running is None:
        why = _unread(machine.home)
        if why:
            output.note(f"{why} What needs it waits; traffic goes on.")
        if why or took_over():  # then agents wait for the proxy: no time to look around
            _run(ctx, machine, port, history_only, detach, None, aloud=log_format is not None)
            return
    if running is not None and (not yes or port is not None or agreed(machine.home)):
        from skillclaw.errors import BusyError

        raise BusyError(
            f"SkillClaw runs already (process {running.pid}, port {running.port}).",
            "One home has one `up`.",
            "See: skillclaw status; end it: skillclaw stop; or use another --home and --port.",
        )
    found = None
    history_only = history_only or (running is not None and not running.port)
    if running is None and history_only:
        followable(machine, wishes(machine.home).proxy)
    try:
        # Where a script reads, nobody looks at what is found, and nobody can be asked about it.
        found = look(machine) if not ctx.json or (yes and not agreed(machine.home)) else None
        if found and not ctx.json:
            output.plain(found_text(found))
        if found and not agreed(machine.home) and (yes or ask(ctx, found, history_only)):
            here = [agent for agent in found.agents if agent.installed]
            want(machine.home, [agent.name for agent in here if agent.config and not history_only])
            own = [agent.name for agent in here if history_only or not agent.config]
            if own:
                want(machine.home, own, history_only=True)
            agree(machine.home)  # last: cut off before it, the next `up` asks again and forgets no agent
        if agreed(machine.home) and (detach or not ctx.json):
            # A daemon that nobody watches does so by itself, once it runs.
            import_past(ctx, machine)
    except UpgradeNeededError as error:
        if running is not None:
            raise
        output.note(f"{' '.join(str(error).split())} What needs it waits; traffic goes on.")
    if running is not None:
        _go_on(ctx, machine, running)
        return
    _run(ctx, machine, port, history_only, detach, found, aloud=log_format is not None)


def _unread(home: Path) -> str:
    """Why it cannot be read what the user agreed to and wants; empty where it can."""
    from skillclaw.server.setup.consent import agreed
    from skillclaw.server.setup.wishes import wishes

    try:
        agreed(home)
        wishes(home)
    except SkillClawError as error:  # a newer version's, or damaged
        return in_one_line(error)
    return ""


def _run(
    ctx: Context,
    machine: Machine,
    port: int | None,
    history_only: bool,
    detach: bool,
    found: Survey | None,
    *,
    aloud: bool,
) -> None:
    """`found`: what is here, where it was looked at; `aloud`: log lines on standard error, too; in the
    background nobody reads them there."""
    if detach:
        _report(ctx, _start_detached(ctx.home, port, history_only), found)
        return
    from skillclaw.server.up.daemon import Daemon

    daemon = Daemon(machine, port=port, history_only=history_only, aloud=aloud)
    daemon.run(lambda running: _report(ctx, running, found))
    if daemon.start_again:
        from skillclaw.server.up.replaced import start_again

        start_again(daemon.port_kept)
    if not ctx.json:
        output.plain("Stopped.")


def _go_on(ctx: Context, machine: Machine, running: Running) -> None:
    """The user's yes to what runs already: agents are connected, and it learns and installs from now on."""
    import msgspec

    from skillclaw.server.hubs.polling import wake
    from skillclaw.server.setup.connections import connect_wanted

    failures = connect_wanted(machine, running.port) if running.port else {}
    wake(machine.home)
    _report(ctx, msgspec.structs.replace(running, agreed=True))
    for name, why in failures.items():
        output.note(f"Could not connect {name}: {why}")


def _start_detached(home: Path, port: int | None, history_only: bool) -> Running:
    from skillclaw.own_log import begin
    from skillclaw.server.up import runfile

    argv = [sys.executable, "-m", "skillclaw", "up", "--json", "--home", str(home)]
    if port is not None:
        argv += ["--port", str(port)]
    if history_only:
        argv.append("--history-only")
    log = home / "logs" / "up.out"
    with begin(log) as out:
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


def _report(ctx: Context, running: Running, found: Survey | None = None) -> None:
    from skillclaw.server.setup.wishes import Wishes, wishes

    if ctx.json:
        output.print_json({"pid": running.pid, "port": running.port, "ready": True, "agreed": running.agreed})
        return
    recorded = f"proxy on http://127.0.0.1:{running.port}, recording" if running.port else "histories"
    learns = has_evolver()
    output.plain(f"Running: {recorded}{', evolver' if learns else ''}, sync (process {running.pid}).")
    if not learns:
        output.plain(f"Nothing is learned here: the evolver is not installed. Say: {install('evolve')}")
    tell_door(ctx)
    if running.agreed and running.port and wishes(ctx.home) == Wishes():
        output.plain("No agent is connected, so nothing is recorded. Next: skillclaw connect --all")
        output.plain("End it: skillclaw stop")
    elif running.agreed:
        output.plain("Work with your agents as always. Look: skillclaw status, skillclaw skills list.")
        output.plain("End it: skillclaw stop (your agents' settings are put back).")
    else:
        output.plain("Next: skillclaw up --yes (import, connect, install)")
        if running.port:
            run = once(found) if found else "skillclaw run AGENT"
            output.plain(f"  or one agent once, no file touched: {run}")
