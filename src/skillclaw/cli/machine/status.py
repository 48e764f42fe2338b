"""`skillclaw stop`, `status`, `logs`: what runs here, how it is doing, and its end."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError
from skillclaw.log_format import as_text
from skillclaw.own_log import older

__all__ = ["register"]

LOGS = ("up", "proxy", "evolve", "serve", "dashboard", "votes")


def register(parent: typer.Typer) -> None:
    """Add the commands to `parent`."""
    command(parent, "stop")(stop)
    command(parent, "status")(status)
    command(parent, "logs")(logs)


def stop(ctx: Context) -> None:
    """End what `up` started; the agents' own settings are put back until the next `up`."""
    from skillclaw.agents import connected
    from skillclaw.server.up.stopping import end

    if not end(ctx.home):
        _clean_up(ctx)
        return
    still = connected(ctx.home)
    if ctx.json:
        output.print_json({"stopped": True, "connected": still})
        return
    output.plain("Stopped.")
    if still:
        output.plain(
            f"Still pointed at the proxy: {', '.join(still)}. They reach no model until their settings are "
            f"put back: free space or mend what skillclaw logs up names, then: skillclaw disconnect --all. "
            f"Or start it again: skillclaw up -d. The originals lie in {ctx.home / 'backups'}"
        )


def _clean_up(ctx: Context) -> None:
    """What an `up` that was killed left behind: agents that point at a proxy which is gone."""
    from skillclaw.agents import connected
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.connections import let_go

    left = connected(ctx.home)
    failures = let_go(Machine(ctx.home)) if left else {}
    if ctx.json:
        output.print_json({"stopped": False, "connected": sorted(failures)})
        return
    output.plain("SkillClaw does not run.")
    if back := [name for name in left if name not in failures]:
        output.plain(f"Put back the settings of {', '.join(back)}, which still pointed at its proxy.")
    for name, why in failures.items():
        output.plain(f"Could not put back the settings of {name}: {why}")


def status(
    ctx: Context,
    ready: Annotated[
        bool,
        typer.Option("--ready", help="Only whether it works as it should, for probes: exit code 0 or 1."),
    ] = False,
) -> None:
    """What runs, what is connected, what was recorded and learned."""
    if ready:
        _tell_ready(ctx)
        return
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.survey import status_of

    facts = status_of(Machine(ctx.home))
    if ctx.json:
        output.print_json(facts)
    else:
        output.plain(facts.text())


def _tell_ready(ctx: Context) -> None:
    from skillclaw.server.up.readiness import readiness

    found = readiness(ctx.home)
    if ctx.json:
        output.print_json(found)
    else:
        wrong = [f"{check}: {why}" for check, why in found.checks.items() if why]
        output.plain("\n".join(["Not ready.", *wrong]) if wrong else "Ready.")
    if not found.ready:
        raise typer.Exit(1)


def logs(
    ctx: Context,
    part: Annotated[str, typer.Argument(help="up, proxy, evolve, serve, dashboard or votes.")] = "up",
    lines: Annotated[int, typer.Option("-n", help="How many lines.", min=1, max=10_000_000)] = 40,
) -> None:
    """The last lines of a log."""
    if part not in LOGS:
        raise UsageError(f"There is no log {part!r}.", "", f"Logs: {', '.join(LOGS)}")
    path = ctx.home / "logs" / f"{part}.log"
    text: list[str] = []
    for file in (path, older(path)):  # a log that has just begun anew says little
        with suppress(FileNotFoundError):
            text = [*file.read_text("utf-8", "replace").splitlines()[len(text) - lines :], *text]
        if len(text) >= lines:
            break
    if ctx.json:
        output.print_json({"path": str(path), "lines": text})
    else:
        output.plain("\n".join(map(as_text, text)) or f"Nothing in {path} yet.")
