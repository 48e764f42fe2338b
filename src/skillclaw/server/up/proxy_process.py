"""The proxy as a child process: started, watched, started again when it dies, drained at the end."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from skillclaw.agents import Env, adapters, connected, connected_upstreams, digest, token
from skillclaw.errors import SkillClawError, StorageError, UpgradeNeededError
from skillclaw.proxy import ConfiguredUpstream, ProxyConfig, command, read_config, write_config
from skillclaw.server.machine import Machine
from skillclaw.server.skills.index import indexes
from skillclaw.server.up.logged import logged
from skillclaw.settings import load

__all__ = ["ProxyProcess", "Routing", "reroute", "routes", "routing", "upstreams"]

log = logging.getLogger("skillclaw.up")
READY = 15.0
"""Seconds that the proxy may take to listen; it takes well under one on an idle machine."""


class Routing(msgspec.Struct, frozen=True):
    """Where requests go: the parts of ProxyConfig that a running proxy takes up."""

    upstreams: dict[str, str]
    configured: dict[str, ConfiguredUpstream] = {}
    routes: dict[str, str] = {}
    tokens: dict[str, str] = {}
    inject: dict[str, str] = {}

    def only(self, agent: str) -> Routing:
        """The same for one agent alone."""

        def own(table: dict[str, str]) -> dict[str, str]:
            return {agent: table[agent]} if agent in table else {}

        return Routing(
            own(self.upstreams), self.configured, own(self.routes), own(self.tokens), own(self.inject)
        )


def upstreams(machine: Machine) -> dict[str, str]:
    """The base URL that each agent's prefix forwards to: the setting, else what `connect` replaced, else what
    the agent's own settings say, else its provider. Agents with a configured upstream are not among them; nor
    is one whose settings cannot be read, unless it is connected: where it goes is known then."""
    env, found = Env.current(), dict[str, str]()
    try:
        joined, known = connected(machine.home), connected_upstreams(machine.home)
    except UpgradeNeededError as error:  # traffic goes where the agents' own settings say
        log.error("%s", " ".join(str(error).split()))
        joined, known = [], {}
    for name, adapter in adapters().items():
        try:
            found[name] = adapter.upstream(env)
        except SkillClawError:  # one agent's broken file must not stop the others
            found[name] = adapter.default_upstream if name in joined else ""
    found |= known
    chosen = load(machine.home, machine.environ).agents
    found |= {name: agent.upstream for name, agent in chosen.items() if agent.upstream}
    return {name: url for name, url in found.items() if "://" in url}


def routes(machine: Machine) -> dict[str, str]:
    """The configured upstream (its name) of each agent that has one."""
    chosen = load(machine.home, machine.environ).agents
    return {name: a.upstream for name, a in chosen.items() if a.upstream and "://" not in a.upstream}


def routing(machine: Machine) -> Routing:
    """Where requests go now. Agents with a configured upstream are given their tokens."""
    settings = load(machine.home, machine.environ)
    named = routes(machine)
    return Routing(
        upstreams=upstreams(machine),
        configured={
            name: ConfiguredUpstream(
                url=given.url,
                protocol=given.protocol,
                key=given.key,
                models=given.models,
                retries=given.retries,
                first_byte_timeout=given.first_byte_timeout,
                longest_wait=given.longest_wait,
                fallback=given.fallback,
            )
            for name, given in settings.upstreams.items()
        },
        routes=named,
        tokens={agent: digest(token(machine.home, agent)) for agent in named},
        inject=indexes(machine, settings),
    )


def reroute(machine: Machine) -> None:
    """Tell a running proxy at once; the daemon would do so within seconds. Nothing where none runs."""
    path = machine.home / "run" / "proxy.json"
    if path.exists():
        known = read_config(path)
        now = msgspec.structs.replace(known, **msgspec.structs.asdict(routing(machine)))
        if now != known:
            write_config(path, now)


class ProxyProcess:
    """One running proxy. `port` is the real one after `start` (0 asks for any free port).

    `only` names the one agent whose prefix it serves; by default all that are known.
    """

    def __init__(self, machine: Machine, port: int, only: str = "") -> None:
        self.machine = machine
        self.port = port
        self._only = only
        self._aside: Path | None = None
        """Where the configuration lies, if the disk of the home had no room for it."""
        self._process: subprocess.Popen[bytes] | None = None
        self._routing = Routing({})
        self._failures = 0
        self._retry_at = 0.0

    def start(self) -> None:
        """Start and wait until it listens; SkillClawError with the proxy's own words when it does not."""
        self._routing = self._served()
        path = self._write_config()
        log_path = self.machine.home / "logs" / "proxy.log"
        process = logged(command(path), log_path, stdout=subprocess.PIPE)
        line = _first_line(process, READY)
        if not line.startswith("ready "):
            process.kill()
            process.wait()
            raise SkillClawError(
                f"The proxy could not start on port {self.port}.",
                line or f"It said nothing for {READY:.0f} s.",
                "Choose another: --port, or `skillclaw config set proxy.port N`. See: skillclaw logs proxy",
            )
        self.port = int(line.split()[1])
        self._process = process
        self._failures = 0

    def _served(self) -> Routing:
        found = routing(self.machine)
        return found.only(self._only) if self._only else found

    def _write_config(self) -> Path:
        settings = self.machine.settings
        config = ProxyConfig(
            port=self.port,
            home=str(self.machine.home),
            **msgspec.structs.asdict(self._routing),
            connect_timeout=settings.proxy.connect_timeout,
            drain=settings.proxy.drain,
            journal_max_mb=settings.journal.max_mb,
            parent=os.getpid(),
            log_format=settings.log.format,
            log_level=settings.log.level,
        )
        path = (self._aside or self.machine.home / "run") / "proxy.json"
        try:
            write_config(path, config)
        except StorageError:
            if self._aside is not None:
                raise
            # Agents may wait for the proxy already, and a full disk must not keep it from them.
            self._aside = _memory()
            if self._aside is None:
                raise
            path = self._aside / "proxy.json"
            write_config(path, config)
        return path

    def refresh(self) -> bool:
        """Tell the proxy of upstreams that changed since, which it takes up while it runs; True when so."""
        now = self._served()
        if now == self._routing:
            return False
        self._routing = now
        self._write_config()
        return True

    def keep_alive(self) -> bool:
        """Start the proxy again if it died, with a growing pause between tries; True when it did so."""
        if self._process is not None and self._process.poll() is None:
            return False
        if time.monotonic() < self._retry_at:
            raise SkillClawError(
                "The proxy is down and will be started again.", "", "See: skillclaw logs proxy"
            )
        if self._process is not None:
            code = self._process.returncode
            log.error(
                "the proxy ended with code %s; starting it again", code, extra={"facts": {"code": code}}
            )
            self._process = None
        self._failures += 1
        self._retry_at = time.monotonic() + min(30.0, 2.0**self._failures)
        self.start()
        return True

    def stop(self) -> None:
        """Ask the proxy to drain and end; end it if it does not."""
        if self._aside is not None:
            shutil.rmtree(self._aside, ignore_errors=True)
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(self.machine.settings.proxy.drain + 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _memory() -> Path | None:
    """A new folder (0700) on a disk in memory; None where there is none."""
    with suppress(OSError):
        return Path(tempfile.mkdtemp(prefix="skillclaw-", dir="/dev/shm"))
    return None


def _first_line(process: subprocess.Popen[bytes], seconds: float) -> str:
    """The first line of the child's output, or what came until it ended or time was up."""
    lines: list[bytes] = []

    def read() -> None:
        assert process.stdout is not None
        lines.append(process.stdout.readline())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(seconds)
    return lines[0].decode("utf-8", "replace").strip() if lines else ""
