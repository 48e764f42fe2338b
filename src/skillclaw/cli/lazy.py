"""Commands that are made once they are asked for: help lists a hundred, a call needs one.

Typer turns every function's signature into options when the tree is built, which takes longer than most
commands do. Here each keeps its place by name and first words; its group makes it when it is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import click
import typer.core
import typer.main
from typer.models import CommandInfo

__all__ = ["Command", "Group", "later"]


class Command(typer.core.TyperCommand):
    """A command whose help has each argument once: Typer lists them with the options, and click, from 8.5 on,
    in a section of its own before."""

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Nothing: `format_options` of Typer has them."""


class Later(click.Command):
    """What a list of commands shows of one; `make` makes it."""

    def __init__(self, make: Callable[[], click.Command], **known: Any) -> None:
        super().__init__(**known)
        self.make = make


class Group(typer.core.TyperGroup):
    """A group that makes each of its commands when it is first asked for it."""

    _listing = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order that they were registered in."""
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; where only a list is wanted, what the list shows."""
        found = super().get_command(ctx, cmd_name)
        if isinstance(found, Later) and not self._listing:
            found = self.commands[cmd_name] = found.make()
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the group's help."""
        self._listing = True
        try:
            super().format_commands(ctx, formatter)
        finally:
            self._listing = False


def later(make: Callable[..., click.Command], command_info: CommandInfo, **given: Any) -> click.Command:
    """In place of `make`, Typer's own `get_command_from_info`."""
    callback = command_info.callback
    assert callback is not None

    def made() -> click.Command:
        if sign := getattr(callback, "sign", None):
            sign()
        return make(command_info=command_info, **given)

    return Later(
        made,
        name=command_info.name or typer.main.get_command_name(callback.__name__),
        help=inspect.cleandoc(command_info.help or inspect.getdoc(callback) or ""),
        short_help=command_info.short_help,
        hidden=command_info.hidden,
        deprecated=command_info.deprecated,
    )
