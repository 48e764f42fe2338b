"""The proxy's process: listen on loopback, forward, record, drain when it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from skillclaw.errors import SkillClawError, in_one_line
from skillclaw.journal.identity import Identity
from skillclaw.journal.writer import JournalWriter
from skillclaw.log_format import LEVELS, formatter
from skillclaw.own_log import LOOK, OwnLog
from skillclaw.private import close_files, no_dumps
from skillclaw.proxy import ProxyConfig, read_config
from skillclaw.proxy.files import Listener, allow_files, last_file
from skillclaw.proxy.front import Front
from skillclaw.proxy.routing import Proxy

__all__ = ["main", "serve"]

log = logging.getLogger("skillclaw.proxy")
PARENT = 1.0
"""Seconds between looks at the parent process."""
MALLOC = ((-3, 1 << 18), (-1, 1 << 20), (-8, 2))
"""M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in bytes, M_ARENA_MAX."""
LOOKUPS = 32
"""Names that are looked up at a time, each in a thread; one whose server is silent takes ten seconds or more.
libuv's own number, 4, let four such names hold up all others, `localhost` too."""
FLUSH = 1.0
"""Seconds that the last bytes may take to leave the socket once all answers are done."""


async def serve(path: Path) -> int:
    """Run until told to stop; the exit code."""
    parent = os.getppid()
    config = read_config(path)
    _log_as(config)
    if not config.watched:
        no_dumps()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(
        ThreadPoolExecutor(LOOKUPS, "lookup")
    )  # asyncio's own loop looks names up there
    stop = asyncio.Event()
    home = Path(config.home)
    journal = JournalWriter(
        home / "journal",
        max_mb=config.journal_max_mb,
        client_key=lambda: Identity.load_or_create(home).key,
    )
    proxy = Proxy(path, config, journal)
    try:
        listener = await _listen(lambda: Front(proxy), config.port)
    except OSError as error:
        print(_cannot_listen(config.port, error), flush=True)  # noqa: T201  its starter reads it
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
    logging_on = asyncio.create_task(_keep_log(OwnLog(home / "logs" / "proxy.log")))
    tending = asyncio.create_task(proxy.tend())
    port = listener.sockets[0].getsockname()[1]
    proxy.listens(port)
    print(f"ready {port}", flush=True)  # noqa: T201  its starter reads it
    await stop.wait()
    watch.cancel()
    logging_on.cancel()
    proxy.draining = True
    await _close(listener, lambda: Front(proxy))
    await _drain(proxy, config.drain)
    tending.cancel()
    await proxy.close()
    journal.close()
    return 0


async def _listen(front: Callable[[], Front], port: int) -> asyncio.Server:
    """Take connections on loopback. Raises OSError."""
    loop, last = asyncio.get_running_loop(), last_file()
    if not last or not isinstance(loop, asyncio.SelectorEventLoop):
        return await loop.create_server(
            front, "127.0.0.1", port, backlog=1024, reuse_address=os.name == "posix"
        )
    sock = Listener(last)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return await loop.create_server(front, sock=sock, backlog=1024)
    except OSError:
        sock.close()
        raise


def _log_as(config: ProxyConfig) -> None:
    """Write lines as the settings say; those of libraries from warnings on, as ever."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter(config.log_format))
    if config.log_level in LEVELS:
        logging.getLogger("skillclaw").setLevel(config.log_level.upper())


async def _close(listener: asyncio.Server, front: Callable[[], Front]) -> None:
    """Listen no more, and take those who connected while this process was at something else: as the socket
    closes the system resets whoever still waits to be taken, and their requests with them.
    """
    if os.name != "posix":
        listener.close()
        return
    waiting: list[socket.socket] = []
    with socket.socket(fileno=os.dup(listener.sockets[0].fileno())) as sock:
        listener.close()
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # BlockingIOError: nobody waits
            while True:
                waiting.append(sock.accept()[0])
    for one in waiting:
        one.setblocking(False)
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(front, one)


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


async def _keep_log(log: OwnLog) -> None:
    """See that the log does not fill the disk (two calls of the system a second)."""
    while log.mine:
        await asyncio.sleep(LOOK)
        log.look()


async def _drain(proxy: Proxy, seconds: float) -> None:
    """Let answers under way finish, and requests that are just coming; then close what is left, then let the
    last bytes out."""
    until = time.monotonic() + seconds
    while (now := time.monotonic()) < until and any(f.busy or f.awaited(now) for f in proxy.fronts):
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


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one (not on Windows); else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    os.environ.setdefault("UV_THREADPOOL_SIZE", str(LOOKUPS))
    return uvloop.new_event_loop


def main(argv: list[str]) -> int:
    """The process: one argument, the configuration file."""
    logging.raiseExceptions = False  # a log on a full disk loses lines; nobody reads tracebacks of it
    handler = logging.StreamHandler()
    handler.setFormatter(formatter("text"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if len(argv) != 1:
        print("usage: python -m skillclaw.proxy CONFIG", file=sys.stderr)  # noqa: T201  its starter reads it
        return 2
    close_files()
    _give_memory_back()
    allow_files()
    # What was imported stays: a collector that walks it again and again would hold traffic up.
    gc.collect()
    gc.freeze()
    # The writer's thread shares the interpreter: a short turn keeps it from holding traffic up.
    sys.setswitchinterval(0.001)
    try:
        code = asyncio.Runner(loop_factory=_loop_factory()).run(serve(Path(argv[0])))
        # All is closed and written; the loop's own end would wait for names that are still looked up.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    except SkillClawError as error:
        print(in_one_line(error), flush=True)  # noqa: T201  its starter reads it
        return error.exit_code
    except KeyboardInterrupt:
        return 0
