"""All commands as one tree."""

from __future__ import annotations

from functools import partial
from typing import Any

import typer
import typer.core
import typer.main

from skillclaw import __version__
from skillclaw.cli.bench import commands as bench
from skillclaw.cli.evolve import cases, jobs, proposals, serve
from skillclaw.cli.evolve import cycle as evolve
from skillclaw.cli.hub import commands as hub
from skillclaw.cli.hub import share
from skillclaw.cli.lazy import Group, later
from skillclaw.cli.machine import agents, backup, config, dashboard, mcp, service, uninstall, up
from skillclaw.cli.sessions import commands as sessions
from skillclaw.cli.sessions import imports
from skillclaw.cli.skills import commands as skills
from skillclaw.cli.skills import sync

__all__ = ["build"]

_make = typer.main.get_command_from_info

HELP = """SkillClaw makes the skills of your AI agents improve from real use.

Start with `skillclaw up --demo` (no key, no network), then `skillclaw up`."""


class _Argument(typer.core.TyperArgument):
    """From Click 8.5 on an argument's help is Click's own, and Typer does not pass it on."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.help = given.get("help")


def build() -> Any:
    """The command tree as a click command."""
    typer.main.TyperArgument = _Argument  # type: ignore[attr-defined]
    typer.main.TyperGroup = Group  # type: ignore[attr-defined]
    typer.main.get_command_from_info = partial(later, _make)
    # Help is printed as it stands here, and Typer escapes its brackets for Rich's markup where Rich is there.
    typer.core.HAS_RICH = False
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for group in (
        up,
        serve,
        dashboard,
        agents,
        imports,
        sessions,
        share,
        evolve,
        proposals,
        cases,
        jobs,
        skills,
        hub,
        sync,
        mcp,
        bench,
        config,
        backup,
        service,
        uninstall,
    ):
        group.register(app)
    return typer.main.get_command(app)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"skillclaw {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
) -> None:
    pass


_root.__doc__ = HELP
