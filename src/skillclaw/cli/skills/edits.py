"""`skillclaw skills diff | merge | propose`: what you changed in an installed skill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from skillclaw.server.skills.edits import Edit

__all__ = ["register"]

NameArgument = Annotated[str, typer.Argument(help="The skill's name, or HUB/NAME.", metavar="NAME")]
REASONS = 3
"""Reasons that an error names."""


def register(app: typer.Typer) -> None:
    """Add the commands to the group `skills`."""
    command(app, "diff", looks=True)(diff)
    command(app, "merge")(merge)
    command(app, "propose")(propose)


def diff(
    ctx: Context,
    name: NameArgument,
    old: Annotated[
        str | None,
        typer.Argument(
            help="A version, how it begins, or `edited` [default: your edit, else the one before]."
        ),
    ] = None,
    new: Annotated[
        str | None, typer.Argument(help="A version, or `current` [default: the current one].")
    ] = None,
) -> None:
    """What you changed in an installed copy, and what is newer; or what changed between two versions.

    `diff NAME edited` compares your copy with the version it was made from, `diff NAME edited current` with
    the current one.
    """
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.edits import diff_edited, edits
    from skillclaw.server.skills.reports import diff_versions

    machine = Machine(ctx.home)
    if "edited" in (old, new):
        other = new if old == "edited" else old
        _print_diff(ctx, name, diff_edited(machine, name, other))
        return
    found = edits(machine, name) if old is None and new is None else []
    if not found:
        _print_diff(ctx, name, diff_versions(machine, name, old, new if new != "current" else None))
    elif ctx.json:
        output.print_json({"name": name, "diff": found[0].diff, "edits": found})
    else:
        for one in found:
            _print_edit(one)


def _print_diff(ctx: Context, name: str, text: str) -> None:
    if ctx.json:
        output.print_json({"name": name, "diff": text})
    else:
        output.plain(text or "No difference.")


def _print_edit(edit: Edit) -> None:
    output.plain(f"Your copy {edit.place} against version {edit.base[:12]}, which it was made from:")
    output.plain(edit.diff)
    if not edit.newer:
        return
    output.plain(f"\nYour copy against version {edit.newer[:12]}, which is newer:")
    output.plain(edit.newer_diff)
    told = {
        "clean": "It would merge cleanly",
        "conflicts": "They conflict",
        "failed": f"It cannot be merged: {edit.detail}",
    }
    output.plain(f"\n{told.get(edit.merge, edit.merge)}. See: skillclaw skills merge {edit.skill}")


def merge(
    ctx: Context,
    name: NameArgument,
    hub: Annotated[str | None, typer.Option("--hub", help="The hub whose skill it is.")] = None,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Where they conflict, take the release's.")
    ] = False,
    ours: Annotated[bool, typer.Option("--ours", help="Where they conflict, keep yours.")] = False,
) -> int:
    """Bring the newer release into the copy that you edited. Where they conflict nothing is written."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.edits import merge as work

    if theirs and ours:
        raise UsageError("Say --theirs or --ours, not both.")
    rows = work(Machine(ctx.home), name, hub, prefer="theirs" if theirs else "ours" if ours else "")
    if not rows:
        raise BadInputError(
            f"No installed copy of {name} is edited.", "", "See: skillclaw skills edit-status"
        )
    if ctx.json:
        output.print_json(rows)
    for row in rows if not ctx.json else []:
        place = Path(row.target) / row.skill
        if row.state == "merged":
            output.plain(f"Merged version {row.version[:12]} into {place}; it counts as edited still.")
        elif row.state == "nothing":
            output.plain(f"Nothing to merge into {place}: {row.detail}.")
        elif row.state == "failed":
            output.plain(f"Could not merge into {place}: {row.detail}")
        else:
            output.plain(f"{place}: version {row.version[:12]} conflicts with your copy; nothing is written.")
            for conflict in row.conflicts:
                output.plain(conflict.text())
            output.plain(
                f"Change your copy so that they agree, or: skillclaw skills merge {name} --ours (or --theirs)"
            )
    return 1 if any(row.state in ("conflicts", "failed") for row in rows) else 0


def propose(
    ctx: Context,
    name: NameArgument,
    hub: Annotated[
        str | None, typer.Option("--hub", help="The hub to propose it to [default: where it comes from].")
    ] = None,
    note: Annotated[str, typer.Option(help="What the change is for, for those who decide.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="The copy that is meant, where several are edited.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Propose this earlier version again, not an edit; a prefix will do.")
    ] = None,
) -> None:
    """Propose what you changed in an installed skill. Secrets and personal data refuse it; people decide.

    Once it is released, your copy is the release and counts as edited no more.
    """
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.edits import propose as work
    from skillclaw.server.skills.edits import propose_version

    if version is not None and folder is not None:
        raise UsageError("Say --version or --folder, not both.")
    if version is not None:
        given = f"{hub}/{name}" if hub and "/" not in name else name
        done = propose_version(Machine(ctx.home), given, version, note=note)
    else:
        done = work(Machine(ctx.home), name, hub=hub, note=note, folder=folder)
    if ctx.json:
        output.print_json(done)
    elif done.status == "sent":
        output.plain(f"Sent to {done.hub} as proposal {done.proposal}; the group's evolver takes it in.")
    elif done.status:
        for verdict in done.verdicts:
            output.plain(f"  {verdict.verdict:7}  {verdict.check}: {output.line(verdict.reason)}")
        output.plain(f"It is proposal {done.proposal}, which is {done.status}.")
        if done.status in ("held", "passed"):
            output.plain(f"Decide: skillclaw proposals approve {done.proposal} (or reject)")
    if not done.status:
        reasons = [place.text() for place in done.private]
        reasons += [f"{v.check}: {v.reason}" for v in done.verdicts if v.verdict == "reject"]
        more = f" and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
        raise BadInputError(
            f"{name} is not proposed; nothing left this machine.",
            "; ".join(reasons[:REASONS]) + more,
            f"Your copy stays as it is in {done.place}; mend it there and propose it again."
            if done.place
            else "",
        )
