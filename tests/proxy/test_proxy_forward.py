"""Bytes in, bytes out: what passes the proxy is what was sent, over real sockets."""

from __future__ import annotations

import gzip
import random
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.live

POST = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\nConnection: close\r\n%b\r\n%b"


def post(path: bytes, body: bytes, headers: bytes = b"") -> bytes:
    return POST % (path, len(body), headers, body)


def dechunk(body: bytes) -> bytes:
    out = b""
    while body:
        size_line, _, body = body.partition(b"\r\n")
        size = int(size_line, 16)
        if size == 0:
            assert body == b"\r\n"
            return out
        out += body[:size]
        assert body[size : size + 2] == b"\r\n"
        body = body[size + 2 :]
    raise AssertionError("no end")


def test_the_head_arrives_as_the_agent_wrote_it(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b"{}"))
    proxy = make_proxy({"codex": upstream.url + "/base/v1"})
    target = b"/codex/a%2Fb/%7Ex//..%2e/?q=a+b%20c&empty=&q=%e4&&x?y"
    proxy.ask(
        b"POST " + target + b" HTTP/1.1\r\nhOST: localhost:1\r\nX-Odd:  v\xe4l\r\nx-dup: 1\r\nX-Dup: 2\r\n"
        b"authorization: Bearer abc-123456789\r\nTE: trailers\r\nConnection: close, x-hop\r\nX-Hop: gone\r\n"
        b"Content-Length: 2\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\n\r\n{}"
    )
    seen = upstream.seen[0]
    assert seen.line == b"POST /base/v1" + target.removeprefix(b"/codex") + b" HTTP/1.1"
    assert seen.get(b"host") == [f"127.0.0.1:{upstream.port}".encode()]
    assert seen.headers()[1:] == [
        (b"X-Odd", b" v\xe4l"),
        (b"x-dup", b"1"),
        (b"X-Dup", b"2"),
        (b"authorization", b"Bearer abc-123456789"),
        (b"Content-Length", b"2"),
    ]
    assert seen.body == b"{}"


def test_a_body_keeps_its_length_whatever_connection_lists(make_upstream: Any, make_proxy: Any) -> None:
    smuggled = b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n"

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok")

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    answer = proxy.ask(
        b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nConnection: close, Content-Length, x-hop\r\nX-Hop: 1\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(smuggled), smuggled)
    )
    assert b"\r\nContent-Length: 2\r\n" in answer
    assert [(seen.line, seen.body) for seen in upstream.seen] == [(b"POST /x HTTP/1.1", smuggled)]
    assert upstream.seen[0].get(b"x-hop") == []


def test_the_answers_head_arrives_as_it_was(make_upstream: Any, make_proxy: Any) -> None:
    head = (
        b"HTTP/1.1 429 Slow down, please\r\nretry-After: 1\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\n"
        b"X-Latin: \xfc\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        b"Content-Type: application/json\r\nContent-Length: 4\r\n\r\nnull"
    )
    upstream = make_upstream(lambda sock, seen: sock.sendall(head))
    answer = make_proxy({"a": upstream.url}).ask(post(b"/a/v1/messages", b"{}"))
    assert answer == (
        b"HTTP/1.1 429 Slow down, please\r\nretry-After: 1\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\n"
        b"X-Latin: \xfc\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
        b"Connection: close\r\n\r\nnull"
    )


def test_paths_without_a_rest_or_with_a_query_only(
    make_upstream: Any, make_proxy: Any, replying: Any
) -> None:
    upstream = make_upstream(replying(b""))
    proxy = make_proxy({"a": upstream.url, "b": upstream.url + "/v1/"})
    for target in (b"/a", b"/a?x=1", b"/a/", b"/b", b"/b/models"):
        proxy.ask(b"GET " + target + b" HTTP/1.1\r\nHost: [::1]:9\r\nConnection: close\r\n\r\n")
    lines = [seen.line.split()[1] for seen in upstream.seen]
    assert lines == [b"/", b"/?x=1", b"/", b"/v1", b"/v1/models"]
    assert all(not seen.get(b"content-length") and not seen.get(b"user-agent") for seen in upstream.seen)


def test_bodies_of_all_sizes_both_ways(make_upstream: Any, make_proxy: Any) -> None:
    def echo(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(seen.body), seen.body))

    upstream = make_upstream(echo)
    proxy = make_proxy({"a": upstream.url})
    rnd = random.Random(7)
    for size in (0, 1, 65_535, 65_536, 65_537, 300_000, 1 << 20, (1 << 20) + 1, 5_000_000):
        body = rnd.randbytes(size)
        answer = proxy.ask(post(b"/a/x", body))
        assert answer.partition(b"\r\n\r\n")[2] == body
        assert upstream.seen[-1].body == body
        assert not upstream.seen[-1].chunked
    kept = proxy.exchanges(9)
    assert [len(e.request_body) for e in kept] == [len(e.response_body) for e in kept]
    assert all(e.complete for e in kept)


