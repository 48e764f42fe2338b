"""The proxy's process: listen on loopback, forward, record, drain when it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys
import time
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from skillclaw import __version__
from skillclaw.errors import SkillClawError
from skillclaw.journal.writer import JournalWriter
from skillclaw.proxy import ProxyConfig, heads, read_config
from skillclaw.proxy.forward import RawRequest, forward, raw_request, refuse, send
from skillclaw.proxy.heads import Failure
from skillclaw.proxy.record import Draft
from skillclaw.proxy.upstream import HEADER_LIMIT, Upstream, make_connector

__all__ = ["Proxy", "main", "serve"]

log = logging.getLogger("skillclaw.proxy")
RELOAD = 1.0
"""Seconds between looks at the configuration file."""
PARENT = 1.0
"""Seconds between looks at the parent process."""
FLUSH = 1.0
"""Seconds that the last bytes may take to leave the socket once all answers are done."""


class Proxy:
    """The state of a running proxy: upstreams, journal, requests under way."""

    def __init__(self, path: Path, config: ProxyConfig, journal: JournalWriter) -> None:
        self._path = path
        self._config = config
        self._journal = journal
        self._connector = make_connector()
        self._upstreams: dict[str, Upstream | str] = {}
        self._modified = _modified(path)
        self._look_again = 0.0
        self.under_way = 0
        self.draining = False
        self._take(config)

    def _take(self, config: ProxyConfig) -> None:
        """Use these upstreams; one that is no URL answers with the reason."""
        taken: dict[str, Upstream | str] = {}
        for agent, base in config.upstreams.items():
            known = self._upstreams.get(agent)
            if isinstance(known, Upstream) and known.base == base:
                taken[agent] = known
                continue
            try:
                taken[agent] = Upstream(base, self._connector, self._config.connect_timeout)
            except ValueError as error:
                taken[agent] = f"Its upstream is wrong: {error}."
        self._upstreams = taken

    def _reload(self) -> None:
        """Read the upstreams again if the file changed; a broken file changes nothing."""
        now = time.monotonic()
        if now < self._look_again:
            return
        self._look_again = now + RELOAD
        modified = _modified(self._path)
        if modified != self._modified:
            self._modified = modified
            try:
                self._take(read_config(self._path))
            except SkillClawError as error:
                log.error("%s", error)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        assert isinstance(request, RawRequest)
        raw = request.raw
        headers = raw.headers
        self.under_way += 1
        try:
            if not (
                heads.allowed_host(headers.get("Host"))
                and all(map(heads.allowed_origin, headers.getall("Origin", ())))
                and heads.allowed_fetch(headers.get("Sec-Fetch-Site"))
            ):
                return refuse(request, _FOREIGN, close=True)
            target = raw.path
            if target.partition("?")[0] == "/healthz" and raw.method in ("GET", "HEAD"):
                return send(request, 200, self.health())
            agent, rest = _agent_of(target)
            self._reload()
            upstream = self._upstreams.get(agent)
            if not isinstance(upstream, Upstream):
                nowhere = _nowhere(agent, upstream, sorted(self._upstreams))
                return refuse(request, nowhere, close=raw.method == "CONNECT")
            if raw.upgrade or headers.get("Upgrade", "").lower() == "websocket":
                return refuse(request, _NO_WEBSOCKET, close=True)
            return await forward(request, agent, rest, upstream, self._keep, self._is_draining)
        finally:
            self.under_way -= 1

    def _is_draining(self) -> bool:
        return self.draining

    def _keep(self, draft: Draft) -> None:
        self._journal.put(draft.build, draft.size)

    def health(self) -> bytes:
        """`GET /healthz` (DESIGN 4)."""
        return msgspec.json.encode(
            {
                "status": "draining" if self.draining else "ok",
                "version": __version__,
                "agents": sorted(self._upstreams),
                "journal": self._journal.stats(),
            }
        )

    async def close(self) -> None:
        """Close the connections to upstreams."""
        await self._connector.close()


_FOREIGN = Failure(
    403,
    "SkillClaw's proxy serves this machine only.",
    "The request names another host, or comes from a web page.",
    "Use http://127.0.0.1 and the proxy's port.",
)
_NO_WEBSOCKET = Failure(
    426, "SkillClaw's proxy speaks plain HTTP here.", "WebSocket is not passed on.", "Use HTTP with SSE."
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
    server = web.Server(
        proxy.handle,
        request_factory=raw_request,
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
        logger=_server_log(),
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
    )
    try:
        listener = await loop.create_server(
            server, "127.0.0.1", config.port, backlog=1024, reuse_address=os.name == "posix"
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
    print(f"ready {listener.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201
    await stop.wait()
    watch.cancel()
    proxy.draining = True
    listener.close()
    await _drain(server, proxy, config.drain)
    await proxy.close()
    journal.close()
    return 0


def _server_log() -> logging.Logger:
    """The server's log without requests that are no HTTP: they are answered with 400 and no fault of ours."""
    server_log = logging.getLogger("skillclaw.proxy.server")
    server_log.addFilter(
        lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
    )
    return server_log


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


async def _drain(server: web.Server, proxy: Proxy, seconds: float) -> None:
    """Let answers under way finish, then close what is idle, then let the last bytes out."""
    until = time.monotonic() + seconds
    while proxy.under_way and time.monotonic() < until:
        await asyncio.sleep(0.02)
    transports = [connection.transport for connection in server.connections]
    await server.shutdown(0.1)
    until = time.monotonic() + FLUSH
    while time.monotonic() < until and any(t is not None and t.get_write_buffer_size() for t in transports):
        await asyncio.sleep(0.01)


def main(argv: list[str]) -> int:
    """The process: one argument, the configuration file."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    if len(argv) != 1:
        print("usage: python -m skillclaw.proxy CONFIG", file=sys.stderr)  # noqa: T201
        return 2
    # The writer's thread shares the interpreter: a short turn keeps it from holding traffic up.
    sys.setswitchinterval(0.001)
    try:
        if sys.platform != "win32":
            import uvloop

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(serve(Path(argv[0])))
        return asyncio.run(serve(Path(argv[0])))
    except SkillClawError as error:
        print(" ".join(str(error).split()), flush=True)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 0
