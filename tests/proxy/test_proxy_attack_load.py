"""Who takes and gives nothing costs little: slow heads, agents that never read, upstreams that never take."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Any

import psutil
import pytest
from raw_http import Reader

pytestmark = pytest.mark.live

MB = 1 << 20


def rss(proxy: Any) -> int:
    return int(psutil.Process(proxy.process.pid).memory_info().rss)


def steady(proxy: Any, seconds: float = 1.0) -> int:
    """The most memory that the proxy has within this time."""
    until, most = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        most = max(most, rss(proxy))
        time.sleep(0.02)
    return most


def until_closed(sock: socket.socket) -> tuple[float, bytes]:
    """When the proxy ended the connection, and what it said."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(65536):
            data += part
    return time.monotonic(), data


def test_slow_heads_and_bodies_end_in_time(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b"never"))
    limits = {"head_timeout": 1.0, "body_timeout": 1.0, "idle_timeout": 1.0}
    proxy = make_proxy({"a": upstream.url}, **limits)
    starts = {
        "head": b"GET /a/x HTTP/1.1\r\nHost: localhost\r\nX: ",
        "nothing": b"",
        "length": b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc",
        "large": b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nabc",
        "chunked": b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
    }
    socks = {name: proxy.connect() for name in starts}
    begun = time.monotonic()
    for name, sock in socks.items():
        sock.sendall(starts[name])
    drip = socks["head"]

    def dripping() -> None:
        with contextlib.suppress(OSError):
            while True:
                drip.sendall(b"y")
                time.sleep(0.05)

    threading.Thread(target=dripping, daemon=True).start()
    for name, sock in socks.items():
        ended, said = until_closed(sock)
        assert 0.9 < ended - begun < 5, name
        assert said.startswith(b"HTTP/1.1 408 ") if name != "nothing" else said == b"", (name, said)
        sock.close()
    assert upstream.seen == []


def test_a_body_that_trickles_is_not_cut(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b"ok"))
    limits = {"head_timeout": 1.0, "body_timeout": 1.0, "answer_timeout": 1.0}
    proxy = make_proxy({"a": upstream.url}, **limits)
    for head in (b"Content-Length: 5\r\n", b"Content-Length: 5\r\nExpect: 100-continue\r\n"):
        with proxy.connect() as sock:
            sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % head)
            for _ in range(5):
                time.sleep(0.3)
                sock.sendall(b"x")
            assert Reader(sock).answer().body == b"ok"


def test_five_hundred_idle_connections_are_cheap(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    proxy = make_proxy({"a": make_upstream(replying(b"ok")).url})
    before = rss(proxy)
    socks = [proxy.connect() for _ in range(500)]
    for number, sock in enumerate(socks):
        if number % 5 == 0:
            sock.sendall(b"GET /a/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert Reader(sock).answer().body == b"ok"
    begun = time.monotonic()
    assert proxy.ask(b"GET /a/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").endswith(b"ok")
    assert time.monotonic() - begun < 0.5
    assert rss(proxy) - before < 20 * MB
    for sock in socks:
        sock.close()


def pouring(count: int) -> Any:
    """A script that sends `count` MB and notes how far it came."""

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count * MB))
        part = os.urandom(MB)
        sock.settimeout(60)
        for _ in range(count):
            sock.sendall(part)

    return script


def test_an_agent_that_never_reads_holds_the_upstream_back(make_upstream: Any, make_proxy: Any) -> None:
    proxy = make_proxy({"a": make_upstream(pouring(200)).url})
    before = rss(proxy)
    with proxy.connect() as sock:
        sock.sendall(b"GET /a/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert steady(proxy, 1.5) - before < 40 * MB
    time.sleep(0.3)
    (kept,) = proxy.exchanges(1)
    assert not kept.complete and kept.error == "the agent closed the connection"


def test_an_agent_that_never_reads_many_answers_holds_its_own_requests_back(
    make_upstream: Any, make_proxy: Any, replying: Any
) -> None:
    upstream = make_upstream(replying(b"x" * 100_000))
    proxy = make_proxy({"a": upstream.url})
    before = rss(proxy)
    for target in (b"/a/x", b"/healthz", b"/nobody/x"):
        with proxy.connect(0.5) as sock:
            ask = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target
            with contextlib.suppress(TimeoutError):
                for _ in range(3000):
                    sock.sendall(ask * 100)
            assert steady(proxy, 0.3) - before < 60 * MB, target
            # And who reads at last gets all that was held back, in order and whole.
            sock.settimeout(5)
            reader = Reader(sock)
            for _ in range(200):
                assert reader.answer().whole
    assert len(upstream.seen) < 2000


@pytest.mark.parametrize("size", (20, 200))
def test_an_upstream_that_does_not_read_holds_the_agent_back(size: int, make_proxy: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"}, body_timeout=1.0)
    before = rss(proxy)
    sent = 0
    with proxy.connect(10) as sock:
        sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (size * MB))
        behind, _ = listener.accept()
        sock.settimeout(0.5)
        part = os.urandom(MB)
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(size):
                sock.sendall(part)
                sent += 1
        assert sent < size or size == 20
        assert steady(proxy, 0.3) - before < 40 * MB
        sock.settimeout(5)
        answer = Reader(sock).answer()
        assert answer.status == 504 or sent == size
    behind.close()
    listener.close()


@pytest.mark.parametrize("how", ("sized", "chunked"))
@pytest.mark.parametrize("size", (100, pytest.param(400, marks=pytest.mark.e2e)))
def test_hundreds_of_megabytes_pass_both_ways(size: int, how: str, make_proxy: Any) -> None:
    """Of a body that large only the begin is recorded, with no hole in it, and memory stays bounded."""
    block = os.urandom(MB)
    listener = socket.create_server(("127.0.0.1", 0))
    counted: list[int] = []

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            data, got = b"", 0
            while b"\r\n\r\n" not in data:
                data += sock.recv(1 << 18)
            got = len(data.partition(b"\r\n\r\n")[2])
            want = size * MB if how == "sized" else size * (MB + 10) + 5
            while got < want:
                got += len(sock.recv(1 << 18))
            counted.append(got - want)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (40 * MB + 8))
            for _ in range(40):
                sock.sendall(block)
            time.sleep(0.1)
            sock.sendall(b"the tail")

    threading.Thread(target=serve, daemon=True).start()
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    before, most = rss(proxy), 0
    with proxy.connect(20) as sock:
        framing = b"Content-Length: %d" % (size * MB) if how == "sized" else b"Transfer-Encoding: chunked"
        sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n" % framing)
        for number in range(size):
            sock.sendall(block if how == "sized" else b"100000\r\n%b\r\n" % block)
            if number % 10 == 0:
                most = max(most, rss(proxy))
        if how == "chunked":
            sock.sendall(b"0\r\n\r\n")
        answer = Reader(sock).answer()
    same = answer.body == block * 40 + b"the tail"
    assert counted == [0] and answer.whole and same
    assert most - before < 60 * MB
    # Writing the record takes some copies of its 32 MB, for a moment.
    assert rss(proxy) - before < 180 * MB
    (kept,) = proxy.exchanges(1, seconds=20)
    assert not kept.complete and "32 MB" in kept.error and kept.status == 200
    begin = (block * 33).startswith(kept.request_body)
    assert begin and len(kept.request_body) > 20 * MB
    begin = answer.body.startswith(kept.response_body)
    assert begin
    listener.close()