def test_chunked_uploads_and_compressed_bodies_are_not_touched(make_upstream: Any, make_proxy: Any) -> None:
    packed = gzip.compress(b"some text " * 1000)

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
            % (len(packed), packed)
        )

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    with proxy.connect() as sock:
        sock.sendall(
            b"POST /a/up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
        for start in range(0, len(packed), 7):
            part = packed[start : start + 7]
            sock.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        sock.sendall(b"0\r\n\r\n")
        answer = b""
        while part := sock.recv(65536):
            answer += part
    assert upstream.seen[0].chunked and upstream.seen[0].body == packed
    assert answer.partition(b"\r\n\r\n")[2] == packed
    kept = proxy.exchanges(1)[0]
    assert (kept.request_body, kept.response_body) == (packed, packed)


def test_a_large_upload_is_streamed_on_before_it_is_whole(make_upstream: Any, make_proxy: Any) -> None:
    arrived = threading.Event()

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        got = b""
        while len(got) < 100_000:
            got += sock.recv(65536)
        arrived.set()
        while not got.endswith(b"END"):
            got += sock.recv(65536)
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    with proxy.connect() as sock:
        size = 3_000_000
        sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(b"x" * 500_000)
        assert arrived.wait(5)
        sock.sendall(b"x" * (size - 500_003) + b"END")
        assert sock.recv(65536).startswith(b"HTTP/1.1 204 No Content\r\n\r\n")
    listener.close()


def test_head_204_and_304_have_no_body_and_keep_the_connection(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        if seen.line.startswith(b"HEAD"):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
        elif b"/204" in seen.line:
            sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            sock.sendall(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n')

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    with proxy.connect() as sock:
        for line, want in (
            (b"HEAD /a/api/hello", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
            (b"GET /a/204", b"HTTP/1.1 204 No Content\r\n\r\n"),
            (b"GET /a/304", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n'),
            (b"HEAD /a/again", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
        ):
            sock.sendall(line + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert sock.recv(65536) == want
    assert upstream.connections == 1


def test_pipelined_requests_are_answered_in_order(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        name = seen.line.split()[1]
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name))

    proxy = make_proxy({"a": make_upstream(script).url})
    three = b"".join(b"GET /a/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % n for n in range(3))
    answer = proxy.ask(three + b"GET /a/last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"\r\n\r\n(/(?:\d|last))", answer) == [b"/0", b"/1", b"/2", b"/last"]


def test_expect_100_continue_is_between_agent_and_upstream(make_upstream: Any, make_proxy: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        for answer in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"):
            sock, _ = listener.accept()
            seen.append(sock.recv(65536))
            sock.sendall(answer)
            seen.append(sock.recv(65536))
            if seen[-1]:
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            sock.close()

    threading.Thread(target=serve, daemon=True).start()
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    ask = b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with proxy.connect() as sock:
        sock.sendall(ask)
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert sock.recv(65536).endswith(b"\r\n\r\nok")
    with proxy.connect() as sock:
        sock.sendall(ask)
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 No\r\n")
    assert b"\r\nExpect: 100-continue\r\n" in seen[0] and seen[0].endswith(b"\r\n\r\n")
    assert seen[1] == b"abc" and b"\r\nExpect: 100-continue\r\n" in seen[2]


def test_an_http_1_0_client_gets_an_unchunked_answer(make_upstream: Any, make_proxy: Any) -> None:
    upstream = make_upstream(
        lambda sock, seen: sock.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )
    )
    answer = make_proxy({"a": upstream.url}).ask(b"GET /a/x HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nabc") and b"chunked" not in answer


def test_redirects_and_interim_answers_are_passed_on(make_upstream: Any, make_proxy: Any) -> None:
    upstream = make_upstream(
        lambda sock, seen: sock.sendall(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        )
    )
    proxy = make_proxy({"a": upstream.url})
    answer = proxy.ask(post(b"/a/x", b""))
    final = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
    assert answer.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + final)
    old = proxy.ask(b"GET /a/x HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert old.startswith(final), "HTTP/1.0 knows no interim answers"


def test_the_first_byte_does_not_wait_for_the_second(make_upstream: Any, make_proxy: Any) -> None:
    go_on, headers_first = threading.Event(), threading.Event()

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        headers_first.wait(5)
        for number in range(3):
            sock.sendall(b"9\r\ndata: %d\n\n\r\n" % number)
            go_on.wait(5)
            go_on.clear()
        sock.sendall(b"0\r\n\r\n")

    proxy = make_proxy({"a": make_upstream(script).url})
    with proxy.connect(5) as sock:
        sock.sendall(post(b"/a/v1/messages", b"{}"))
        assert sock.recv(65536).endswith(b"\r\n\r\n")  # the head, before there is any event
        headers_first.set()
        for number in range(3):
            assert sock.recv(65536) == b"9\r\ndata: %d\n\n\r\n" % number
            go_on.set()
        assert sock.recv(65536) == b"0\r\n\r\n"


@pytest.mark.hypothesis
def test_fuzzed_stream_chunkings(make_upstream: Any, make_proxy: Any) -> None:
    """The same bytes arrive whatever pieces the upstream cuts its stream into, wherever TCP cuts those."""
    plan: list[tuple[bytes, list[int], list[int]]] = []

    def script(sock: socket.socket, seen: Any) -> None:
        body, chunks, writes = plan[-1]
        framed, at = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0
        for size in chunks:
            part = body[at : at + size]
            at += size
            framed += b"%x\r\n%b\r\n" % (len(part), part) if part else b""
        rest = body[at:]
        framed += (b"%x\r\n%b\r\n" % (len(rest), rest) if rest else b"") + b"0\r\n\r\n"
        at = 0
        for size in writes:
            sock.sendall(framed[at : at + size])
            at += size
        sock.sendall(framed[at:])

    proxy = make_proxy({"a": make_upstream(script).url})
    sock = proxy.connect()
    count = 0

    @settings(
        max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(
        st.lists(
            st.sampled_from([b"data: {}\n\n", b"\r\n", b"0\r\n\r\n", "données ü\n".encode(), b"x" * 70_000])
        ),
        st.lists(st.integers(1, 70_000), max_size=8),
        st.lists(st.integers(1, 3000), max_size=8),
    )
    def run(pieces: list[bytes], chunks: list[int], writes: list[int]) -> None:
        nonlocal count
        body = b"".join(pieces)
        plan.append((body, chunks, writes))
        sock.sendall(b"POST /a/s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        count += 1
        assert read_chunked(sock) == body

    run()
    sock.close()
    kept = proxy.exchanges(count)
    assert [e.response_body for e in kept] == [body for body, _, _ in plan]
    assert all(e.complete and e.status == 200 for e in kept)


def read_chunked(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    data = data.partition(b"\r\n\r\n")[2]
    body = b""
    while True:
        while b"\r\n" not in data:
            data += sock.recv(65536)
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        while len(data) < size + 2:
            data += sock.recv(65536)
        body, data = body + data[:size], data[size + 2 :]
        if not size:
            assert not data
            return body


def test_an_environment_proxy_is_used_for_other_machines_only(
    make_upstream: Any, make_proxy: Any, replying: Callable[..., Any]
) -> None:
    gateway = make_upstream(replying(b"by the gateway"))
    local = make_upstream(replying(b"straight"))
    env = {
        "HTTP_PROXY": f"http://user:pass@127.0.0.1:{gateway.port}",
        "http_proxy": "",
        "NO_PROXY": "no.test",
    }
    env["http_proxy"] = env["HTTP_PROXY"]
    proxy = make_proxy({"far": "http://far.test/v1", "near": local.url}, env=env)
    assert proxy.ask(post(b"/near/x", b"")).endswith(b"straight")
    assert proxy.ask(post(b"/far/x?y=%2F", b"")).endswith(b"by the gateway")
    seen = gateway.seen[0]
    assert seen.line == b"POST http://far.test/v1/x?y=%2F HTTP/1.1"
    assert seen.get(b"proxy-authorization") == [b"Basic dXNlcjpwYXNz"]
    assert not local.seen[0].get(b"proxy-authorization")


def test_many_streams_at_once(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            sock.sendall(b"%x\r\n%b\r\n" % (len(seen.body), seen.body))
            time.sleep(0.01)
        sock.sendall(b"0\r\n\r\n")

    proxy = make_proxy({"a": make_upstream(script).url})
    wrong = []

    def one(number: int) -> None:
        body = b"client %d;" % number
        answer = proxy.ask(post(b"/a/x", body)).partition(b"\r\n\r\n")[2]
        if dechunk(answer) != body * 10:
            wrong.append(number)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
