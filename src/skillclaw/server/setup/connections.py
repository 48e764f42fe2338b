"""Agents and the proxy: wire them up, put their files back, see whether all is well.

While `up` runs, the agents that the user wants connected point at its port. When it ends their own settings
are put back, so that no agent points at a proxy that is not there; the next `up` connects them.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from skillclaw.agents import (
    Adapter,
    Env,
    Finding,
    Launch,
    adapters,
    connected,
    connected_upstreams,
    connection,
    forget_token,
    known_tokens,
    nested,
    no_agent,
    note_surroundings,
    surroundings,
    token,
    wiring,
)
from skillclaw.agents.connections import alone
from skillclaw.agents.tokens import PREFIX
from skillclaw.agents.urls import shown
from skillclaw.apart import note
from skillclaw.errors import BadInputError, SkillClawError, in_one_line
from skillclaw.server.setup.survey import AT_ONCE, is_installed
from skillclaw.server.setup.wishes import revert, want, wishes
from skillclaw.server.up import runfile
from skillclaw.server.up.proxy_process import redirect, reroute, routes, upstreams

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skillclaw.server.machine import Machine

__all__ = [
    "connect_agent",
    "connect_wanted",
    "disconnect_agent",
    "examine",
    "forget",
    "let_go",
    "open_port",
    "planned",
    "port_of",
    "started",
    "token_of",
    "upstream_of",
]

log = logging.getLogger("skillclaw.up")
OPENING = 20.0
"""Seconds that a running `up` may take to start a proxy."""


def port_of(machine: Machine) -> int:
    """The port that agents are pointed at: the running proxy's, else the one in the settings."""
    running = runfile.read_running(machine.home)
    return (running.port if running else 0) or machine.settings.proxy.port


def open_port(machine: Machine, names: Sequence[str]) -> int:
    """The port for these agents; where `up` runs without a proxy, it starts one for them first."""
    running = runfile.read_running(machine.home)
    if running is None or running.port:
        return port_of(machine)
    before = wishes(machine.home)
    want(machine.home, names)
    try:
        until = time.monotonic() + OPENING
        while time.monotonic() < until:
            running = runfile.read_running(machine.home)
            if running is not None and running.port:
                return running.port
            time.sleep(0.1)
        raise SkillClawError("The proxy did not start.", "", "See: skillclaw status; skillclaw logs proxy")
    except BaseException:
        revert(machine.home, names, before)
        raise


def connect_agent(
    machine: Machine, name: str, port: int, *, dry_run: bool = False, again: bool = False
) -> wiring.Wired:
    """Point one agent's own settings file at the proxy on `port`; 0 is none, and refused. `again`: the user
    asked for it earlier, see `wiring.connect`."""
    if port == 0:
        raise BadInputError(
            "The proxy has no port yet.",
            "proxy.port is 0: any free one, when it starts.",
            "First: skillclaw up -d",
        )
    if (adapter := adapters().get(name)) is None:  # its plugin was here when it was asked for
        raise no_agent(name)
    env, base_url = Env.current(), f"http://127.0.0.1:{port}/{name}"
    key = token_of(machine, name, dry_run=dry_run)
    chosen = machine.settings.agents.get(name)
    given = chosen.upstream if chosen else ""
    if not given and not (again and name in surroundings(machine.home)):
        nested.refuse_lost(nested.outside(machine.home, env), adapter)
    if (
        not given
        and not key
        and not wiring.connect(machine.home, env, adapter, base_url, dry_run=True, again=again).upstream
    ):
        raise _unsaid(adapter, "Its settings give no address for the provider in use.")
    wired = wiring.connect(machine.home, env, adapter, base_url, token=key, dry_run=dry_run, again=again)
    # The setting wins over what the agent's own file says, in the proxy and so in the report too.
    if given:
        return msgspec.structs.replace(wired, upstream=shown(given))
    if not dry_run and (own := upstreams(machine).get(name)):
        redirect(machine, name, own)
    return wired


def token_of(machine: Machine, name: str, *, dry_run: bool = False) -> str:
    """What an agent with a configured upstream must send as its key; empty for others. A running proxy knows
    of it and of the upstream when this returns, or within a second. With `dry_run` none is made."""
    upstream = routes(machine).get(name)
    if upstream is None:
        return ""
    if not machine.settings.upstreams[upstream].url:
        raise BadInputError(
            f"The upstream {upstream} of {name} has no URL.",
            "",
            f"Set it: skillclaw config set upstreams.{upstream}.url https://...",
        )
    if dry_run:
        return known_tokens(machine.home).get(name) or f"{PREFIX}to-be-made"
    made = token(machine.home, name)
    reroute(machine)
    return made


