"""Hostile bytes from either side: what two readers could read in two ways goes no further."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

import pytest
from behind import Behind
from raw_http import Reader

pytestmark = pytest.mark.live

INNER = b"GET /a/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /a/x HTTP/1.1\r\nHost: localhost\r\n"

SMUGGLED = {
    "a length beside chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked beside a length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "the same length twice": b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 44\r\n\r\n",
    "a plus": b"Content-Length: +0\r\n\r\n",
    "a minus": b"Content-Length: -0\r\n\r\n",
    "a blank in the length": b"Content-Length: 4 4\r\n\r\n",
    "an underscore": b"Content-Length: 4_4\r\n\r\n",
    "a hexadecimal length": b"Content-Length: 0x2c\r\n\r\n",
    "no digits": b"Content-Length: \r\n\r\n",
    "other digits": b"Content-Length: \xd9\xa4\xd9\xa4\r\n\r\n",
    "a vertical tab": b"Content-Length: \x0b0\r\n\r\n",
    "a length of 22 digits": b"Content-Length: " + b"0" * 20 + b"44\r\n\r\n",
    "a length beyond any": b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
    "a negative wrap": b"Content-Length: 18446744073709551616\r\n\r\n",
    "xchunked": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": b"Transfer-Encoding: identity\r\n\r\n",
    "chunked last but one": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "another coding first": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "quoted": b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a vertical tab before chunked": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a semicolon": b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a blank before the name": b" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded value": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a bare LF": b"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare CR": b"X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a NUL in a value": b"X: y\x00z\r\n\r\n",
    "a NUL in a name": b"Transfer-Encoding\x00: chunked\r\n\r\n0\r\n\r\n",
    "no colon": b"Transfer-Encoding chunked\r\n\r\n0\r\n\r\n",
    "no name": b": x\r\n\r\n",
    "an odd name": b"X(y): z\r\n\r\n",
    "two hosts": b"Host: localhost\r\n\r\n",
}


def refused(proxy: Any, data: bytes) -> bytes:
    """What came to `data` until the proxy closed; it must close soon, whatever follows."""
    with proxy.connect(3) as sock:
        sock.sendall(data)
        reader = Reader(sock)
        with contextlib.suppress(TimeoutError):
            while reader.more():
                pass
        return reader.data if reader.ended else b"not closed: " + reader.data


def test_requests_that_can_be_read_in_two_ways_are_refused(
    make_upstream: Any, make_proxy: Any, replying: Any
) -> None:
    upstream = make_upstream(replying(b"never"))
    proxy = make_proxy({"a": upstream.url})
    for what, rest in SMUGGLED.items():
        answer = refused(proxy, POST + rest + INNER)
        assert answer.startswith(b"HTTP/1.1 400 "), (what, answer)
        assert answer.count(b"HTTP/1.1 ") == 1, (what, answer)
    assert upstream.seen == []
    assert proxy.exchanges(1, seconds=0) == []


LINES = (
    b"GET /a/x HTTP/1.1 \r\n",
    b"GET  /a/x HTTP/1.1\r\n",
    b"GET\t/a/x HTTP/1.1\r\n",
    b" GET /a/x HTTP/1.1\r\n",
    b"GET /a/x y HTTP/1.1\r\n",
    b"GET /a/x\x00 HTTP/1.1\r\n",
    b"GET /a/x\x0b HTTP/1.1\r\n",
    b"GET /a/x\rHTTP/1.1\r\n",
    b"GET /a/x HTTP/1.2\r\n",
    b"GET /a/x HTTP/2.0\r\n",
    b"GET /a/x HTTP/11\r\n",
    b"GET /a/x http/1.1\r\n",
    b"GET /a/x\r\n",
    b"G(T /a/x HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\r\n",
)


def test_request_lines_that_are_none_are_refused(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b"never"))
    proxy = make_proxy({"a": upstream.url})
    for line in LINES:
        answer = refused(proxy, line + b"Host: localhost\r\n\r\n" + INNER)
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1, (line, answer)
    assert upstream.seen == []


def test_bare_line_ends_are_refused_at_once(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b"never"))
    proxy = make_proxy({"a": upstream.url})
    for data in (
        b"GET /a/x HTTP/1.1\nHost: localhost\n\n",
        b"GET /a/x HTTP/1.1\r\nHost: localhost\n\n",
        b"GET /a/x HTTP/1.1\nHost: localhost\r\n\r\n",
    ):
        assert refused(proxy, data).startswith(b"HTTP/1.1 400 "), data
    assert upstream.seen == []


CHUNKS = {
    "a plus": b"+1\r\nx\r\n0\r\n\r\n",
    "a minus": b"-1\r\nx\r\n0\r\n\r\n",
    "0x": b"0x1\r\nx\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "a blank before it": b" 1\r\nx\r\n0\r\n\r\n",
    "no size": b"\r\nx\r\n0\r\n\r\n",
    "more than 64 bits": b"1" + b"0" * 16 + b"\r\nx\r\n0\r\n\r\n",
    "a bare LF after the size": b"1\nx\r\n0\r\n\r\n",
    "a bare LF after the data": b"1\r\nx\n0\r\n\r\n",
    "a bare CR in an extension": b"1;a\rb\r\nx\r\n0\r\n\r\n",
    "a bare LF in an extension": b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "a NUL in an extension": b"1;a\x00\r\nx\r\n0\r\n\r\n",
    "longer than its size": b"1\r\nxy\r\n0\r\n\r\n",
    "shorter than its size": b"3\r\nx\r\n0\r\n\r\n",
    "a folded trailer": b"1\r\nx\r\n0\r\nA: b\r\n c\r\n\r\n",
    "a trailer without a colon": b"1\r\nx\r\n0\r\nGET /a/smuggled HTTP/1.1\r\n\r\n",
    "a NUL in a trailer": b"0\r\nA: \x00\r\n\r\n",
    "an endless extension": b"1;" + b"a" * (1 << 17) + b"\r\nx\r\n0\r\n\r\n",
}


def test_chunks_that_can_be_read_in_two_ways_end_the_request(make_proxy: Any) -> None:
    """In one piece and byte by byte; the upstream never sees a whole request."""
    behind = Behind()
    arrived = behind.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    proxy = make_proxy({"a": behind.url})
    for what, wire in CHUNKS.items():
        data = POST + b"Transfer-Encoding: chunked\r\n\r\n" + wire + INNER
        answer = refused(proxy, data)
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1, (what, answer)
        if len(data) > 1000:
            continue
        with proxy.connect(5) as sock, contextlib.suppress(ConnectionError):
            for at in range(len(data)):
                sock.sendall(data[at : at + 1])
            answer = sock.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400 "), (what, answer)
    assert arrived == []
    behind.listener.close()


def test_extensions_and_trailers_pass_as_they_are(make_upstream: Any, make_proxy: Any) -> None:
    got: list[bytes] = []
    wire = b'1;a=b;c="d e"\r\nx\r\n0000A;\r\n0123456789\r\n000\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n'
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    with proxy.connect(5) as sock:
        sock.sendall(POST + b"Transfer-Encoding: chunked\r\nTE: trailers\r\n\r\n" + wire)
        behind, _ = listener.accept()
        with behind:
            data = b""
            while not data.endswith(b"\r\nContent-Length: 9\r\n\r\n"):
                data += behind.recv(65536)
            got.append(data.partition(b"\r\n\r\n")[2])
            behind.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire)
            answer = b""
            while not answer.endswith(b"\r\nContent-Length: 9\r\n\r\n"):
                answer += sock.recv(65536)
    listener.close()
    assert got == [wire] and answer.partition(b"\r\n\r\n")[2] == wire
    (kept,) = proxy.exchanges(1)
    assert (kept.request_body, kept.response_body) == (b"x0123456789", b"x0123456789") and kept.complete


def test_heads_beyond_any_measure_are_refused(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b"fine"))
    proxy = make_proxy({"a": upstream.url})
    for rest in (b"X: " + b"y" * 600_000, b"X: y\r\n" * 100_000, b"Host: localhost\r\n" * 40_000):
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            answer = refused(proxy, b"GET /a/x HTTP/1.1\r\nHost: localhost\r\n" + rest + b"\r\n\r\n")
            assert answer[:13] in (b"HTTP/1.1 431 ", b"HTTP/1.1 400 "), answer
        assert time.monotonic() - begun < 4
    assert upstream.seen == []
    # What agents do send: a whole JSON document in one header.
    big = b"X-Metadata: " + b"y" * 100_000 + b"\r\n"
    answer = refused(proxy, b"GET /a/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + big + b"\r\n")
    assert answer.endswith(b"fine") and upstream.seen[0].get(b"x-metadata") == [b"y" * 100_000]


def test_a_tunnel_to_anywhere_is_refused(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b""))
    proxy = make_proxy({"a": upstream.url})
    for line in (b"CONNECT 127.0.0.1:22", b"CONNECT /a/x", b"GET http://127.0.0.1:1/a/x", b"OPTIONS *"):
        answer = refused(proxy, line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ", b"HTTP/1.1 405 ")), answer
    assert upstream.seen == []
