"""The proxy as a child process: started, watched, started again when it dies, drained at the end."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from skillclaw.agents import (
    Env,
    adapters,
    connected,
    connected_upstreams,
    digest,
    nested,
    surroundings,
    token,
    wiring,
)
from skillclaw.agents.records import Surroundings, placed
from skillclaw.errors import BusyError, SkillClawError, StorageError, in_one_line
from skillclaw.own_log import error_once
from skillclaw.proxy import ConfiguredUpstream, ProxyConfig, command, read_config, write_config
from skillclaw.server.machine import Machine
from skillclaw.server.skills.index import indexes
from skillclaw.server.up.logged import logged
from skillclaw.settings import load

__all__ = ["ProxyProcess", "Routing", "leave", "redirect", "reroute", "routes", "routing", "upstreams"]

log = logging.getLogger("skillclaw.up")
READY = 15.0
"""Seconds that the proxy may take to listen; it takes well under one on an idle machine."""
WAIT = 10.0
"""Seconds to wait for another process that writes what the proxy is told, which takes it a moment."""


class Routing(msgspec.Struct, frozen=True):
    """Where requests go: the parts of ProxyConfig that a running proxy takes up."""

    upstreams: dict[str, str]
    configured: dict[str, ConfiguredUpstream] = {}
    routes: dict[str, str] = {}
    tokens: dict[str, str] = {}
    inject: dict[str, str] = {}
    left: dict[str, str] = {}

    @classmethod
    def told(cls, config: ProxyConfig) -> Routing:
        """What a proxy is told."""
        return cls(*(getattr(config, name) for name in cls.__struct_fields__))

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
    is one whose settings cannot be read, unless it is connected: where it goes is known then.

    Base URLs in this environment count for agents alone that were never connected: the user's shell at
    `connect` said where the others' keys belong, and this may be another one."""
    env, found = nested.outside(machine.home, Env.current()), dict[str, str]()
    joined, known, around = _connections(machine)
    for name, adapter in adapters().items():
        try:
            here = placed(env, around[name].places) if name in around else env
            if name in joined or name in around:
                found[name] = wiring.remembered(here, adapter, around.get(name))
                continue
            nested.refuse_lost(env, adapter)
            found[name] = adapter.upstream(here)
        except SkillClawError:  # one agent's broken file must not stop the others
            found[name] = adapter.default_upstream if name in joined else ""
    return _settled({**found, **known}, _chosen(machine))


def _connections(machine: Machine) -> tuple[list[str], dict[str, str], dict[str, Surroundings]]:
    """Which agents are connected, the upstreams that were replaced, what the environment told then."""
    try:
        home = machine.home
        return connected(home), connected_upstreams(home), surroundings(home)
    except SkillClawError as error:  # traffic goes where the agents' own settings say
        error_once(log, in_one_line(error))
        return [], {}, {}


def _settled(found: dict[str, str], chosen: dict[str, str]) -> dict[str, str]:
    """Base URLs by agent, where the settings have the last word."""
    return {name: url for name, url in {**found, **chosen}.items() if "://" in url}


def _chosen(machine: Machine) -> dict[str, str]:
    """What the settings name for each agent: a base URL or a configured upstream."""
    chosen = load(machine.home, machine.environ).agents
    return {name: agent.upstream for name, agent in chosen.items() if agent.upstream}


def redirect(machine: Machine, agent: str, upstream: str) -> None:
    """Tell a running proxy at once where one agent's requests go, as `reroute` does."""

    def to(known: ProxyConfig) -> ProxyConfig:
        left = {name: url for name, url in known.left.items() if name != agent}
        return msgspec.structs.replace(known, upstreams={**known.upstreams, agent: upstream}, left=left)

    _tell(machine, to)


def leave(machine: Machine, agent: str) -> None:
    """What the agent began before it is disconnected goes on where it went, as long as the proxy runs: its
    key belongs there."""

    def stay(known: ProxyConfig) -> ProxyConfig:
        here = known.upstreams.get(agent)
        return msgspec.structs.replace(known, left={**known.left, agent: here}) if here else known

    if agent in connected(machine.home):
        _tell(machine, stay)


