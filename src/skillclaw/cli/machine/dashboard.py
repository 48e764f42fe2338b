"""`skillclaw dashboard`: the page of this machine in a browser."""

from __future__ import annotations

import os
import signal
import threading
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.extras import needing
from skillclaw.own_log import keep
from skillclaw.private import no_dumps

__all__ = ["register", "tell_door"]


def register(parent: typer.Typer) -> None:
    """Add the command to `parent`."""
    command(parent, "dashboard")(dashboard)


def dashboard(
    ctx: Context,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port, where it is not open yet [default: setting dashboard.port].", min=0, max=65535
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="A link for looking: whoever has it can change nothing.")
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the link; open no browser.")
    ] = False,
    handed: Annotated[int | None, typer.Option("--socket", hidden=True)] = None,
) -> None:
    """Open the dashboard: what was learned, why, and whether it helps; on this machine alone.

    Prints a link that logs one browser in, once, within ten minutes. Where `up` or `serve` runs it leads
    there; else the dashboard runs until Ctrl-C.
    """
    from skillclaw.server.door import read_door
    from skillclaw.server.machine import Machine
    from skillclaw.web.site.login import login_address

    machine = Machine(ctx.home)
    machine.prepare()
    no_dumps()  # logins are in its memory
    stop = threading.Event()
    if handed is not None:
        _behind(ctx, machine.settings.dashboard.idle, handed, stop)
        return
    door = read_door(ctx.home)
    if door is not None:
        _tell(ctx, login_address(ctx.home, door.port, read_only=read_only), no_browser)
        return
    with needing("The dashboard", "web"):
        from skillclaw.web.site.app import make_app
        from skillclaw.web.site.serving import listen, serve
    serving = serve(
        make_app(ctx.home, os.environ), listen(machine.settings.dashboard.port if port is None else port)
    )
    try:
        _heed(stop)  # before the link is told: who reads it may end this at once
        _tell(ctx, login_address(ctx.home, serving.port, read_only=read_only), no_browser)
        if not ctx.json:
            output.plain("End it: Ctrl-C")
        serving.wait(stop, None)
    finally:
        serving.end()


def tell_door(ctx: Context) -> None:
    """One line for people who started what keeps a door: the link that leads through it."""
    from skillclaw.server.door import read_door
    from skillclaw.web.site.login import login_address

    door = read_door(ctx.home)
    if door is not None:
        output.plain(f"Look (this link works once, for ten minutes): {login_address(ctx.home, door.port)}")


def _behind(ctx: Context, idle: float, handed: int, stop: threading.Event) -> None:
    """Answer with the socket of a door, until nobody looks any more."""
    with needing("The dashboard", "web"):
        from skillclaw.web.site.app import make_app
        from skillclaw.web.site.serving import inherited, serve
    keep(ctx.home / "logs" / "dashboard.log")
    serving = serve(make_app(ctx.home, os.environ), inherited(handed))
    try:
        _heed(stop)
        serving.wait(stop, idle)
    finally:
        serving.end()


def _heed(stop: threading.Event) -> None:
    """Set `stop` where this process is told to end."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, lambda *_: stop.set())


def _tell(ctx: Context, address: str, no_browser: bool) -> None:
    if ctx.json:
        output.print_json({"url": address})
        return
    output.plain(f"Dashboard (this link works once, for ten minutes): {address}")
    if not no_browser and output.is_terminal():
        import webbrowser

        webbrowser.open(address)
