"""`skillclaw config`: read and write settings."""

from __future__ import annotations

import getpass
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.machine import config_check
from skillclaw.cli.values import shown
from skillclaw.errors import SkillClawError, StorageError, UsageError
from skillclaw.extras import has_evolver, install
from skillclaw.system_keyring import SERVICE

__all__ = ["register"]

"""The keyring's name for what SkillClaw keeps in it; the proxy looks there."""


def register(parent: typer.Typer) -> None:
    """Add the group to `parent`."""
    app = typer.Typer(help="Show and change settings.", no_args_is_help=True)
    parent.add_typer(app, name="config")
    command(app, "show")(show)
    command(app, "get")(get)
    command(app, "set")(set_)
    command(app, "key")(key_)
    command(app, "token")(token_)
    config_check.register(app)


def show(ctx: Context) -> None:
    """Every setting with its value; a hub's address without what opens it, which `config get` tells."""
    from skillclaw import settings
    from skillclaw.hub.store_url import safely

    flat = {key: safely(value) for key, value in settings.flatten(settings.load(ctx.home)).items()}
    if ctx.json:
        output.print_json(flat)
        return
    output.table(("setting", "value"), [(key, shown(value)) for key, value in sorted(flat.items())])
    output.note(f"File: {ctx.home / 'config.toml'}")


def get(ctx: Context, key: Annotated[str, typer.Argument(help="Dotted name, e.g. gate.policy.")]) -> None:
    """One setting's value."""
    from skillclaw import settings

    value = settings.get_value(settings.load(ctx.home), key)
    if ctx.json:
        output.print_json(value)
    else:
        output.plain(shown(value))


def set_(
    ctx: Context,
    key: Annotated[str, typer.Argument(help="Dotted name, e.g. gate.policy.")],
    value: Annotated[str, typer.Argument(help="The new value.")],
) -> None:
    """Change one setting."""
    from skillclaw import settings
    from skillclaw.settings_needs import replay_short

    if key == "evolve.engine":
        _engine(value)
    stored = settings.set_value(ctx.home, key, value)
    if key.startswith("share.") and (ctx.home / "sessions.db").exists():
        from skillclaw.server.machine import Machine
        from skillclaw.server.sharing.sending import withdraw

        withdraw(Machine(ctx.home))
    if key.startswith(("agents.", "upstreams.")):
        from skillclaw.server.machine import Machine
        from skillclaw.server.up.proxy_process import reroute

        with suppress(SkillClawError):  # `up` does it within seconds
            reroute(Machine(ctx.home))
    if ctx.json:
        output.print_json({key: stored})
    else:
        output.plain(f"{key} = {shown(stored)}")
        parts = key.split(".")
        if parts[0] == "agents" and parts[-1] == "upstream" and len(parts) == 3:
            output.note(f"An agent that is connected needs this once more: skillclaw connect {parts[1]}")
    if key == "gate.votes.enabled" and stored:
        chosen = settings.load(ctx.home)
        if not (chosen.evolve.model.name or chosen.gate.replay.model):
            output.note("No model is set, so nothing is tried: skillclaw config set evolve.model.name NAME")
    if key.startswith(("gate.replay.", "evolve.budget.")):
        chosen = settings.load(ctx.home)
        if short := replay_short(chosen.gate.replay, chosen.evolve.budget):
            output.note(short)


def _engine(given: str) -> None:
    """UsageError where there is no such engine: every later cycle would end with that. A client that does
    not evolve lacks what engines need to be loaded; their names are known to it all the same."""
    from skillclaw.evolve.evolvers import evolvers, names
    from skillclaw.settings_layers import scalar

    found = scalar(given)
    known = set(evolvers()) if has_evolver() else names()
    if not isinstance(found, str) or found not in known:
        raise UsageError(
            f"evolve.engine cannot be {given!r}.",
            "There is no engine of that name.",
            f"Known: {', '.join(sorted(known))}",
        )


def key_(
    ctx: Context,
    upstream: Annotated[
        str, typer.Argument(help="Name of the upstream, as in upstreams.NAME.url; or: evolve.model.")
    ],
    remove: Annotated[bool, typer.Option("--remove", help="Take the key out of the keyring.")] = False,
) -> None:
    """Store the key of an upstream, or of the evolver's model, in the system's keyring; asks for it, or reads
    it from standard input."""
    from skillclaw import settings

    setting = "evolve.model.key" if upstream == "evolve.model" else f"upstreams.{upstream}.key"
    if upstream != "evolve.model" and upstream not in settings.load(ctx.home).upstreams:
        raise UsageError(
            f"There is no upstream {upstream!r}.",
            "",
            f"First: skillclaw config set upstreams.{upstream}.url URL",
        )
    ring = _keyring()
    try:
        if remove:
            ring.delete_password(SERVICE, upstream)
            stored = settings.set_value(ctx.home, setting, "")
        else:
            ring.set_password(SERVICE, upstream, _asked(upstream))
            stored = settings.set_value(ctx.home, setting, f"keyring:{upstream}")
    except SkillClawError:
        raise
    except Exception as error:  # backends raise what they like
        todo = f"Use the environment instead: skillclaw config set {setting} env:NAME"
        raise StorageError("The keyring refused.", f"{type(error).__name__}.", todo) from error
    if ctx.json:
        output.print_json({setting: stored})
    else:
        output.plain(f"{upstream}: the key was {'removed from' if remove else 'stored in'} the keyring.")


def token_(
    ctx: Context,
    agent: Annotated[str, typer.Argument(help="Agent, e.g. generic.")],
) -> None:
    """Print the key that an agent with a configured upstream must send, for agents set up by hand."""
    from skillclaw.server.machine import Machine
    from skillclaw.server.setup.connections import token_of

    machine = Machine(ctx.home)
    machine.prepare()
    found = token_of(machine, agent)
    if not found:
        raise UsageError(
            f"{agent} has no configured upstream, so it sends its own key.",
            "",
            f"First: skillclaw config set agents.{agent}.upstream NAME",
        )
    if ctx.json:
        output.print_json({"agent": agent, "token": found})
    else:
        output.plain(found)


def _keyring() -> Any:
    try:
        import keyring
    except ImportError as error:
        raise UsageError(
            "The package `keyring` is not installed.",
            "",
            f"{install('keyring')}; or use the environment: key = env:NAME",
        ) from error
    return keyring


def _asked(upstream: str) -> str:
    """The key, from a hidden prompt or from a pipe; never from the command line, which others can see."""
    prompt = f"Key of {upstream}: "
    given = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
    if not given.strip():
        raise UsageError("No key was given.", "", f"Type it, or: skillclaw config key {upstream} < FILE")
    return given.strip()
