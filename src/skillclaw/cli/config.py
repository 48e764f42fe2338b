"""`skillclaw config`: read and write settings."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw import settings
from skillclaw.cli import output
from skillclaw.cli.command import Context, command

__all__ = ["register"]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="Show and change settings.", no_args_is_help=True)
    parent.add_typer(app, name="config")
    command(app, "show")(show)
    command(app, "get")(get)
    command(app, "set")(set_)


def show(ctx: Context) -> None:
    """Every setting with its value."""
    flat = settings.flatten(settings.load(ctx.home))
    if ctx.json:
        output.print_json(flat)
        return
    output.table(("setting", "value"), [(key, _text(value)) for key, value in sorted(flat.items())])
    output.note(f"File: {ctx.home / 'config.toml'}")


def get(ctx: Context, key: Annotated[str, typer.Argument(help="Dotted name, e.g. gate.policy.")]) -> None:
    """One setting's value."""
    value = settings.get_value(settings.load(ctx.home), key)
    if ctx.json:
        output.print_json(value)
    else:
        output.plain(_text(value))


def set_(
    ctx: Context,
    key: Annotated[str, typer.Argument(help="Dotted name, e.g. gate.policy.")],
    value: Annotated[str, typer.Argument(help="The new value.")],
) -> None:
    """Change one setting."""
    stored = settings.set_value(ctx.home, key, value)
    if ctx.json:
        output.print_json({key: stored})
    else:
        output.plain(f"{key} = {_text(stored)}")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
