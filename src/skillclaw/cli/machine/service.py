"""`skillclaw service`: keep `up` running by the user's own systemd or launchd."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer
from msgspec.structs import replace

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from skillclaw.server.setup.user_unit import Done

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="Keep `up` running by systemd or launchd, as your user.", no_args_is_help=True)
    parent.add_typer(app, name="service")
    command(app, "install")(install)
    command(app, "remove")(remove)


def install(ctx: Context) -> None:
    """Have your system run `skillclaw up`, now and at every login: by your own systemd or launchd (macOS).

    It never asks; say `skillclaw up --yes` once before, if it is to import, connect and install. An `up` that
    runs is ended for it. It is given the variables that say here where agents' files are and how the network
    is reached, such as CLAUDE_CONFIG_DIR and HTTPS_PROXY, but nothing secret. Exit code 1 where the service
    manager did not take it in: the file is there, and what to say later is told.
    """
    from skillclaw.agents import Env
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup import launch_agent, user_unit
    from skillclaw.server.setup.service_environ import for_service
    from skillclaw.server.setup.survey import where_agents_are
    from skillclaw.server.up.stopping import end

    path = _file(ctx.home)
    machine = Machine(ctx.home)
    machine.prepare()
    argv = [sys.executable, "-m", "skillclaw", "up", "--json", "--home", str(ctx.home.absolute())]
    # What says where agents' files are: the service would look for them elsewhere.
    kept, lacks = for_service(machine.settings, os.environ)
    kept |= {**where_agents_are(Env.current()), "PATH": user_unit.searched(os.environ)}
    if _mac():
        log = ctx.home.absolute() / "logs" / "up.out"
        done = launch_agent.install(argv, kept, path, log, lambda: end(ctx.home))
    else:
        done = user_unit.install(argv, kept, path, lambda: end(ctx.home))
    done = replace(done, lacks=lacks)
    _tell(
        ctx,
        done,
        f"Wrote {path}.",
        "It was started, and starts again with every login. See: skillclaw status",
    )
    if lacks and not ctx.json:
        output.note(
            f"{', '.join(lacks)}: set here, secret, and so not given to it. "
            "Keys: skillclaw config key NAME; else set them where your service manager reads them."
        )
    if not done.active:
        raise typer.Exit(1)
    if not ctx.json and not _mac():
        output.plain("Before you log in, too: loginctl enable-linger")


def remove(ctx: Context) -> None:
    """End it, and take its file away. Nothing that was recorded or learned is lost."""
    from skillclaw.server.setup import launch_agent, user_unit

    path = _file(ctx.home)
    done = (launch_agent if _mac() else user_unit).remove(path, ctx.home)
    _tell(ctx, done, f"Removed {path}.", "It does not run any more.")


def _mac() -> bool:
    return sys.platform == "darwin"


def _file(home: Path) -> Path:
    from skillclaw.server.setup.launch_agent import agent_file
    from skillclaw.server.setup.user_unit import unit_file
    from skillclaw.settings import user_home

    if _mac():
        return agent_file(user_home())
    if not sys.platform.startswith("linux"):
        raise UsageError(
            "`skillclaw service` is for systemd and launchd, which this system does not have.",
            "",
            "Have your system's own scheduler run at login: skillclaw up --json",
        )
    return unit_file(os.environ, user_home(), home)


def _tell(ctx: Context, done: Done, did: str, fine: str) -> None:
    if ctx.json:
        output.print_json(done)
        return
    output.plain(did)
    if not done.why:
        output.plain(fine)
        return
    output.plain(f"Your service manager did not take that in: {done.why}")
    output.plain("Where it runs, say: " + " && ".join(done.todo))
