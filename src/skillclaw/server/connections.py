"""Agents and the proxy: wire them up, put their files back, see whether all is well.

While `up` runs, the agents that the user wants connected point at its port. When it ends their own settings
are put back, so that no agent points at a proxy that is not there; the next `up` connects them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from skillclaw.agents import Adapter, Env, Finding, adapters, connected, wiring
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.server import runfile
from skillclaw.server.proxy_process import upstreams

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from skillclaw.server.machine import Machine

__all__ = [
    "connect_agent",
    "connect_wanted",
    "disconnect_agent",
    "examine",
    "let_go",
    "port_of",
    "upstream_of",
    "want",
    "wanted",
]

log = logging.getLogger("skillclaw.up")


def _path(home: Path) -> Path:
    return home / "wanted.json"


def wanted(home: Path) -> list[str]:
    """The agents that the user wants connected whenever `up` runs."""
    try:
        return msgspec.json.decode(_path(home).read_bytes(), type=list[str])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise BadInputError(
            f"Cannot read {_path(home)}.", str(error), "Delete it, then connect the agents again."
        ) from error


def want(home: Path, names: Iterable[str], *, yes: bool = True) -> None:
    """Remember that the user wants these agents connected, or (`yes` false) no longer."""
    now = set(wanted(home))
    now = now | set(names) if yes else now - set(names)
    path = _path(home)
    path.write_bytes(msgspec.json.encode(sorted(now)))
    path.chmod(0o600)


def port_of(machine: Machine) -> int:
    """The port that agents are pointed at: the running proxy's, else the one in the settings."""
    running = runfile.read_running(machine.home)
    return running.port if running else machine.settings.proxy.port


def connect_agent(machine: Machine, name: str, port: int, *, dry_run: bool = False) -> wiring.Wired:
    """Point one agent's own settings file at the proxy on `port`; 0 is none, and refused."""
    if port == 0:
        raise BadInputError(
            "The proxy has no port yet.",
            "proxy.port is 0: any free one, when it starts.",
            "First: skillclaw up -d",
        )
    base_url = f"http://127.0.0.1:{port}/{name}"
    wired = wiring.connect(machine.home, Env.current(), adapters()[name], base_url, dry_run=dry_run)
    chosen = machine.settings.agents.get(name)
    # The setting wins over what the agent's own file says, in the proxy and so in the report too.
    return msgspec.structs.replace(wired, upstream=chosen.upstream) if chosen and chosen.upstream else wired


def disconnect_agent(machine: Machine, name: str, *, dry_run: bool = False) -> wiring.Wired:
    """Put the agent's settings back; what the user changed in them meanwhile stays."""
    return wiring.disconnect(machine.home, Env.current(), adapters()[name], dry_run=dry_run)


def connect_wanted(machine: Machine, port: int) -> dict[str, str]:
    """Connect every wanted agent; returns what went wrong, by agent, since one must not stop the others."""
    return _each(wanted(machine.home), lambda name: connect_agent(machine, name, port), "connected")


def let_go(machine: Machine) -> dict[str, str]:
    """Put back the settings of every connected agent; they stay wanted."""
    return _each(connected(machine.home), lambda name: disconnect_agent(machine, name), "put back")


def _each(names: Iterable[str], act: object, done: str) -> dict[str, str]:
    assert callable(act)
    failures = {}
    for name in names:
        try:
            if act(name).changed:
                log.info("%s: %s", name, done)
        except (SkillClawError, OSError) as error:
            failures[name] = " ".join(str(error).split())
            log.error("%s: %s", name, failures[name])
    return failures


def upstream_of(machine: Machine, adapter: Adapter) -> str:
    """Where the agent's prefix forwards to; BadInputError where nobody said."""
    found = upstreams(machine).get(adapter.name)
    if not found:
        raise BadInputError(
            f"Nobody said where {adapter.title}'s requests go.",
            "This agent has no provider of its own.",
            f"Say it: skillclaw config set agents.{adapter.name}.upstream https://...",
        )
    return found


def examine(machine: Machine, names: list[str] | None = None) -> list[Finding]:
    """What is right and what is wrong with SkillClaw and the agents, each with its mend. Changes nothing."""
    running = runfile.read_running(machine.home)
    findings = [_daemon(running), *_storage(machine)]
    joined = set(connected(machine.home))
    env = Env.current()
    for name, adapter in sorted(adapters().items()):
        if names is not None and name not in names:
            continue
        if names is None and name not in joined and not adapter.detect(env, versions=False).installed:
            continue
        base_url = f"http://127.0.0.1:{port_of(machine)}/{name}" if name in joined else None
        findings += adapter.doctor(env, base_url)
        if name in joined and running is None:
            findings.append(
                Finding(
                    level="fail",
                    subject=adapter.title,
                    text="points at a proxy that does not run, so it cannot reach its provider",
                    mend=f"skillclaw up -d, or skillclaw disconnect {name}",
                )
            )
    return findings


def _daemon(running: runfile.Running | None) -> Finding:
    if running is None:
        return Finding(level="warn", subject="SkillClaw", text="does not run", mend="skillclaw up -d")
    if runfile.health(running.port) is None:
        return Finding(
            level="fail",
            subject="Proxy",
            text=f"does not answer on port {running.port}",
            mend="skillclaw stop; skillclaw up -d; see: skillclaw logs proxy",
        )
    return Finding(level="ok", subject="SkillClaw", text=f"runs on port {running.port}", mend="")


def _storage(machine: Machine) -> list[Finding]:
    """Whether what is stored can be read."""
    findings = []
    parts = {"Sessions": machine.home / "sessions.db", "Hub": machine.home / "hub"}
    for subject, path in parts.items():
        if not path.exists():
            continue
        try:
            text = (
                f"{machine.sessions.count()} sessions"
                if subject == "Sessions"
                else f"{machine.hub.state().seq} commits"
            )
            findings.append(Finding(level="ok", subject=subject, text=text, mend=""))
        except SkillClawError as error:
            findings.append(
                Finding(level="fail", subject=subject, text=f"{error.what} {error.why}", mend=error.todo)
            )
    return findings
