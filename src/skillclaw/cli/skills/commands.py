"""`skillclaw skills`: what was learned, with its evidence, history and place on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.evolve.cycle import odds
from skillclaw.cli.skills import candidates, care, edits, export, safety, verify
from skillclaw.errors import UsageError

__all__ = ["register"]

WIDEST = 160
"""Characters of a line of a skill that a table shows."""

NameArgument = Annotated[str, typer.Argument(help="The skill's name, or HUB/NAME.", metavar="NAME")]

WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the skill's log (500 characters).")]


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="The skills that were learned.", no_args_is_help=True)
    parent.add_typer(app, name="skills")
    command(app, "list", looks=True)(list_)
    command(app, "show", looks=True)(show)
    command(app, "log", looks=True)(log)
    command(app, "evidence", looks=True)(evidence)
    command(app, "pin")(pin)
    command(app, "unpin")(unpin)
    command(app, "rollback")(rollback)
    command(app, "promote")(promote)
    command(app, "archive")(archive)
    command(app, "edit-status", looks=True)(edit_status)
    command(app, "uninstall")(uninstall)
    command(app, "install")(install)
    edits.register(app)
    candidates.register(app)
    care.register(app)
    safety.register(app)
    verify.register(app)
    export.register(app)


def list_(ctx: Context) -> None:
    """The skills, with where they are installed and how much evidence they have."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.reports import skill_rows

    rows, unread = skill_rows(Machine(ctx.home))
    for source in unread:
        output.note(f"hub {source.name}: {' '.join(str(source.error).split())}")
    if ctx.json:
        output.print_json(rows)
        return
    output.table(
        ("name", "version", "stage", "sessions", "users", "installed"),
        [(r.shown, r.version[:8], r.stage, r.sessions, r.users, r.installed_text()) for r in rows],
        empty="No skills yet. Run a cycle: skillclaw evolve",
    )


def show(ctx: Context, name: NameArgument) -> None:
    """The skill's SKILL.md."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.reports import current_bundle

    bundle = current_bundle(Machine(ctx.home), name)
    texts = {file.path: file.data.decode("utf-8", "replace") for file in bundle.files}
    if ctx.json:
        output.print_json({"name": name, "files": texts})
    else:
        output.plain(texts["SKILL.md"])
        for path in sorted(texts.keys() - {"SKILL.md"}):
            output.note(f"also: {path}")


def log(ctx: Context, name: NameArgument) -> None:
    """Each version's story, newest first: released how and by whom, what became of it, with what effect."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.naming import find_skill
    from skillclaw.server.skills.story import stories

    machine = Machine(ctx.home)
    found = find_skill(machine, name)
    rows = stories(machine, found.hub, found.state, found.skill)
    if ctx.json:
        output.print_json(rows)
        return
    for row in rows:
        back = ", rolled back" if not row.current and row.told[-1].what == "rollback" else ""
        output.plain(
            f"{'*' if row.current else ' '} {row.version[:12]}  {row.stage}{back}"
            + (f"  on {row.base[:12]}" if row.base else "  new")
        )
        if row.because:
            output.plain(f"    {output.line(row.because)}")
        for told in row.told:
            output.plain(
                f"    {output.line(told.time[:16])}  {output.line(told.by)}: {output.line(told.text)}"
            )
        if row.undecided:
            seen = (
                f" {row.so_far.why} ({output.line(row.so_far.time[:16])})" if row.so_far is not None else ""
            )
            output.plain(f"    Not decided yet.{seen}")


