"""Who asks the server or the dashboard and takes the answer by the byte, or not at all: cut off in time, and
others are answered meanwhile.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from api_house import TOKEN, House, home, house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
HEAD, ANSWER = 0.3, 1.0
MANY = 20
"""Requests on one connection: answers of more bytes than the system holds for a reader."""
AUTH = f"Authorization: Bearer {TOKEN}\r\n"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("slow")) as made:
        yield made


@contextmanager
def api(at: House) -> Iterator[tuple[int, str, Any]]:
    from skillclaw.server.api.run import start

    running = start(at.app, "127.0.0.1", 0, head_seconds=HEAD, answer_seconds=ANSWER)
    try:
        yield running.port, "/api/v1/openapi.json", running.server
    finally:
        running.server.should_exit = True
        running.thread.join(10)


@contextmanager
def dashboard(at: House) -> Iterator[tuple[int, str, Any]]:
    from skillclaw.web.site.app import make_app
    from skillclaw.web.site.login import base_path
    from skillclaw.web.site.serving import listen, serve

    own = home(at.place, "ada")
    serving = serve(make_app(own, {}), listen(0), head_seconds=HEAD, answer_seconds=ANSWER)
    try:
        yield serving.port, f"/{base_path(own)}/static/htmx.min.js", serving.server
    finally:
        serving.end()


DOORS: list[Callable[[House], Any]] = [api, dashboard]


def asks(port: int, path: str, last: str = "") -> socket.socket:
    """A connection that has asked MANY times and takes little: the answers wait for it."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", port))
    one = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{AUTH}"

    def send() -> None:
        with suppress(OSError):
            line.sendall(f"{one}\r\n".encode() * MANY + f"{one}{last}\r\n".encode())

    threading.Thread(target=send, daemon=True).start()
    return line


def status(port: int, path: str) -> int:
    """What a client gets that reads."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{AUTH}Connection: close\r\n\r\n".encode())
        return int(line.recv(4096).split(b" ")[1])


def until(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


@pytest.mark.parametrize("door", DOORS)
def test_readers_that_take_nothing_or_a_byte_at_a_time_are_cut_off(at: House, door: Any) -> None:
    with door(at) as (port, path, server):
        quick = "/healthz" if door is api else path
        held = server.server_state.connections
        lines = [asks(port, path) for _ in range(4)] + [asks(port, path, "Connection: close\r\n")]
        try:
            assert until(lambda: len(held) == len(lines), 5)
            # they do not read; one reads 20 bytes a second, and keeps its connection no longer for it
            ended = time.monotonic() + 20
            others = []
            while held and time.monotonic() < ended:
                lines[0].settimeout(0.05)
                with suppress(OSError):
                    lines[0].recv(1)
                begun = time.monotonic()
                others.append((status(port, quick), time.monotonic() - begun))
            assert not held, "each has its place no longer"
            assert {code for code, _ in others} == {200}
            assert sorted(took for _, took in others)[len(others) // 2] < 3.0
        finally:
            for line in lines:
                line.close()


@pytest.mark.parametrize("door", DOORS)
def test_a_reader_that_takes_more_than_the_least_gets_all_of_it(at: House, door: Any) -> None:
    with door(at) as (port, path, _):
        line = asks(port, path, "Connection: close\r\n")
        line.settimeout(10)
        got, begun = bytearray(), time.monotonic()
        try:
            while data := line.recv(65536):
                got += data
                # far more than LEAST a second, and for longer than the limit
                if time.monotonic() - begun < 3 * ANSWER:
                    time.sleep(0.02)
        finally:
            line.close()
        assert got.count(b"HTTP/1.1 200 ") == MANY + 1
        assert time.monotonic() - begun > 2 * ANSWER
