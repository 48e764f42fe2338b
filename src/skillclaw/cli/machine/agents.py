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
from skillclaw.private import as_the_user_made

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skillclaw.agents import Adapter, Wired
    from skillclaw.server.machine import Machine

__all__ = ["register"]

AgentsArgument = Annotated[
    list[str] | None, typer.Argument(help="Agents, e.g. claude-code codex.", metavar="[AGENT]...")
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Every agent that is installed (disconnect: connected).")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
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
    history_only: Annotated[
        bool,
        typer.Option("--history-only", help="No proxy: learn from the agents' own histories as they grow."),
    ] = False,
    yes: YesOption = False,
) -> None:
    """Point agents at the proxy, each by its own settings file. `disconnect` puts the files back.

    With --all it shows once what it would do, and asks.
    """
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    names = _chosen(agents, all_, _installed)
    if not names and not ctx.json:
        output.plain("No agent found to connect.")
    if not names:
        if ctx.json:
            output.print_json([])
    elif history_only:
        _follow(ctx, machine, names, dry_run=dry_run, yes=yes or bool(agents))
    else:
        _connect(ctx, machine, names, dry_run=dry_run, every=all_, yes=yes)


def _connect(
    ctx: Context, machine: Machine, names: list[str], *, dry_run: bool, every: bool, yes: bool
) -> None:
    from skillclaw.server.setup.connections import connect_agent, planned, port_of
    from skillclaw.server.setup.joining import join
    from skillclaw.server.up import runfile

    if every:
        plans, failures = planned(machine, names, port_of(machine))
        names = [plan.agent for plan in plans]
        if not ctx.json:
            _show(plans, failures)
        if names and not dry_run and not yes and not _agrees(ctx, f"Connect {len(names)} agents?"):
            return
    if dry_run:
        port = port_of(machine)
        plans = [connect_agent(machine, name, port, dry_run=True) for name in names]
        if ctx.json:
            output.print_json(plans)
        for plan in [] if ctx.json else plans:
            output.plain(plan.diff or f"{plan.agent}: nothing to change.")
        return
    done: list[Wired] = []
    try:
        for wired in join(machine, names):  # told one by one: where one fails, those before it are connected
            done.append(wired)
            if not ctx.json:
                _tell(wired)
    finally:
        if ctx.json and (done or not names):
            output.print_json(done)
        if done and not ctx.json and runfile.read_running(ctx.home) is None:
            output.note("The proxy does not run; the agents need it: skillclaw up -d")


def _tell(wired: Wired) -> None:
    if wired.changed:
        output.plain(f"{wired.agent}: connected ({', '.join(wired.files)}), forwards to {wired.upstream}.")
    else:
        output.plain(f"{wired.agent}: connected already.")
    for remark in wired.notes:
        output.note(remark)


def _follow(ctx: Context, machine: Machine, names: list[str], *, dry_run: bool, yes: bool) -> None:
    """Learn from histories alone."""
    from skillclaw.agents import Env
    from skillclaw.server.setup.joining import follow, followable
    from skillclaw.server.up import runfile

    env, known = Env.current(), _known()
    counts = {name: len(known[name].histories(env)) for name in names}
    followable(machine, names)
    if not ctx.json:
        output.table(("AGENT", "SESSIONS ON DISK"), [(known[n].title, count) for n, count in counts.items()])
        output.plain(
            f"Their sessions are imported into {machine.home} as they grow (secrets masked; nothing leaves "
            f"this machine); skills go into {' and '.join(map(str, machine.targets_for(names)))}."
        )
    if not dry_run and (yes or _agrees(ctx, f"Follow {len(names)} agents?")):
        follow(machine, names)
        if not ctx.json and runfile.read_running(ctx.home) is None:
            output.note("Nothing runs yet: skillclaw up -d")
    if ctx.json:
        output.print_json([{"agent": name, "sessions": count} for name, count in counts.items()])


def _show(plans: list[Wired], failures: dict[str, str]) -> None:
    """What connecting would do, agent by agent."""
    known = _known()
    rows = [
        (
            known[plan.agent].title,
            ", ".join(plan.files) or "connected already",
            plan.upstream,
            " ".join(plan.notes),
        )
        for plan in plans
    ]
    rows += [(known[name].title, "stays as it is", "", reason) for name, reason in failures.items()]
    output.table(("AGENT", "CHANGES", "FORWARDS TO", "NOTE"), rows)


def _agrees(ctx: Context, question: str) -> bool:
    """Ask once; without a terminal nobody can agree."""
    if not ctx.json and output.is_terminal():
        return typer.confirm(question, default=True)
    raise UsageError("Nobody is here to agree.", "", "Say --yes, or name the agents.")


