"""Each phase of a request: who leaves in it, what closes in it, and how long it may take."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from behind import Behind, head_of
from raw_http import Reader

pytestmark = pytest.mark.live

GET = b"GET /a/%b HTTP/1.1\r\nHost: localhost\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MB = 1 << 20


@pytest.fixture
def behind() -> Iterator[Behind]:
    made = Behind()
    yield made
    for sock in (*made.socks, made.listener):
        sock.close()


def ends(sock: socket.socket) -> bool:
    """Whether the other side ends the connection now, whatever it still sends."""
    with contextlib.suppress(ConnectionError):
        while sock.recv(1 << 18):
            pass
    return True


def leave(sock: socket.socket, how: str) -> None:
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


LEAVING = ("close", "reset")


@pytest.mark.parametrize("how", LEAVING)
def test_an_agent_that_leaves_in_its_head_reaches_nobody(how: str, make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    sock = proxy.connect()
    sock.sendall(b"GET /a/x HTTP/1.1\r\nHost: loc")
    time.sleep(0.05)
    leave(sock, how)
    assert behind.none_within(0.2)
    assert proxy.exchanges(1, seconds=0) == []


@pytest.mark.parametrize("how", LEAVING)
@pytest.mark.parametrize("framing", (b"Content-Length: 5000000", b"Transfer-Encoding: chunked"))
def test_an_agent_that_leaves_in_its_upload_cancels_it(
    framing: bytes, how: str, make_proxy: Any, behind: Behind
) -> None:
    proxy = make_proxy({"a": behind.url})
    sock = proxy.connect()
    sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n4\r\nabcd\r\n" % framing)
    upstream = behind.next()
    head_of(upstream)
    assert upstream.recv(100)
    leave(sock, how)
    assert ends(upstream)
    (kept,) = proxy.exchanges(1)
    assert kept.error == "the agent closed the connection" and not kept.complete and kept.status == 0


def test_an_agent_that_leaves_an_upload_that_is_held_back_cancels_it_in_time(
    make_proxy: Any, behind: Behind
) -> None:
    """While nothing is read from it nobody sees that it is gone; the limit of the phase ends it then."""
    proxy = make_proxy({"a": behind.url}, body_timeout=1.0)
    sock = proxy.connect(0.3)
    sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n")
    upstream = behind.next()
    with contextlib.suppress(TimeoutError):
        for _ in range(90):
            sock.sendall(b"x" * MB)
    leave(sock, "reset")
    begun = time.monotonic()
    (kept,) = proxy.exchanges(1)
    assert not kept.complete and kept.error and time.monotonic() - begun < 4
    assert ends(upstream)


@pytest.mark.parametrize("how", LEAVING)
def test_an_agent_that_leaves_a_connect_cancels_it(how: str, make_proxy: Any) -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(("127.0.0.1", port))
    proxy = make_proxy({"a": f"http://127.0.0.1:{port}"})
    sock = proxy.connect()
    sock.sendall(GET % b"x")
    time.sleep(0.1)
    leave(sock, how)
    (kept,) = proxy.exchanges(1, seconds=2)
    assert kept.error == "the agent closed the connection"
    for other in (*fillers, full):
        other.close()


@pytest.mark.parametrize("how", LEAVING)
@pytest.mark.parametrize("phase", ("waiting", "interim", "head", "streaming"))
def test_an_agent_that_leaves_cancels_its_request(
    phase: str, how: str, make_proxy: Any, behind: Behind
) -> None:
    proxy = make_proxy({"a": behind.url})
    sock = proxy.connect()
    sock.sendall(GET % b"x")
    upstream = behind.next()
    head_of(upstream)
    if phase == "interim":
        upstream.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    elif phase == "head":
        upstream.sendall(b"HTTP/1.1 200 OK\r\nX: y\r\n")
    elif phase == "streaming":
        upstream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    time.sleep(0.05)
    begun = time.monotonic()
    leave(sock, how)
    assert ends(upstream) and time.monotonic() - begun < 1
    (kept,) = proxy.exchanges(1)
    assert kept.error == "the agent closed the connection" and not kept.complete
    assert kept.response_body == (b"x" if phase == "streaming" else b"")


# --- kept connections that the upstream closes


def warm(proxy: Any, behind: Behind, agent: socket.socket) -> socket.socket:
    """A connection to the upstream that is kept, after one exchange on it."""
    agent.sendall(GET % b"first")
    upstream = behind.next()
    head_of(upstream)
    upstream.sendall(OK)
    assert Reader(agent).answer().body == b"ok"
    return upstream


def test_a_connection_closed_between_requests_is_not_used(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as agent:
        warm(proxy, behind, agent).close()
        time.sleep(0.1)
        agent.sendall(GET % b"second")
        upstream = behind.next()
        assert head_of(upstream).startswith(b"GET /second ")
        upstream.sendall(OK)
        assert Reader(agent).answer().body == b"ok"


@pytest.mark.parametrize("how", LEAVING)
def test_a_connection_closed_while_the_request_goes_out_is_replaced_once(
    how: str, make_proxy: Any, behind: Behind
) -> None:
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as agent:
        upstream = warm(proxy, behind, agent)
        body = b"x" * 100_000
        agent.sendall(b"POST /a/second HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + body)
        head_of(upstream)
        leave(upstream, how)
        upstream = behind.next()
        assert head_of(upstream).startswith(b"POST /second ")
        got = b""
        while len(got) < len(body):
            got += upstream.recv(1 << 18)
        assert got == body
        leave(upstream, how)
        assert Reader(agent).answer().status == 502
        assert behind.none_within(0.3), "never twice"
    kept = proxy.exchanges(2)
    assert [e.status for e in kept] == [200, 0] and kept[1].request_body == body


@pytest.mark.parametrize("said", (b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"))
def test_a_request_is_not_repeated_once_a_byte_came(said: bytes, make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as agent:
        upstream = warm(proxy, behind, agent)
        agent.sendall(GET % b"second")
        head_of(upstream)
        upstream.sendall(said)
        upstream.close()
        assert Reader(agent).answer().status == 502
        assert behind.none_within(0.3)


def test_a_request_that_the_upstream_had_for_long_is_not_repeated(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as agent:
        upstream = warm(proxy, behind, agent)
        agent.sendall(GET % b"second")
        head_of(upstream)
        time.sleep(1.2)
        upstream.close()
        assert Reader(agent).answer().status == 502
        assert behind.none_within(0.3)


def test_a_new_connection_that_closes_is_not_tried_again(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as agent:
        agent.sendall(GET % b"x")
        upstream = behind.next()
        head_of(upstream)
        upstream.close()
        assert Reader(agent).answer().status == 502
        assert behind.none_within(0.3)


# --- answers that come before the upload is finished


@pytest.mark.parametrize("framing", (b"Content-Length: 30000000", b"Transfer-Encoding: chunked"))
@pytest.mark.parametrize("ending", ("open", "close", "reset"))
def test_an_answer_before_the_upload_is_finished_arrives(
    framing: bytes, ending: str, make_proxy: Any, behind: Behind
) -> None:
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as agent:
        agent.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n" % framing)
        agent.sendall(b"100000\r\n" + b"x" * 1000)
        upstream = behind.next()
        head_of(upstream)
        upstream.sendall(b"HTTP/1.1 413 Too Large\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nbig")
        if ending != "open":
            leave(upstream, ending)
        answer = Reader(agent).answer()
        assert (answer.status, answer.body, answer.whole) == (413, b"big", True)
        assert answer.get(b"retry-after") == [b"7"] and answer.get(b"connection") == [b"close"]
        # The agent may go on sending for a while; it is not reset before it has read the answer.
        for _ in range(20):
            agent.sendall(b"x" * 10_000)
            time.sleep(0.005)
    (kept,) = proxy.exchanges(1)
    assert kept.status == 413 and kept.complete


def test_an_answer_while_the_upload_goes_on_flows(make_proxy: Any, behind: Behind) -> None:
    """Both at once, as a duplex upstream does it."""
    proxy = make_proxy({"a": behind.url})
    with proxy.connect() as agent:
        agent.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        upstream = behind.next()
        head_of(upstream)
        upstream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b"chunked" in head_of(agent)
        for number in range(5):
            piece = b"1\r\n%d\r\n" % number
            agent.sendall(piece)
            assert upstream.recv(100) == piece
            upstream.sendall(piece)
            assert agent.recv(100) == piece
        agent.sendall(b"0\r\n\r\n")
        assert upstream.recv(100) == b"0\r\n\r\n"
        upstream.sendall(b"0\r\n\r\n")
        assert agent.recv(100) == b"0\r\n\r\n"
    (kept,) = proxy.exchanges(1)
    assert kept.complete and kept.request_body == kept.response_body == b"01234"


# --- limits


@pytest.mark.parametrize("said", (b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y"))
def test_an_answer_that_does_not_begin_is_a_504(said: bytes, make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url}, answer_timeout=1.0)
    with proxy.connect() as agent:
        agent.sendall(b"POST /a/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        begun = time.monotonic()
        upstream = behind.next()
        head_of(upstream)
        upstream.sendall(said)
        answer = Reader(agent).answer()
        assert answer.status == 504 and b'"type":"error"' in answer.body
        assert 0.9 < time.monotonic() - begun < 3
        assert ends(upstream)
        # The agent's own connection goes on.
        agent.sendall(GET % b"again")
        upstream = behind.next()
        head_of(upstream)
        upstream.sendall(OK)
        assert Reader(agent).answer().body == b"ok"
    kept = proxy.exchanges(2)
    assert [(e.status, e.complete) for e in kept] == [(0, False), (200, True)]


def test_the_wait_for_an_answer_begins_with_the_end_of_the_upload(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url}, answer_timeout=1.0, body_timeout=3.0)
    with proxy.connect() as agent:
        agent.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        upstream = behind.next()
        for _ in range(5):
            time.sleep(0.4)
            agent.sendall(b"1\r\nx\r\n")
        agent.sendall(b"0\r\n\r\n")
        time.sleep(0.6)
        head_of(upstream)
        upstream.sendall(OK)
        assert Reader(agent).answer().body == b"ok"


def test_leaving_agents_leave_nothing_behind(make_proxy: Any, make_upstream: Any) -> None:
    """Hundreds of requests given up in every phase: no socket stays open, and the next request works."""
    import psutil

    def script(sock: socket.socket, seen: Any) -> None:
        if b"/ok" in seen.line:
            sock.sendall(OK)
            return
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        sock.settimeout(5)
        sock.recv(1)
        raise ConnectionError

    proxy = make_proxy({"a": make_upstream(script).url})
    process = psutil.Process(proxy.process.pid)
    before = len(process.net_connections())
    request = (
        b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )

    def one(cut: int, wait: float, how: str) -> None:
        sock = proxy.connect()
        sock.sendall(request[:cut])
        time.sleep(wait)
        leave(sock, how)

    threads = [
        threading.Thread(target=one, args=(1 + cut * 7 % len(request), cut % 3 * 0.01, LEAVING[cut % 2]))
        for cut in range(120)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until = time.monotonic() + 5
    while len(process.net_connections()) > before and time.monotonic() < until:
        time.sleep(0.05)
    assert len(process.net_connections()) <= before
    assert proxy.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") % b"ok").endswith(b"ok")