def disconnect_agent(machine: Machine, name: str, *, dry_run: bool = False) -> wiring.Wired:
    """Put the agent's settings back; what the user changed in them meanwhile stays."""
    return wiring.disconnect(machine.home, Env.current(), adapters().get(name, name), dry_run=dry_run)


def forget(machine: Machine, name: str) -> None:
    """The user disconnects an agent for good: its token opens nothing any more, and where the environment had
    it go counts no longer."""
    with alone(machine.home):
        note_surroundings(machine.home, name, None)
    forget_token(machine.home, name)
    reroute(machine)


def connect_wanted(machine: Machine, port: int) -> dict[str, str]:
    """Connect every wanted agent; returns what went wrong, by agent, since one must not stop the others."""
    names = wishes(machine.home).proxy
    return _each(names, lambda name: connect_agent(machine, name, port, again=True), "connected")


def let_go(machine: Machine, remarks: list[str] | None = None) -> dict[str, str]:
    """Put back the settings of every connected agent; they stay wanted. What their user should know is added
    to `remarks`."""
    return _each(connected(machine.home), lambda name: disconnect_agent(machine, name), "put back", remarks)


def _each(names: Iterable[str], act: object, done: str, remarks: list[str] | None = None) -> dict[str, str]:
    assert callable(act)
    failures = {}
    for name in names:
        try:
            wired = act(name)
            if wired.changed:
                log.info("%s: %s", name, done)
            for remark in wired.notes:
                log.info("%s: %s", name, remark)
            if remarks is not None:
                remarks += wired.notes
        except Exception as error:  # a plugin's code may fail in any way, and must not stop the others
            known = isinstance(error, SkillClawError | OSError)
            failures[name] = in_one_line(error) if known else f"{type(error).__name__}: {in_one_line(error)}"
            log.error("%s: %s", name, failures[name])
    return failures


def started(machine: Machine, adapter: Adapter, port: int, args: Sequence[str]) -> Launch:
    """How to start an agent through the proxy on `port`, so that its requests go where the settings say, else
    where they would go in this environment without SkillClaw, whatever others connect it to meanwhile.

    BadInputError where nobody said where, or where the agent's own settings lead it elsewhere.
    """
    name, home = adapter.name, machine.home
    env = nested.outside(home, Env.current(), connected_upstreams(home))
    common = f"http://127.0.0.1:{port}/{name}"
    chosen = machine.settings.agents.get(name)
    if chosen and chosen.upstream:
        return adapter.launch(env, common, args, token_of(machine, name))
    upstream = upstream_of(machine, adapter)
    apart = f"http://127.0.0.1:{port}/{note(home, name, upstream)}"
    try:
        return adapter.launch(env, apart, args)
    except SkillClawError:
        # Its settings win: right where the connection that stands in them leads to the same upstream.
        if name not in connected(home) or upstreams(machine).get(name) != upstream:
            raise
        return adapter.launch(env, common, args)


def upstream_of(machine: Machine, adapter: Adapter) -> str:
    """Where an agent's requests go in this environment without SkillClaw; BadInputError where nobody said."""
    found = wiring.own_upstream(machine.home, Env.current(), adapter)
    if "://" not in found:
        raise _unsaid(adapter, "This agent has no provider of its own.")
    return found


def _unsaid(adapter: Adapter, why: str) -> BadInputError:
    return BadInputError(
        f"Nobody said where {adapter.title}'s requests go.",
        why,
        f"Say it: skillclaw config set agents.{adapter.name}.upstream https://...",
    )


def planned(machine: Machine, names: Iterable[str], port: int) -> tuple[list[wiring.Wired], dict[str, str]]:
    """What connecting each would change, and why some cannot be."""
    plans: list[wiring.Wired] = []
    failures = {}
    for name in names:
        try:
            plans.append(connect_agent(machine, name, port, dry_run=True))
        except SkillClawError as error:
            failures[name] = in_one_line(error)
    return plans, failures


