"""The `skillclaw` command as a forked process: what starting Python and importing cost is paid once.

A server without threads imports the command and forks for each call; the child has its own environment,
folder, standard streams and signals, runs `skillclaw.cli.main` as `python -m skillclaw` does, and exits. It
serves one test process and ends with it. What must see a fresh interpreter is run as one (`cli.skillclaw`).
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

LIGHT = (
    *(
        "sqlite3",
        "ctypes",
        "resource",
        "csv",
        "zipfile",
        "importlib.metadata",
        "rich.table",
        "tomlkit",
        "brotli",
    ),
    *("re2", "skillclaw.cli.main", "skillclaw.cli.app", "skillclaw.cli.trouble", "skillclaw.gate"),
    *("skillclaw.server.sharing.sending", "skillclaw.server.work", "skillclaw.server.hubs.approved"),
    *("skillclaw.server.up.proxy_process", "skillclaw.proxy.configured.offered"),
)
LIGHT_ROOMS = (
    *("skillclaw.agents", "skillclaw.journal", "skillclaw.hub", "skillclaw.library"),
    *("skillclaw.server.groups", "skillclaw.server.review", "skillclaw.server.sessions"),
    *("skillclaw.server.setup", "skillclaw.server.skills"),
)
HEAVY = (
    "skillclaw.evolve.cycle",
    "sklearn.feature_extraction.text",
    "scipy.sparse",
    "skills_ref",
    "_strptime",
)
HEAVY_ROOMS = ("skillclaw.gate", "skillclaw.evolve.evolvers", "skillclaw.evolve.workspace")
NEEDS_HEAVY = frozenset({"evolve"})
_servers: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
_starting = threading.Lock()
_over: set[int] = set()


def run(
    args: tuple[str, ...], env: Mapping[str, str], cwd: Path | None, timeout: float, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, "-m", "skillclaw", *args], input=given, ...)`."""
    with tempfile.TemporaryFile() as put, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        put.write(given.encode())
        put.seek(0)
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            line.connect(_address())
            request = json.dumps({"args": args, "env": dict(env), "cwd": str(cwd or Path.cwd())}).encode()
            socket.send_fds(line, [len(request).to_bytes(4, "big")], [f.fileno() for f in (put, out, err)])
            line.sendall(request)
            try:
                answer = line.recv(64)  # the call's process is killed when this end closes
            except TimeoutError:
                raise subprocess.TimeoutExpired(["skillclaw", *args], timeout) from None
        if not answer:
            raise RuntimeError(f"skillclaw {' '.join(args)}: the process that ran it died")
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return subprocess.CompletedProcess(["skillclaw", *args], int(answer), *texts)


def _address() -> str:
    """Where this process's own server listens; started when first asked for."""
    with _starting:
        known = _servers.get(os.getpid())
        if known is None or known[1].poll() is not None:
            folder = tempfile.mkdtemp(prefix="skillclaw-fork-")
            address = str(Path(folder, "s"))
            server = subprocess.Popen(
                [sys.executable, __file__, address],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
            assert server.stdin is not None and server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            atexit.register(_stop, server)
            known = _servers[os.getpid()] = address, server
        return known[0]


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.communicate(timeout=10)  # closes its input, at which it ends


def _serve(address: str) -> None:
    _load(LIGHT, LIGHT_ROOMS)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    os.chmod(address, 0o600)  # noqa: PTH101 - a socket
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # handlers are reaped by the system
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    import select

    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            break  # the tests are over
        line, _ = listening.accept()
        size, fds, _, _ = socket.recv_fds(line, 4, 3)
        request = json.loads(_exactly(line, int.from_bytes(size, "big")))
        if NEEDS_HEAVY & set(request["args"][:1]):
            _load(HEAVY, HEAVY_ROOMS)
        if os.fork() == 0:
            listening.close()
            _handle(line, request, fds)
        line.close()
        for fd in fds:
            os.close(fd)
    Path(address).unlink(missing_ok=True)
    Path(address).parent.rmdir()


def _load(modules: tuple[str, ...], rooms: tuple[str, ...]) -> None:
    for name in modules:
        importlib.import_module(name)
    for room in rooms:
        path = importlib.import_module(room).__path__
        for one in pkgutil.walk_packages(path, f"{room}."):
            importlib.import_module(one.name)


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = line.recv(size - len(data))
        if not more:
            break
        data += more
    return data


def _handle(line: socket.socket, request: dict[str, object], fds: list[int]) -> None:
    """Run one call in a child and tell its exit code; kill it when nobody waits for it any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        line.close()
        _run(request, fds)
    threading.Thread(target=_watch, args=(line, child), daemon=True).start()
    _, status = os.waitpid(child, 0)
    _over.add(child)
    code = os.waitstatus_to_exitcode(status)
    with suppress(OSError):
        line.sendall(str(code).encode())
    os._exit(0)


def _watch(line: socket.socket, child: int) -> None:
    if not line.recv(1) and child not in _over:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _run(request: dict[str, object], fds: list[int]) -> None:
    for target, fd in enumerate(fds):
        os.dup2(fd, target)
    for fd in fds:
        if fd > 2:
            os.close(fd)
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]
    os.chdir(str(request["cwd"]))
    sys.argv = [str(Path(sys.prefix, "skillclaw")), *request["args"]]  # type: ignore[misc]
    from skillclaw.cli import main

    code = 1
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 120  # as Python says it
    os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
