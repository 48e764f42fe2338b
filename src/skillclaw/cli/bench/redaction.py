"""`skillclaw bench redaction`: what redaction finds and what it spoils, on texts it was not made from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.errors import StorageError, UsageError

__all__ = ["redaction"]

_HALVES = ("validation", "test", "final", "fourth", "fifth", "sixth")
_NAMES = f"{', '.join(_HALVES[:-1])} or {_HALVES[-1]}"


def redaction(
    ctx: Context,
    half: Annotated[str, typer.Option(help=f"{_NAMES}.")] = "sixth",
    seed: Annotated[int, typer.Option(help="Which values are planted.", min=0)] = 0,
    misses: Annotated[
        Path | None, typer.Option(help="Write each text that was missed or spoiled to this file (JSONL).")
    ] = None,
) -> None:
    """How much of planted secrets and personal data is masked, how many harmless lines are changed, how
    quickly. Exit code 1 below the bars: 99.5% of secrets, 97% of personal data, 1% of clean lines.
    """
    from skillclaw.bench.redaction_measure import dump, run_redaction_bench, summary, within

    if half not in _HALVES:
        raise UsageError(f"--half cannot be {half!r}.", "", f"It is {_NAMES}.")
    result, missed = run_redaction_bench(half, seed)
    if misses is not None:
        try:
            descriptor = os.open(misses, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(dump(missed))
        except OSError as error:
            raise StorageError(f"Cannot write {misses}.", str(error)) from error
    failed = within(result)
    if ctx.json:
        output.print_json({**result, "holds": not failed})
    else:
        output.plain(summary(result))
        for sentence in failed:
            output.plain(f"Not reached: {sentence}.")
    if failed:
        raise typer.Exit(1)