def evidence(ctx: Context, name: NameArgument) -> None:
    """What each line of the skill rests on: sessions, users, odds ratio with its interval."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.reports import skill_evidence

    rows = skill_evidence(Machine(ctx.home), name)
    if ctx.json:
        output.print_json(rows)
        return
    output.table(
        ("item", "text", "sessions", "users", "helped", "failed", "odds ratio [95%]"),
        [
            (
                *(r.item, _short(r.text), len(r.sessions), r.users),
                *(r.helpful, r.harmful, odds(r.odds_ratio, r.ci)),
            )
            for r in rows
        ],
    )


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[:WIDEST]} ... (all of it: --json)"


def pin(ctx: Context, name: NameArgument) -> None:
    """Keep the skill as it is: no cycle changes or retires it."""
    _pin(ctx, name, True)


def unpin(ctx: Context, name: NameArgument) -> None:
    """Let cycles change the skill again."""
    _pin(ctx, name, False)


def _pin(ctx: Context, name: str, pinned: bool) -> None:
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import set_pinned

    set_pinned(Machine(ctx.home), name, pinned)
    if ctx.json:
        output.print_json({"name": name, "pinned": pinned})
    else:
        output.plain(f"{name} is {'pinned' if pinned else 'no longer pinned'}.")


def rollback(
    ctx: Context,
    name: NameArgument,
    to: Annotated[
        str | None, typer.Option("--to", help="Version to go back to [default: the one before].")
    ] = None,
    why: WhyOption = "",
) -> None:
    """Go back to an earlier version, or to none where there was none, here and for all clients."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import rollback as decide
    from skillclaw.server.work import carry_out

    machine = Machine(ctx.home)
    version = decide(machine, name, to, why)
    done = f"{name} is back at {version[:12]}." if version else f"{name} is withdrawn; nothing was before it."
    synced = carry_out(machine, done)
    if ctx.json:
        output.print_json({"name": name, "version": version, "installed": synced})
        return
    output.plain(done)
    for line in synced.lines():
        output.plain(line)


def promote(ctx: Context, name: NameArgument, why: WhyOption = "") -> None:
    """Make a canary stable: every client of its hub installs it."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import promote as decide
    from skillclaw.server.work import carry_out

    machine = Machine(ctx.home)
    release = decide(machine, name, why)
    done = f"{name} {release.version[:12]} is stable."
    synced = carry_out(machine, done)
    if ctx.json:
        output.print_json(
            {"name": name, "version": release.version, "stage": release.stage, "installed": synced}
        )
        return
    output.plain(done)
    for line in synced.lines():
        output.plain(line)


def archive(ctx: Context, name: NameArgument, why: WhyOption = "") -> None:
    """Leave the skill without a current version: clients take it out. `rollback --to` brings it back."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.review.decisions import archive as decide
    from skillclaw.server.work import carry_out

    machine = Machine(ctx.home)
    version = decide(machine, name, why)
    done = f"{name} is archived."
    synced = carry_out(machine, done)
    if ctx.json:
        output.print_json({"name": name, "version": version, "installed": synced})
        return
    output.plain(f"{done} To bring it back: skillclaw skills rollback {name} --to {version[:12]}")
    for line in synced.lines():
        output.plain(line)


def edit_status(ctx: Context) -> None:
    """Where installed skills stand: as released, edited by you, blocked, failed."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.naming import shown

    rows = Machine(ctx.home).library.status()
    if ctx.json:
        output.print_json(rows)
        return
    output.table(
        ("skill", "folder", "state", "detail"),
        [(shown(r.hub, r.skill), r.target, r.state, r.detail) for r in rows],
        empty="Nothing is installed.",
    )


def uninstall(
    ctx: Context,
    name: Annotated[
        str | None,
        typer.Argument(help="The skill's name; HUB/NAME leaves its place to another hub's.", metavar="NAME"),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every skill that SkillClaw installed.")] = False,
) -> None:
    """Take skills out of the agents' folders; what was there before is there again. Edited copies stay."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.naming import split_name

    if (name is None) == (not all_):
        raise UsageError("Say which skill, or --all.", "", "See: skillclaw skills list")
    hub, bare = split_name(name) if name is not None else (None, None)
    report = Machine(ctx.home).library.uninstall(bare, hub)
    if ctx.json:
        output.print_json(report)
        return
    for line in report.lines():
        output.plain(line)


def install(
    ctx: Context,
    name: Annotated[str | None, typer.Argument(help="The skill's name.", metavar="NAME")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every skill that was held back.")] = False,
) -> None:
    """Take skills back that you uninstalled, or whose folders you deleted."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.naming import find_skill
    from skillclaw.server.work import sync

    if (name is None) == (not all_):
        raise UsageError("Say which skill, or --all.", "", "See: skillclaw skills list")
    machine = Machine(ctx.home)
    names = machine.library.accept(find_skill(machine, name).skill.name if name is not None else None)
    synced = sync(machine)
    if ctx.json:
        output.print_json({"taken_back": names, "installed": synced})
        return
    for line in synced.lines() or ["Nothing was held back."]:
        output.plain(line)
