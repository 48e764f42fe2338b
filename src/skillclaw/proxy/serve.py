"""The proxy's process: listen on loopback, forward, record, drain when it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillclaw import __version__
from skillclaw.errors import SkillClawError
from skillclaw.journal.writer import JournalWriter
from skillclaw.proxy import ProxyConfig, heads, read_config
from skillclaw.proxy.front import Front, Handler
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import RequestHead, split
from skillclaw.proxy.passage import Passage
from skillclaw.proxy.record import Draft
from skillclaw.proxy.upstream import KEEP_ALIVE, Upstream, make_connector
from skillclaw.proxy.whole import LARGEST_REQUEST, TOO_LARGE, Whole

if TYPE_CHECKING:
    from skillclaw.proxy.configured.service import Configured

__all__ = ["Proxy", "main", "serve"]

log = logging.getLogger("skillclaw.proxy")
TEND = 0.5
"""Seconds between looks at timeouts and at the configuration file."""
PARENT = 1.0
"""Seconds between looks at the parent process."""
MALLOC = ((-3, 1 << 18), (-1, 1 << 20), (-8, 2))
"""M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in bytes, M_ARENA_MAX."""
FILES = 10240
"""Open files, if the system allows so many; macOS allows no more."""
FLUSH = 1.0
"""Seconds that the last bytes may take to leave the socket once all answers are done."""


class Proxy:
    """The state of a running proxy: upstreams, journal, requests under way."""

    def __init__(self, path: Path, config: ProxyConfig, journal: JournalWriter) -> None:
        self._path = path
        self._config = config
        self._journal = journal
        self._connector = make_connector()
        self.configured: Configured | None = None
        self._upstreams: dict[str, Upstream | str] = {}
        self._modified = _modified(path)
        self.fronts: set[Front] = set()
        self.port = config.port
        self.under_way = 0
        self.draining = False
        self.take(config)

    def take(self, config: ProxyConfig) -> None:
        """Send requests where `config` says from now on; one that is no URL answers with the reason."""
        taken: dict[str, Upstream | str] = {}
        for agent, base in config.upstreams.items():
            taken[agent] = self._upstream(base, self._upstreams.get(agent))
        stay = {id(kept) for kept in taken.values()}
        for upstream in self._upstreams.values():
            if isinstance(upstream, Upstream) and id(upstream) not in stay:
                upstream.retire()
        self._upstreams = taken
        self._config = config
        if self.configured is not None:
            self.configured.take(config)
        elif config.routes or config.inject:
            # Needs an HTTP client of its own, which others need not load.
            from skillclaw.proxy.configured.service import Configured

            self.configured = Configured(config)

    def _upstream(self, base: str, known: Upstream | str | None) -> Upstream | str:
        """The upstream at `base`, with the connections of `known` if that is the one; or why none."""
        try:
            if isinstance(known, Upstream) and known.base == base:
                upstream = known
            else:
                upstream = Upstream(base, self._connector, self._config.connect_timeout)
        except ValueError as error:
            return f"Its upstream is wrong: {error}."
        if upstream.local_port == self.port:
            return "Its upstream is this proxy itself: a request would go round for ever."
        return upstream

    def listens(self, port: int) -> None:
        """The port that the system gave."""
        self.port = port
        self.take(self._config)

    def _reload(self) -> None:
        """Read the upstreams again if the file changed; a broken file changes nothing."""
        modified = _modified(self._path)
        if modified != self._modified:
            self._modified = modified
            try:
                self.take(read_config(self._path))
            except SkillClawError as error:
                log.error("%s", error)
            except Exception:
                log.exception("the configuration could not be taken")

    def begin(self, front: Front, head: RequestHead) -> Handler | None:
        """Take a request up; None when it was answered at once (`front.Service`)."""
        target = head.target = heads.origin_form(head.target, self.port)
        if not heads.local(head.fields):
            front.refuse(head, _FOREIGN, drop=True)
            return None
        if target.partition("?")[0] == "/healthz" and head.method in ("GET", "HEAD"):
            front.send(head, 200, self.health())
            return None
        if head.method == "CONNECT":
            front.refuse(head, _NO_CONNECT, drop=True)
            return None
        agent, rest = _agent_of(target)
        if self.configured is not None and (agent in self._config.routes or agent in self._config.inject):
            handler = self._whole(front, head, agent, rest, self.configured)
            if handler is not None or agent in self._config.routes:
                return handler
        upstream = self._upstreams.get(agent)
        if isinstance(upstream, Upstream):
            return Passage(front, head, upstream, agent, rest)
        nowhere = _nowhere(agent, upstream, self._agents())
        front.refuse(head, nowhere)
        return None

    def _whole(
        self, front: Front, head: RequestHead, agent: str, rest: str, configured: Configured
    ) -> Handler | None:
        """A request that is answered in configured mode; None when it is not, or was refused."""
        if head.upgrades:
            if agent in self._config.routes:
                front.refuse(head, _NO_WEBSOCKET, drop=True)
            return None
        headers = split(head.fields.lines)
        if not configured.takes(agent, head.method, rest, headers):
            return None
        if (head.fields.length or 0) > LARGEST_REQUEST:
            if agent in self._config.routes:
                front.refuse(head, TOO_LARGE, drop=True)
            return None
        known = configured.knows(agent, rest, headers)
        return Whole(front, head, agent, rest, configured.answer, known=known)

    def keep(self, draft: Draft) -> None:
        """Record an exchange (`front.Service`)."""
        self._journal.put(draft.build, draft.size)

    async def tend(self) -> None:
        """What is due from time to time: timeouts, idle connections, upstreams that changed."""
        while True:
            await asyncio.sleep(TEND)
            now = time.monotonic()
            for front in list(self.fronts):
                try:
                    front.check(now, self._config)
                except Exception:  # one connection must not cost all others their timeouts
                    log.exception("a connection is closed, since its state is wrong")
                    front.transport.abort()
            for upstream in self._upstreams.values():
                if isinstance(upstream, Upstream):
                    upstream.expire(now - KEEP_ALIVE)
            self._reload()

    def health(self) -> bytes:
        """`GET /healthz` (DESIGN 4)."""
        return msgspec.json.encode(
            {
                "status": "draining" if self.draining else "ok",
                "version": __version__,
                "agents": self._agents(),
                "under_way": self.under_way,
                "journal": self._journal.stats(),
            }
        )

    def _agents(self) -> list[str]:
        return sorted({*self._upstreams, *self._config.routes})

    async def close(self) -> None:
        """Close the connections to upstreams."""
        if self.configured is not None:
            await self.configured.close()
        for upstream in self._upstreams.values():
            if isinstance(upstream, Upstream):
                upstream.retire()
        await self._connector.close()


_FOREIGN = Failure(
    403,
    "SkillClaw's proxy serves this machine only.",
    "The request names another host, or comes from a web page.",
    "Use http://127.0.0.1 and the proxy's port.",
)
_NO_WEBSOCKET = Failure(
    426,
    "SkillClaw's proxy speaks plain HTTP here.",
    "A configured upstream gets no WebSocket.",
    "Use HTTP with SSE.",
)
_NO_CONNECT = Failure(
    405,
    "SkillClaw's proxy is no proxy for whole connections.",
    "CONNECT asks for one.",
    "Use http://127.0.0.1:PORT/AGENT as the agent's base URL.",
)


def _agent_of(target: str) -> tuple[str, str]:
    """`/<agent>/<rest>` as (agent, "/<rest>"), the rest byte for byte."""
    if not target.startswith("/"):
        return "", target
    for at in range(1, len(target)):
        if target[at] in "/?":
            return target[1:at], target[at:]
    return target[1:], ""


def _nowhere(agent: str, why: str | None, agents: list[str]) -> Failure:
    if why is not None:
        return Failure(502, f"SkillClaw has no upstream for {agent}.", why, f"Set agents.{agent}.upstream.")
    known = ", ".join(agents) or "none"
    return Failure(
        404,
        "The URL does not begin with the name of an agent that SkillClaw forwards for.",
        f"Agents with an upstream: {known}.",
        "Use http://127.0.0.1:PORT/AGENT, or: skillclaw config set agents.NAME.upstream URL",
    )


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


async def serve(path: Path) -> int:
    """Run until told to stop; the exit code."""
    parent = os.getppid()
    config = read_config(path)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    journal = JournalWriter(Path(config.home) / "journal", max_mb=config.journal_max_mb)
    proxy = Proxy(path, config, journal)
    try:
        listener = await loop.create_server(
            lambda: Front(proxy), "127.0.0.1", config.port, backlog=1024, reuse_address=os.name == "posix"
        )
    except OSError as error:
        print(_cannot_listen(config.port, error), flush=True)  # noqa: T201
        await proxy.close()
        journal.close()
        return 1
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            try:
                loop.add_signal_handler(number, stop.set)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    watch = asyncio.create_task(_watch_parent(parent, stop))
    tending = asyncio.create_task(proxy.tend())
    port = listener.sockets[0].getsockname()[1]
    proxy.listens(port)
    print(f"ready {port}", flush=True)  # noqa: T201
    await stop.wait()
    watch.cancel()
    proxy.draining = True
    listener.close()
    await _drain(proxy, config.drain)
    tending.cancel()
    await proxy.close()
    journal.close()
    return 0


def _cannot_listen(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by another program"
    return f"cannot listen on 127.0.0.1:{port}: {error.strerror or error}"


async def _watch_parent(parent: int, stop: asyncio.Event) -> None:
    """Stop when the process that started this one is gone, so that no orphan holds the port."""
    windows = None
    if os.name != "posix":
        import psutil

        windows = psutil.Process(parent)
    while True:
        await asyncio.sleep(PARENT)
        if (windows is not None and not windows.is_running()) or os.getppid() != parent:
            stop.set()


async def _drain(proxy: Proxy, seconds: float) -> None:
    """Let answers under way finish, then close what is left, then let the last bytes out."""
    until = time.monotonic() + seconds
    while any(front.busy for front in proxy.fronts) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    transports = [front.transport for front in proxy.fronts]
    for front in list(proxy.fronts):
        front.stop()
    until = time.monotonic() + FLUSH
    while time.monotonic() < until and any(t.get_write_buffer_size() for t in transports):
        await asyncio.sleep(0.01)


def _give_memory_back() -> None:
    """Have glibc return what a large body took once it is freed: by default it learns to keep such pieces,
    and two threads keep heaps of their own (mallopt(3)).
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in MALLOC:
            mallopt(option, value)


def _allow_files() -> None:
    """Raise the limit of open files as far as this user may: an exchange needs two, and shells allow 256 to
    1,024.
    """
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one (not on Windows); else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def main(argv: list[str]) -> int:
    """The process: one argument, the configuration file."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    if len(argv) != 1:
        print("usage: python -m skillclaw.proxy CONFIG", file=sys.stderr)  # noqa: T201
        return 2
    _give_memory_back()
    _allow_files()
    # The writer's thread shares the interpreter: a short turn keeps it from holding traffic up.
    sys.setswitchinterval(0.001)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(serve(Path(argv[0])))
    except SkillClawError as error:
        print(" ".join(str(error).split()), flush=True)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 0
