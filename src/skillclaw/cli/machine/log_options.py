"""`--log-format` and `--log-level`: the settings `log.*` for one process and those that it starts."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from skillclaw.errors import UsageError
from skillclaw.log_format import FORMATS, LEVELS

__all__ = ["FormatOption", "LevelOption", "use_log"]

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        help="text or json: lines on standard error, too [default: setting log.format].",
        metavar="FORMAT",
    ),
]
LevelOption = Annotated[
    str | None,
    typer.Option(
        "--log-level", help="debug, info, warning or error [default: setting log.level].", metavar="LEVEL"
    ),
]


def use_log(log_format: str | None, log_level: str | None) -> None:
    """Take what the command line says over all settings. UsageError for what is none of the words."""
    for name, given, known in (("format", log_format, FORMATS), ("level", log_level, LEVELS)):
        if given is None:
            continue
        if given not in known:
            raise UsageError(
                f"There is no log {name} {given!r}.", "", f"{name.capitalize()}s: {', '.join(known)}"
            )
        os.environ[f"SKILLCLAW_LOG__{name.upper()}"] = given