def _tell(machine: Machine, change: Callable[[ProxyConfig], ProxyConfig]) -> None:
    """Change what a running proxy is told. Nothing where none runs."""
    path = machine.home / "run" / "proxy.json"
    while path.exists():
        known = read_config(path)
        now = change(known)
        if now == known:
            return
        with _alone(machine.home):
            if read_config(path) == known:
                return write_config(path, now)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time writes what the proxy is told, by what stands there: `up` and commands all do.

    Held only to see that nobody else wrote since one read it, and to write. To work out what is to be written
    takes longer, and needs other locks; who was late in that does it again.
    """
    from filelock import FileLock, Timeout

    path = home / "run" / "routing.lock"
    lock = FileLock(path, timeout=WAIT, mode=0o600)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            "Another SkillClaw is telling the proxy where requests go.", f"It holds {path}.", "Try again."
        ) from error
    except OSError as error:
        raise StorageError(f"Cannot lock {path}.", str(error), "Free space or mend permissions.") from error
    try:
        yield
    finally:
        lock.release()


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
        tokens=_tokens(machine, named),
        inject=indexes(machine, settings),
    )


def _tokens(machine: Machine, agents: Iterable[str]) -> dict[str, str]:
    """What each of these has to show, made where it has none; an agent without one is refused. What cannot be
    read keeps nobody else from the proxy."""
    found = {}
    for agent in agents:
        try:
            found[agent] = digest(token(machine.home, agent))
        except SkillClawError as error:
            error_once(log, f"{agent} is refused: {in_one_line(error)}")
    return found


def reroute(machine: Machine) -> None:
    """Tell a running proxy at once what the settings and the connections say; the daemon would do so within
    seconds. Nothing where none runs. What this environment says of other agents is left out: it may be
    another one than theirs."""

    def to(known: ProxyConfig) -> ProxyConfig:
        now = msgspec.structs.asdict(routing(machine))
        sure = {**known.upstreams, **_connections(machine)[1]}
        now |= {"upstreams": _settled(sure, _chosen(machine)), "left": known.left}
        return msgspec.structs.replace(known, **now)

    _tell(machine, to)


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
        self._anew(always=True)
        path = self._path
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

    def _served(self, left: dict[str, str]) -> Routing:
        found = routing(self.machine)
        if self._only:
            return found.only(self._only)
        joined = _connections(self.machine)[0] if left else []
        gone = {name: url for name, url in left.items() if name not in joined}
        now = _settled({**found.upstreams, **gone}, _chosen(self.machine))
        return msgspec.structs.replace(found, upstreams=now, left=left)

    def _told(self) -> Routing | None:
        """What the proxy is told now, also by others; None where that cannot be read."""
        try:
            return Routing.told(read_config(self._path))
        except SkillClawError:
            return None

    def _anew(self, *, always: bool = False) -> bool:
        """Write where requests go now; False where the proxy is told just that, but for `always`."""
        goes_on = self._failures > 0 or not always  # what died goes on; one that begins anew does not
        while True:
            told = self._told() if goes_on else None
            now = self._served(told.left if told else {})
            if now == told and not always:
                return False
            with self._alone():
                # What others changed while this looked is newer, and nobody else knows of what they `left`.
                if not goes_on or self._told() == told:
                    self._routing = now
                    self._write_config()
                    return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """As the function, where others can write: not aside, nor on a disk that has no room for the lock."""
        with ExitStack() as held:
            if self._aside is None:
                with suppress(StorageError):
                    held.enter_context(_alone(self.machine.home))
            yield

    def _write_config(self) -> None:
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
        try:
            write_config(self._path, config)
        except StorageError:
            if self._aside is not None:
                raise
            # Agents may wait for the proxy already, and a full disk must not keep it from them.
            self._aside = _memory()
            if self._aside is None:
                raise
            write_config(self._path, config)

    @property
    def _path(self) -> Path:
        return (self._aside or self.machine.home / "run") / "proxy.json"

    def refresh(self) -> bool:
        """Tell the proxy of upstreams that changed since, which it takes up while it runs; True when so."""
        return self._anew()

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
