"""`skillclaw connect`, `disconnect`, `doctor`, `run`: agents and the proxy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from skillclaw.agents import Adapter

__all__ = ["register"]

AgentsArgument = Annotated[
    list[str] | None, typer.Argument(help="Agents, e.g. claude-code codex.", metavar="[AGENT]...")
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Every agent that is installed (disconnect: connected).")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the change of each file; write nothing.")]


def register(parent: typer.Typer) -> None:
    """Add the commands to `parent`."""
    command(parent, "connect")(connect)
    command(parent, "disconnect")(disconnect)
    command(parent, "doctor")(doctor)
    command(
        parent,
        "run",
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )(run)


def connect(
    ctx: Context,
    agents: AgentsArgument = None,
    all_: AllOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Point agents at the proxy, each by its own settings file. `disconnect` puts the files back."""
    from skillclaw.server.connections import connect_agent, port_of, want
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    names = _chosen(agents, all_, _installed)
    if not names and not ctx.json:
        output.plain("No agent found to connect.")
    results = [connect_agent(machine, name, port_of(machine), dry_run=dry_run) for name in names]
    if not dry_run:
        machine.prepare()
        want(machine.home, names)
    if ctx.json:
        output.print_json(results)
        return
    for result in results:
        if dry_run:
            output.plain(result.diff or f"{result.agent}: nothing to change.")
        elif result.changed:
            output.plain(
                f"{result.agent}: connected ({', '.join(result.files)}), forwards to {result.upstream}."
            )
        else:
            output.plain(f"{result.agent}: connected already.")
        for remark in [] if dry_run else result.notes:
            output.note(remark)
    if names and not dry_run:
        from skillclaw.server import runfile

        if runfile.read_running(ctx.home) is None:
            output.note("The proxy does not run; the agents need it: skillclaw up -d")


def disconnect(
    ctx: Context,
    agents: AgentsArgument = None,
    all_: AllOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Put the agents' settings files back; what you changed in them meanwhile stays."""
    from skillclaw.agents import connected
    from skillclaw.server.connections import disconnect_agent, forget, want
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    names = _chosen(agents, all_, lambda: connected(ctx.home))
    results = [disconnect_agent(machine, name, dry_run=dry_run) for name in names]
    if not dry_run and names:
        want(machine.home, names, yes=False)
        for name in names:
            forget(machine, name)
    if ctx.json:
        output.print_json(results)
        return
    for result in results:
        if dry_run:
            output.plain(result.diff or f"{result.agent}: nothing to change.")
        else:
            output.plain(f"{result.agent}: {'disconnected' if result.changed else 'was not connected'}.")
    if not results:
        output.plain("No agent is connected.")


def doctor(
    ctx: Context,
    agent: Annotated[
        str | None, typer.Argument(help="One agent.", metavar="[AGENT]", show_default=False)
    ] = None,
) -> int:
    """What is right, what is wrong, and the mend."""
    from skillclaw.server.connections import examine
    from skillclaw.server.machine import Machine

    findings = examine(Machine(ctx.home), [_adapter(agent).name] if agent else None)
    if ctx.json:
        output.print_json(findings)
    else:
        for finding in findings:
            output.plain(f"{finding.level:4}  {finding.subject}: {finding.text}")
            if finding.mend and finding.level != "ok":
                output.plain(f"      mend: {finding.mend}")
    return 1 if any(finding.level == "fail" for finding in findings) else 0


def run(
    ctx: Context,
    agent: Annotated[str, typer.Argument(help="Agent to start, e.g. claude-code.")],
    args: Annotated[
        list[str] | None, typer.Argument(help="Arguments for the agent, after --.", metavar="[-- ARGS...]")
    ] = None,
) -> int:
    """Start an agent through the proxy; no settings file is touched."""
    from skillclaw.agents import Env
    from skillclaw.server import runfile
    from skillclaw.server.connections import token_of, upstream_of
    from skillclaw.server.machine import Machine

    adapter = _adapter(agent)
    machine = Machine(ctx.home)
    running = runfile.read_running(ctx.home)
    if running is None:
        raise BadInputError(
            "The proxy does not run, so the agent could not reach its provider.",
            "",
            "Start it: skillclaw up -d",
        )
    upstream_of(machine, adapter)
    # With unknown options let through, the `--` that ends ours is handed on too.
    given = args[1:] if args and args[0] == "--" else args
    launch = adapter.launch(
        Env.current(),
        f"http://127.0.0.1:{running.port}/{adapter.name}",
        list(given or []),
        token_of(machine, adapter.name),
    )
    environ = {**os.environ, **launch.env}
    try:
        if sys.platform != "win32":
            os.execvpe(launch.argv[0], launch.argv, environ)
        return subprocess.call(launch.argv, env=environ)
    except OSError as error:
        raise BadInputError(
            f"Cannot start {adapter.title}.",
            f"{launch.argv[0]}: {error.strerror}",
            "Install it, or put it on PATH.",
        ) from error


def _chosen(agents: list[str] | None, all_: bool, every: object) -> list[str]:
    if agents and all_:
        raise UsageError("Name agents, or say --all, not both.")
    if agents:
        return [_adapter(name).name for name in agents]
    if not all_:
        raise UsageError("Say which agents, or --all.", f"Known: {', '.join(sorted(_known()))}.")
    assert callable(every)
    return list(every())


def _known() -> dict[str, Adapter]:
    from skillclaw.agents import adapters

    return adapters()


def _adapter(name: str) -> Adapter:
    known = _known()
    if name not in known:
        raise UsageError(f"There is no agent named {name!r}.", f"Known: {', '.join(sorted(known))}.")
    return known[name]


def _installed() -> list[str]:
    from skillclaw.agents import Env

    env = Env.current()
    return [
        name for name, adapter in sorted(_known().items()) if adapter.detect(env, versions=False).installed
    ]
