"""`skillclaw uninstall`: leave no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from skillclaw.server.setup.leaving import Leaving, Undone

__all__ = ["register"]

PROGRAM = (
    "The program itself goes by what installed it: pipx uninstall skillclaw, or pip uninstall skillclaw."
)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "uninstall")(uninstall)


def uninstall(
    ctx: Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_home: Annotated[
        bool, typer.Option("--keep-home", help="Keep what was recorded and learned, with settings and keys.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> int:
    """Undo all of it: agents' settings and skills folders are as they were; SkillClaw's folder goes.

    What you edited stays, and so do your own cases. Cut off, the same command goes on.
    """
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.leaving import leave, outlook

    machine = Machine(ctx.home)
    would = outlook(machine)
    if dry_run and ctx.json:
        output.print_json(would)
        return 0
    if not yes and not dry_run and (ctx.json or not output.is_terminal()):
        raise UsageError(
            "This takes SkillClaw off this machine.", "Nobody is here to ask.", "Say so with --yes."
        )
    if not ctx.json and (dry_run or not yes):
        for line in _outlook(would, keep_home=keep_home):
            output.plain(line)
    if dry_run:
        return 0
    if not yes:
        typer.confirm("Go on?", abort=True)
    left = leave(machine, keep_home=keep_home)
    if ctx.json:
        output.print_json(left)
    else:
        _tell(left, keep_home=keep_home)
    return 1 if left.failed else 0


def _outlook(would: Leaving, *, keep_home: bool) -> list[str]:
    lines = ["This would be undone:"]
    if would.service:
        lines.append(f"  the service {would.service}")
    lines += [f"  the completion of your shell, {path}" for path in would.completion]
    if would.running:
        lines.append("  `up` runs, and is ended")
    lines += [f"  the settings of {name} are put back" for name in would.agents]
    lines += [f"  the skill {one} is taken out" for one in would.skills]
    if not keep_home:
        lines += [f"  the key {name} is taken out of your system's keyring" for name in would.keys]
        size = f"{would.bytes / 1e6:.1f} MB, {would.sessions} sessions"
        lines.append(f"  {would.home} goes: {size}, what was learned, settings and keys")
    stays = [f"  the skill {one}, which you edited" for one in would.edited]
    stays += [f"  {one}" for one in (would.kept if not keep_home else [would.home])]
    lines += ["This stays:", *stays] if stays else []
    if would.groups and not keep_home:
        lines.append(
            f"What you shared with {', '.join(would.groups)} stays there, and without the keys here nobody "
            "can take it back. First, where you want that: skillclaw sessions forget --all, then skillclaw "
            "hub leave --hub NAME"
        )
    if would.owned and not keep_home:
        lines.append(
            f"You hold the owner's key of {len(would.owned)} group(s); without it nobody can admit members. "
            "Keep it: skillclaw backup FILE"
        )
    elif would.sessions and not keep_home:
        lines.append("To keep it elsewhere first: skillclaw backup FILE")
    return lines


def _tell(left: Undone, *, keep_home: bool) -> None:
    for line in [*left.done, *left.stays]:
        output.plain(line)
    for line in left.failed:
        output.note(line)
    if left.failed:
        output.plain(
            f"{left.home} stays, since it knows how to undo that. Mend it, then: skillclaw uninstall"
        )
    elif keep_home:
        output.plain(f"{left.home} stays; `skillclaw up` begins again with it.")
    else:
        output.plain(PROGRAM)
