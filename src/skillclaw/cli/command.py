"""The options that every command takes, added in one place.

A command is a function of a `Context` and its own parameters; `command(app)` adds `--home`, `--json` and
`--debug` to its signature, so that help shows them and no command can forget them.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import click
import typer

from skillclaw.cli.lazy import Command
from skillclaw.errors import UsageError
from skillclaw.home import default_home

__all__ = ["Context", "command"]

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="SkillClaw's folder [env: SKILLCLAW_HOME; default: ~/.skillclaw].", metavar="DIR"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for scripts.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@dataclass(frozen=True)
class Context:
    """What every command knows: SkillClaw's home, whether a script is reading, and whether this machine has
    no home yet, so that `home` is one that passes."""

    home: Path
    json: bool
    passing: bool = False


def command(
    app: typer.Typer, name: str | None = None, *, looks: bool = False, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function `(ctx: Context, ...)` as a command of `app` with the common options. One that only
    `looks` leaves nothing on a machine that has no home yet."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**given: Any) -> Any:
            home = _home(given.pop("home"))
            given.pop("debug")
            json = given.pop("json")
            with _passing(home) if looks else nullcontext(home) as place:
                _bounded(given)
                return function(Context(home=place, json=json, passing=place != home), **given)

        run.sign = functools.partial(_sign, run, function)  # type: ignore[attr-defined]
        app.command(name, cls=Command, **options)(run)
        return function

    return register


_MOST = 2**53
"""Up to here every whole number is one, in whatever form a database, a file or a program keeps it."""


def _home(given: Path | None) -> Path:
    try:
        return (given or default_home()).expanduser()
    except RuntimeError as error:
        named = "--home" if given else "SKILLCLAW_HOME"
        what = f"{named} names a user that is not here."
        raise UsageError(what, str(error), "Write the folder out.") from error


def _bounded(given: Mapping[str, Any]) -> None:
    """BadParameter for a number that is none (`nan`) or that nothing could count to."""
    for name, value in given.items():
        if isinstance(value, int | float) and not -_MOST <= value <= _MOST:
            context = click.get_current_context()
            about = next((one for one in context.command.params if one.name == name), None)
            least, most = (getattr(about and about.type, end, None) for end in ("min", "max"))
            least, most = -_MOST if least is None else least, _MOST if most is None else most
            raise typer.BadParameter(
                f"{value} is not in the range {least}<=x<={most}.", ctx=context, param=about
            )


@contextmanager
def _passing(home: Path) -> Iterator[Path]:
    """`home`; where there is none, an empty one that is gone afterwards. Not where settings come from the
    environment: a hub that they name would be made by keys that are gone."""
    if home.exists() or any(
        name.startswith("SKILLCLAW_") and name != "SKILLCLAW_HOME" for name in os.environ
    ):
        yield home
        return
    with TemporaryDirectory(prefix="skillclaw-") as place:
        yield Path(place) / home.name


def _sign(run: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Give `run` the signature that Typer makes its options from; once the command is called (`lazy`)."""
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    common = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for key, default, kind in (
            ("home", None, HomeOption),
            ("json", False, JsonOption),
            ("debug", False, DebugOption),
        )
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    run.__signature__ = signature.replace(parameters=keyword + common)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in keyword + common}