def disconnect(
    ctx: Context,
    agents: AgentsArgument = None,
    all_: AllOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Put the agents' settings files back; what you changed in them meanwhile stays."""
    from skillclaw.agents import connected
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.connections import disconnect_agent
    from skillclaw.server.setup.consent import agreed, followed, unfollow
    from skillclaw.server.setup.joining import part
    from skillclaw.server.setup.wishes import wishes

    machine = Machine(ctx.home)
    wanted = wishes(machine.home)
    # While nothing runs no agent is connected, but the next `up` would connect those that are wanted.
    every = sorted({*connected(ctx.home), *wanted.proxy, *wanted.history})
    names = _chosen(agents, all_, lambda: every, every)
    read = followed(machine.home)
    if dry_run:
        results = [disconnect_agent(machine, name, dry_run=True) for name in names]
    else:
        results = part(machine, names)
        if all_:
            unfollow(machine.home)
    if ctx.json:
        output.print_json(results)
        return
    for result in results:
        if dry_run:
            output.plain(result.diff or f"{result.agent}: nothing to change.")
        elif result.changed or result.agent in (*wanted.proxy, *wanted.history):
            output.plain(f"{result.agent}: disconnected.")
        else:
            output.plain(f"{result.agent}: was not connected.")
    if not dry_run and names and agreed(machine.home) and read != []:
        output.note("Their histories are not imported any more.")
    if not results:
        output.plain("No agent is connected.")


def doctor(
    ctx: Context,
    agent: Annotated[
        str | None, typer.Argument(help="One agent.", metavar="[AGENT]", show_default=False)
    ] = None,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Everything that is stored, too, as a report that is safe to paste into an issue."
        ),
    ] = False,
) -> int:
    """What is right, what is wrong, and the mend."""
    if deep:
        return _deep(ctx, agent)
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.connections import examine

    findings = examine(Machine(ctx.home), [_adapter(agent).name] if agent else None)
    if ctx.json:
        output.print_json(findings)
    else:
        for finding in findings:
            output.plain(f"{finding.level:4}  {finding.subject}: {finding.text}")
            if finding.mend and finding.level != "ok":
                output.plain(f"      mend: {finding.mend}")
    return 1 if any(finding.level == "fail" for finding in findings) else 0


def _deep(ctx: Context, agent: str | None) -> int:
    from skillclaw.server.deep import examine_all

    if agent is not None:
        raise UsageError("--deep looks at everything, not at one agent.", "", "Leave out either.")
    report = examine_all(ctx.home)
    if ctx.json:
        output.print_json(report)
        return 0 if report.ok else 1
    for title, table in (("versions", report.facts), ("settings", report.settings)):
        output.plain(title)
        for name, value in table.items():
            output.plain(f"  {name}: {value}")
    output.plain("checks")
    for check in report.checks:
        output.plain(f"  {check.level:4}  {check.group}: {check.subject}: {check.text}")
        if check.mend and check.level != "ok":
            output.plain(f"        mend: {check.mend}")
    wrong = sum(1 for check in report.checks if check.level == "fail")
    output.plain(f"{wrong} things are wrong." if wrong else "Nothing is wrong.")
    return 0 if report.ok else 1


def run(
    ctx: Context,
    agent: Annotated[str, typer.Argument(help="Agent to start, e.g. claude-code.")],
    args: Annotated[
        list[str] | None, typer.Argument(help="Arguments for the agent, after --.", metavar="[-- ARGS...]")
    ] = None,
) -> int:
    """Start an agent through the proxy; no settings file is touched."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.connections import started
    from skillclaw.server.up import runfile

    adapter = _adapter(agent)
    machine = Machine(ctx.home)
    running = runfile.read_running(ctx.home)
    if running is None:
        raise BadInputError(
            "The proxy does not run, so the agent could not reach its provider.",
            "",
            "Start it: skillclaw up -d",
        )
    if not running.port:
        raise BadInputError(
            "SkillClaw runs without a proxy, so the agent could not reach its provider.",
            "It follows histories alone.",
            f"Start the proxy by: skillclaw connect {adapter.name}",
        )
    # With unknown options let through, the `--` that ends ours is handed on too.
    given = args[1:] if args and args[0] == "--" else args
    launch = started(machine, adapter, running.port, list(given or []))
    environ = _past_web_proxies({**os.environ, **launch.env})
    as_the_user_made()
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


def _past_web_proxies(environ: dict[str, str]) -> dict[str, str]:
    """Requests to this machine go to it, not to a web proxy, which would see the agent's key."""
    if any(
        environ.get(name) or environ.get(name.lower()) for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    ):
        for name in ("NO_PROXY", "no_proxy"):
            told = [part.strip() for part in environ.get(name, "").split(",") if part.strip()]
            if "*" not in told:
                environ[name] = ",".join(dict.fromkeys([*told, "127.0.0.1", "localhost"]))
    return environ


def _chosen(
    agents: list[str] | None, all_: bool, every: Callable[[], list[str]], gone: Sequence[str] = ()
) -> list[str]:
    """The agents that the user means; `gone` may be meant though their plugins are not here any more."""
    if agents and all_:
        raise UsageError("Name agents, or say --all, not both.")
    if agents:
        return [name if name in gone else _adapter(name).name for name in agents]
    if not all_:
        raise UsageError("Say which agents, or --all.", f"Known: {', '.join(sorted(_known()))}.")
    return every()


def _known() -> dict[str, Adapter]:
    from skillclaw.agents import adapters

    return adapters()


def _adapter(name: str) -> Adapter:
    from skillclaw.agents import no_agent

    known = _known()
    if name not in known:
        raise no_agent(name)
    return known[name]


def _installed() -> list[str]:
    from skillclaw.agents import Env
    from skillclaw.server.setup.survey import is_installed

    env = Env.current()
    return [name for name, adapter in sorted(_known().items()) if is_installed(adapter, env)]
