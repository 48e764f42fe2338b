"""`--config FILE` of commands that take settings from a file beside the home's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.home import CONFIG

__all__ = ["ConfigOption", "use"]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help=f"TOML file of settings, over the home's [env: {CONFIG}].", metavar="FILE"),
]


def use(file: Path | None) -> None:
    """Have this process, and those it starts, read the settings in `file` over the home's."""
    if file is not None:
        os.environ[CONFIG] = str(file.expanduser().absolute())
