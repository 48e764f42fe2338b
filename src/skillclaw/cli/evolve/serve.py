"""`skillclaw serve`: the evolve server of the groups that this machine evolves for."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.extras import needing
from skillclaw.cli.machine.config_file import ConfigOption, use
from skillclaw.cli.machine.dashboard import tell_door
from skillclaw.cli.machine.log_options import FormatOption, LevelOption, use_log
from skillclaw.errors import BadInputError, SkillClawError, UsageError
from skillclaw.extras import has_evolver, install

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine
    from skillclaw.server.serving.admission import Standing
    from skillclaw.server.serving.once import Once

__all__ = ["register"]

ALIVE = 5.0
"""Seconds between looks at whether the API still answers."""


def register(parent: typer.Typer) -> None:
    """Add the command to `parent`."""
    command(parent, "serve")(serve)


def serve(
    ctx: Context,
    host: Annotated[
        str | None, typer.Option(help="Address of the HTTP API [default: setting serve.host].")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the HTTP API [default: setting serve.port].", min=0, max=65535),
    ] = None,
    hub: Annotated[
        list[str] | None,
        typer.Option("--hub", help="Only this group; may be given again [default: all].", metavar="NAME"),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Run one cycle of every group and end; no HTTP API.")
    ] = False,
    config: ConfigOption = None,
    openapi: Annotated[
        bool, typer.Option("--openapi", help="Print the HTTP API's OpenAPI document and end.")
    ] = False,
    log_format: FormatOption = None,
    log_level: LevelOption = None,
) -> None:
    """Serve groups: their evolver's cycles on schedule, as processes, with an HTTP API.

    A cycle of a group begins every serve.interval minutes where something is new, at once after
    serve.sessions new sessions, and when somebody asks. Several servers may work for one group.
    """
    use_log(log_format, log_level)
    if openapi:
        with needing("The server's HTTP API", "serve"):
            from skillclaw.server.api.app import openapi_text
        output.plain(openapi_text().rstrip("\n"))
        return
    if not has_evolver():
        why = "The evolver is not installed."
        raise UsageError("`skillclaw serve` needs more packages.", why, f"Say: {install('serve')}")
    use(config)
    _over(host, port, hub)
    from skillclaw.server.machine import Machine
    from skillclaw.server.serving.logs import log_to

    machine = Machine(ctx.home)
    machine.prepare()
    try:
        machine.settings  # noqa: B018  read once for all
    except BadInputError as error:  # so that a service manager knows that starting again mends nothing
        raise UsageError(error.what, error.why, error.todo) from error
    stop = _stop_signals()
    end_log = log_to(machine.home, machine.settings.log)
    try:
        if once:
            _once(ctx, machine, stop)
        else:
            _serve(ctx, machine, stop)
    finally:
        end_log()


def _over(host: str | None, port: int | None, hubs: list[str] | None) -> None:
    """What the command line says, as the strongest settings of this process and those that it starts."""
    given: Mapping[str, str | None] = {
        "HOST": json.dumps(host) if host is not None else None,
        "PORT": str(port) if port is not None else None,
        "HUBS": json.dumps(hubs) if hubs else None,
    }
    os.environ |= {f"SKILLCLAW_SERVE__{name}": text for name, text in given.items() if text is not None}


def _serve(ctx: Context, machine: Machine, stop: threading.Event) -> None:
    from skillclaw.server.door import Door, available
    from skillclaw.server.serving.admission import keep_asking, served
    from skillclaw.server.serving.startup import door

    settings = machine.settings.serve
    entry = door(machine.settings, machine.home, machine.environ)
    served(machine)
    # Slow to load: what is wrong with the settings is told before.
    with needing("The server's HTTP API", "serve"):
        from skillclaw.server.api.app import make_app
        from skillclaw.server.api.run import start
    from skillclaw.server.serving.service import Service

    service = Service(machine.home, settings, machine.environ)
    app = make_app(
        service,
        machine_home=machine.home,
        environ=machine.environ,
        token=entry.token,
        hosts=settings.hosts,
        metrics_open=settings.metrics_open,
    )
    service.start()
    try:
        api = start(app, entry.host, entry.port, tls_cert=entry.tls_cert, tls_key=entry.tls_key)
        doorway = None
        if machine.settings.dashboard.enabled and available():
            doorway = Door(machine.home, machine.settings.dashboard, machine.environ)
        try:
            if doorway is not None:
                doorway.keep()
            _tell_ready(ctx, api.url, settings.token or str(machine.home / "serve" / "token"))
            # Beside it all: one group that has not admitted this machine keeps no other from being served.
            keep_asking(machine, _tell_standing, stop)
            while not stop.wait(ALIVE):
                if doorway is not None:
                    doorway.keep()
                if not api.alive:
                    raise SkillClawError("The HTTP API ended by itself.", "", "See: skillclaw logs serve")
        finally:
            if doorway is not None:
                doorway.close()
            api.stop()
    finally:
        service.stop()
    if not ctx.json:
        output.plain("Stopped.")


def _once(ctx: Context, machine: Machine, stop: threading.Event) -> None:
    from skillclaw.server.serving.once import once
    from skillclaw.server.serving.service import Service

    service = Service(machine.home, machine.settings.serve, machine.environ, by_itself=False)
    service.start()
    try:
        done = once(service, stop)
    finally:
        service.stop()
    _tell_once(ctx, done)
    if not done.well:
        raise typer.Exit(1)


def _stop_signals() -> threading.Event:
    """An event that is set when this process is told to end."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGINT", "SIGBREAK", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, lambda *_: stop.set())
    return stop


def _tell_standing(one: Standing) -> None:
    if one.state == "asking":
        output.note(f"{one.hub}: this machine is not its evolver yet. The group's owner admits it:")
        output.note(f"  skillclaw hub admit {one.request}")
    elif one.state == "evolver":
        output.note(f"{one.hub}: this machine is its evolver now.")
    elif one.state == "ended":
        output.note(f"{one.hub}: this machine's evolver key does not count any more.")
    else:
        output.note(f"{one.hub}: could not be read. {one.error}")


def _tell_ready(ctx: Context, url: str, token: str) -> None:
    if ctx.json:
        output.print_json({"pid": os.getpid(), "url": url, "token": token, "ready": True})
        return
    output.plain(f"Serving (process {os.getpid()}): API on {url}, its token: {token}.")
    tell_door(ctx)


def _tell_once(ctx: Context, done: Once) -> None:
    if ctx.json:
        output.print_json({"cycles": done.cycles, "without": done.without})
        return
    output.table(
        ("hub", "outcome", "sessions", "new", "patterns", "proposals", "released", "seconds", "dollars"),
        [
            (
                line.hub,
                line.outcome,
                line.sessions,
                line.new,
                line.patterns,
                line.proposals,
                line.released,
                f"{line.seconds:.1f}",
                f"{line.spent.usd:.4f}",
            )
            for line in done.cycles
        ],
        empty="This machine is the evolver of no group that could be read.",
    )
    for line in done.cycles:
        for text in (line.error, line.degraded and f"degraded: {line.degraded}"):
            if text:
                output.plain(f"{line.hub}: {text}")
    for group in done.without:
        output.plain(f"{group.hub}: no cycle, it is {group.state}. {group.error}".rstrip())
