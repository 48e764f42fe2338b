"""`skillclaw backup`, `skillclaw restore`: all that matters of a home in one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command

__all__ = ["register"]

Passphrase = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="A file whose first line is the passphrase.", metavar="PATH"),
]


def register(parent: typer.Typer) -> None:
    """Add the commands to `parent`."""
    command(parent, "backup")(backup)
    command(parent, "restore")(restore)


def backup(
    ctx: Context,
    file: Annotated[Path, typer.Argument(help="The new file, best on another disk.", metavar="FILE")],
    with_journal: Annotated[
        bool, typer.Option("--with-journal", help="Raw exchanges, too; they are large.")
    ] = False,
    passphrase_file: Passphrase = None,
) -> None:
    """Put sessions, settings, keys, your hub and the library into one file. `up` may go on running.

    The file holds your keys: it is as secret as SkillClaw's folder. With --passphrase-file it is sealed.
    """
    from skillclaw.server.backup import back_up, passphrase_in

    secret = passphrase_in(passphrase_file) if passphrase_file is not None else None
    done = back_up(ctx.home, file, journal=with_journal, passphrase=secret)
    if ctx.json:
        output.print_json(done)
        return
    output.plain(f"Backed up {done.files} files into {done.file} ({done.bytes:,} bytes).")
    for one in done.left_out:
        output.plain(f"Left out {one.path}: {one.why}")
    for note in done.notes:
        output.plain(note)


def restore(
    ctx: Context,
    file: Annotated[Path, typer.Argument(help="What `skillclaw backup` wrote.", metavar="FILE")],
    over: Annotated[
        bool, typer.Option("--over", help="Move what is in the home aside first; nothing is deleted.")
    ] = False,
    passphrase_file: Passphrase = None,
) -> None:
    """Make a home of a backup. All is checked before it is put in place; on an error nothing changes."""
    from skillclaw.server.backup import passphrase_in
    from skillclaw.server.backup import restore as work

    secret = passphrase_in(passphrase_file) if passphrase_file is not None else None
    done = work(ctx.home, file, over=over, passphrase=secret)
    if ctx.json:
        output.print_json(done)
        return
    output.plain(f"Restored {done.files} files into {done.home}, as of {done.made}.")
    if done.old:
        output.plain(f"What was there lies in {done.old}.")
    if done.forgotten:
        output.plain(f"{done.forgotten} sessions that were forgotten after the backup were forgotten again.")
    for line in done.unknown:
        output.plain(f"Not known: {line}")
    for line in done.todo:
        output.plain(f"- {line}")