def examine(machine: Machine, names: list[str] | None = None) -> list[Finding]:
    """What is right and what is wrong with SkillClaw and the agents, each with its mend. Changes nothing."""
    running = runfile.read_running(machine.home)
    findings = [_daemon(running), *_storage(machine)]
    joined = set(connected(machine.home))
    for gone in sorted(joined - adapters().keys()) if names is None else ():
        text = "is connected, and the package that knows it is not installed any more"
        findings.append(Finding(level="fail", subject=gone, text=text, mend=f"skillclaw disconnect {gone}"))
    env, port = Env.current(), port_of(machine)
    known = sorted(adapters().items()) if names is None else [(n, adapters()[n]) for n in sorted(names)]

    def look(item: tuple[str, Adapter]) -> list[Finding]:
        name, adapter = item
        if names is None and name not in joined and not is_installed(adapter, env):
            return []
        base_url = f"http://127.0.0.1:{port}/{name}" if name in joined else None
        found = [*adapter.doctor(env, base_url), *_upstream(machine, adapter, env, joined)]
        if name in joined and running is None:
            text = "points at a proxy that does not run, so it cannot reach its provider"
            mend = f"skillclaw up -d, or skillclaw disconnect {name}"
            found.append(Finding(level="fail", subject=adapter.title, text=text, mend=mend))
        return found

    # Most of the time goes into programs that tell their version.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(look, known):
            findings += found
    return findings


def _upstream(machine: Machine, adapter: Adapter, env: Env, joined: set[str]) -> list[Finding]:
    """Whether an agent with a configured upstream has what it needs for it."""
    name = adapter.name
    upstream = routes(machine).get(name)
    if upstream is None:
        return []
    given = machine.settings.upstreams[upstream]
    subject = f"{adapter.title} upstream"
    if not given.url:
        mend = f"skillclaw config set upstreams.{upstream}.url https://..."
        return [Finding(level="fail", subject=subject, text=f"{upstream} has no URL", mend=mend)]
    if name in joined:
        key = known_tokens(machine.home).get(name, "")
        record = connection(machine.home, name)
        written = [c.new for file in record.files for c in file.changes] if record else []
        if not key or key not in written:
            text = f"its settings lack the token for the configured upstream {upstream}"
            return [Finding(level="fail", subject=subject, text=text, mend=f"skillclaw connect {name}")]
    if given.key.startswith("env:") and given.key.removeprefix("env:") not in env.environ:
        text = f"{given.key.removeprefix('env:')} is not set here; it must be set where `skillclaw up` runs"
        mend = f"Set it, or store the key in the keyring: skillclaw config key {upstream}"
        return [Finding(level="warn", subject=subject, text=text, mend=mend)]
    if given.key and given.url.startswith("http://") and not _here(given.url):
        text = (
            f"{upstream}'s key goes to {shown(given.url)} in clear, where others on the network can read it"
        )
        mend = f"skillclaw config set upstreams.{upstream}.url https://..."
        return [Finding(level="warn", subject=subject, text=text, mend=mend)]
    return [Finding(level="ok", subject=subject, text=f"{upstream} ({given.protocol}, {shown(given.url)})")]


def _here(url: str) -> bool:
    """Whether a URL is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _daemon(running: runfile.Running | None) -> Finding:
    if running is None:
        return Finding(level="warn", subject="SkillClaw", text="does not run", mend="skillclaw up -d")
    if not running.port:
        return Finding(level="ok", subject="SkillClaw", text="runs without a proxy: histories are followed")
    health = runfile.health(running.port)
    if health is None:
        return Finding(
            level="fail",
            subject="Proxy",
            text=f"does not answer on port {running.port}",
            mend="skillclaw stop; skillclaw up -d; see: skillclaw logs proxy",
        )
    if stopped := runfile.recording(health["journal"]):
        level: Literal["fail", "warn"] = "fail" if health["journal"]["last_error"] else "warn"
        mend = "Mend that (free space on the disk); it goes on by itself. See: skillclaw logs proxy"
        return Finding(level=level, subject="Recording", text=stopped, mend=mend)
    return Finding(level="ok", subject="SkillClaw", text=f"runs on port {running.port}", mend="")


def _storage(machine: Machine) -> list[Finding]:
    """Whether the folder can be written, and what is stored can be read."""
    findings = []
    place = next(one for one in (machine.home, *machine.home.absolute().parents) if one.exists())
    if not os.access(place, os.W_OK):
        mend = "Mend its permissions, or choose another folder: --home DIR, or SKILLCLAW_HOME."
        text = f"{machine.home} cannot be written, so nothing is recorded or learned"
        findings.append(Finding(level="fail", subject="Folder", text=text, mend=mend))
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
