"""Agents that shut their writing side down and read on, and heads at the limit of their length."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from behind import Behind, head_of
from raw_http import Reader

from skillclaw.proxy.http1 import HEAD_LIMIT

pytestmark = pytest.mark.live
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux's kernel")

GET = b"GET /a/%b HTTP/1.1\r\nHost: localhost\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def behind() -> Iterator[Behind]:
    made = Behind()
    yield made
    for sock in (*made.socks, made.listener):
        sock.close()


@linux
def test_who_sends_no_more_gets_all_answers_and_then_the_end(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as sock:  # two requests at once, the second with a body
        sock.sendall(GET % b"1" + b"POST /a/2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody")
        sock.shutdown(socket.SHUT_WR)
        upstream = behind.next()
        assert head_of(upstream).startswith(b"GET /1 ")
        time.sleep(0.7)  # longer than connections are looked at
        upstream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        time.sleep(0.1)
        upstream.sendall(b"1\r\ny\r\n0\r\n\r\n")
        read = Reader(sock)
        assert read.answer().body == b"xy"
        assert head_of(upstream).startswith(b"POST /2 ")
        assert upstream.recv(10) == b"body"
        upstream.sendall(OK)
        answer = read.answer()
        assert (answer.status, answer.body, answer.get(b"connection")) == (200, b"ok", [b"close"])
        assert not read.more() and not read.reset
    assert all(one.complete and not one.error for one in proxy.exchanges(2))


@linux
def test_who_sends_no_more_and_leaves_later_cancels_the_request(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    sock = proxy.connect()
    sock.sendall(GET % b"x")
    sock.shutdown(socket.SHUT_WR)
    upstream = behind.next()
    head_of(upstream)
    upstream.settimeout(0.3)
    with pytest.raises(TimeoutError):
        upstream.recv(1)
    upstream.settimeout(2)
    sock.close()
    assert upstream.recv(1) == b""
    (kept,) = proxy.exchanges(1)
    assert kept.error == "the agent closed the connection"


@pytest.mark.parametrize(
    "sent", [b"GET /a/x HTTP/1.1\r\nHost: loc", b"POST /a/x HTTP/1.1\r\nHost: localhost\r\n"]
)
def test_who_ends_amid_a_request_is_let_go(sent: bytes, make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    rest = b"Content-Length: 9\r\n\r\nbody" if sent.startswith(b"POST") else b""
    with proxy.connect() as sock:
        sock.sendall(sent + rest)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(10) == b""
    # and as the second of two
    with proxy.connect() as sock:
        sock.sendall(GET % b"1" + sent + rest)
        sock.shutdown(socket.SHUT_WR)
        upstream = behind.next() if not rest else None
        while upstream is None or not head_of(upstream).startswith(b"GET /1 "):
            upstream = behind.next()
        upstream.sendall(OK)
        read = Reader(sock)
        assert read.answer().body == b"ok"
        assert not read.more()
    assert proxy.health()["status"] == "ok"


def head(length: int, target: bytes, lines: bytes = b"") -> bytes:
    """A head of so many bytes."""
    begin = b"GET /a%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%bX: " % (target, lines)
    return begin + b"x" * (length - len(begin) - 4) + b"\r\n\r\n"


SHAPES = {
    b"/v1/messages": lambda told: told["error"]["type"] == "api_error" and told["type"] == "error",
    b"/v1beta/models/m:generateContent": lambda told: told["error"]["code"] == 431,
    b"/v1/chat/completions": lambda told: told["error"]["type"] == "invalid_request_error",
}


@pytest.mark.parametrize("pieces", [1, 50])
def test_heads_beyond_the_limit_are_told_in_the_agents_own_shape(
    pieces: int, make_proxy: Any, behind: Behind
) -> None:
    arrived = behind.serve(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    proxy = make_proxy({"a": behind.url})

    def ask(data: bytes) -> Any:
        with proxy.connect() as sock:
            size = -(-len(data) // pieces)
            for at in range(0, len(data), size):
                sock.sendall(data[at : at + size])
            return Reader(sock).answer()

    for target, fits in SHAPES.items():
        assert ask(head(HEAD_LIMIT, target)).body == b"ok"
        for more in (1, 40_000, 300_000, 3_000_000):
            answer = ask(head(HEAD_LIMIT + more, target))
            assert answer.status == 431, more
            told = json.loads(answer.body)
            assert fits(told), told
            assert "256 KiB" in json.dumps(told)
    assert len(arrived) == len(SHAPES)


@linux
def test_heads_beyond_the_limit_take_no_memory(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})

    def memory() -> int:
        status = Path(f"/proc/{proxy.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) << 10

    def fill() -> None:
        socks = [proxy.connect() for _ in range(40)]
        for sock in socks:
            sock.sendall(head(2_000_000, b"/x"))
        for sock in socks:
            assert Reader(sock).answer().status == 431
            sock.close()

    fill()
    before = memory()
    for _ in range(3):
        fill()
    assert memory() - before < 30 << 20


def test_an_answers_head_beyond_the_limit_is_a_502(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    behind.serve(OK.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * HEAD_LIMIT + b"\r\n\r\n"))
    with proxy.connect() as sock:
        sock.sendall(GET % b"1")
        assert Reader(sock).answer().status == 502
