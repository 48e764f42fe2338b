"""A scripted upstream on raw sockets, and the proxy as the process that it is in use."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from skillclaw.journal.reader import read
from skillclaw.journal.records import Exchange
from skillclaw.proxy import ProxyConfig, command, write_config


@dataclass
class Seen:
    """One request as it arrived: head and body bytes off the wire (chunked framing removed from `body`)."""

    head: bytes
    body: bytes
    chunked: bool

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    def headers(self) -> list[tuple[bytes, bytes]]:
        pairs = [line.partition(b": ") for line in self.head.split(b"\r\n")[1:] if line]
        return [(name, value) for name, _, value in pairs]

    def get(self, name: bytes) -> list[bytes]:
        return [v for n, v in self.headers() if n.lower() == name.lower()]


def read_message(sock: socket.socket, data: bytes = b"") -> tuple[Seen, bytes] | None:
    """One HTTP message and what came after it; None when the peer closed before one began."""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return None
        data += part
    head, _, data = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head + b"\r\n", re.I)
    if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
        body = b""
        while True:
            while b"\r\n" not in data:
                data += need(sock)
            size_line, _, data = data.partition(b"\r\n")
            size = int(size_line, 16)
            while len(data) < size + 2:
                data += need(sock)
            body += data[:size]
            data = data[size + 2 :]
            if size == 0:
                return Seen(head + b"\r\n", body, True), data
    size = int(length[1]) if length else 0
    while len(data) < size:
        data += need(sock)
    return Seen(head + b"\r\n", data[:size], False), data[size:]


def need(sock: socket.socket) -> bytes:
    part = sock.recv(65536)
    if not part:
        raise ConnectionError("closed in the middle of a message")
    return part


Script = Callable[[socket.socket, Seen], None]


@dataclass
class Upstream:
    """Runs `script(socket, request)` for each request; `seen` are the requests, `closed` counts hang-ups."""

    script: Script
    seen: list[Seen] = field(default_factory=list)
    closed: queue.Queue[float] = field(default_factory=queue.Queue)
    connections: int = 0

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        data = b""
        with sock, contextlib.suppress(OSError, ConnectionError):
            while True:
                message = read_message(sock, data)
                if message is None:
                    break
                seen, data = message
                self.seen.append(seen)
                self.script(sock, seen)
        self.closed.put(time.monotonic())

    def close(self) -> None:
        self.listener.close()


@dataclass
class Running:
    """A proxy process."""

    process: subprocess.Popen[bytes]
    port: int
    home: Path
    config: Path

    def connect(self, timeout: float = 10) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def ask(self, data: bytes) -> bytes:
        """Send these bytes, and everything that comes until the proxy closes (say `Connection: close`)."""
        with self.connect() as sock:
            sock.sendall(data)
            return read_all(sock)

    def health(self) -> dict[str, Any]:
        import json

        answer = self.ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        result: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return result

    def exchanges(self, count: int, seconds: float = 5) -> list[Exchange]:
        """What the journal holds, once it holds `count`."""
        until = time.monotonic() + seconds
        while True:
            found = [exchange for exchange, _ in read(self.home / "journal")]
            if len(found) >= count or time.monotonic() > until:
                return found
            time.sleep(0.01)


def read_all(sock: socket.socket) -> bytes:
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def launch(config: Path, *, wrap: Sequence[str] = (), **kwargs: Any) -> tuple[subprocess.Popen[bytes], str]:
    """Start a proxy process, by the command line `wrap` if one is given; it and its first line."""
    process = subprocess.Popen(
        [*wrap, *command(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **kwargs,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().decode()


def finish(process: subprocess.Popen[bytes]) -> bytes:
    """End it; what it said on stderr."""
    if process.poll() is None:
        process.terminate()
    try:
        _, said = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
    return said


@pytest.fixture
def make_upstream() -> Iterator[Callable[[Script], Upstream]]:
    made: list[Upstream] = []

    def make(script: Script) -> Upstream:
        made.append(Upstream(script))
        return made[-1]

    yield make
    for upstream in made:
        upstream.close()


@pytest.fixture
def make_proxy(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    made: list[subprocess.Popen[bytes]] = []

    def make(upstreams: dict[str, str], **kwargs: Any) -> Running:
        home = kwargs.pop("home", tmp_path / "home")
        env = os.environ | kwargs.pop("env", {})
        start = {key: kwargs.pop(key) for key in ("preexec_fn", "wrap") if key in kwargs}
        config = home / "run" / "proxy.json"
        settings: dict[str, Any] = {"port": 0, "home": str(home), "drain": 2.0} | kwargs
        write_config(config, ProxyConfig(upstreams=upstreams, watched=True, **settings))
        process, line = launch(config, env=env, **start)
        made.append(process)
        assert line.startswith("ready "), (line, process.stderr and process.stderr.read())
        return Running(process, int(line.split()[1]), home, config)

    yield make
    for process in made:
        said = finish(process)
        assert b"Traceback" not in said, said.decode()


def reply(body: bytes, head: bytes = b"") -> Script:
    """A script that answers 200 with `body`."""

    def script(sock: socket.socket, seen: Seen) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))

    return script


@pytest.fixture
def replying() -> Callable[..., Script]:
    return reply


@pytest.fixture
def message_of() -> Callable[..., tuple[Seen, bytes] | None]:
    return read_message


@pytest.fixture
def launcher() -> Callable[..., tuple[subprocess.Popen[bytes], str]]:
    return launch


@pytest.fixture
def finisher() -> Callable[[subprocess.Popen[bytes]], bytes]:
    return finish
