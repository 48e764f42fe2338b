"""HTTP/1.1 as agents and upstreams speak it: requests in any pieces, old versions, statuses, codings."""

from __future__ import annotations

import gzip
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import brotli
import pytest
import zstandard
from behind import Behind, head_of
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_http import Reader, chunked, pieces

from skillclaw.proxy.http1 import BadMessageError, Chunks, Sized

pytestmark = pytest.mark.live

QUIET = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def behind() -> Iterator[Behind]:
    made = Behind()
    yield made
    for sock in (*made.socks, made.listener):
        sock.close()


# --- requests in any pieces

VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A request without its first line's number: header lines, the body on the wire, the body."""
    lines = b"".join(
        b"X-%d:%b%b%b\r\n" % (n, draw(st.sampled_from((b"", b" ", b" \t "))), v.encode("latin-1"), end)
        for n, v in enumerate(draw(st.lists(VALUES, max_size=3)))
        for end in (draw(st.sampled_from((b"", b" "))),)
    )
    body = draw(st.binary(max_size=200) | st.just(b"GET /a/0 HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    body *= draw(st.sampled_from((1, 1, 1, 400)))
    how = draw(st.sampled_from(("none", "length", "chunked", "trailers")))
    if draw(st.integers(0, 5)) == 0 and how != "none":
        lines += b"Expect: 100-continue\r\n"
    if how == "none":
        return lines, b"", b""
    if how == "length":
        return lines + b"Content-Length: %d\r\n" % len(body), body, body
    wire = chunked(body, draw(st.lists(st.integers(1, 300), max_size=6)))
    if how == "trailers":
        wire = wire[:-2] + b"X-Sum: 1\r\nContent-Length: 3\r\n\r\n"
    return lines + b"Transfer-Encoding: chunked\r\n", wire, body


@pytest.mark.hypothesis
def test_requests_arrive_as_they_are_in_any_pieces(make_proxy: Any, behind: Behind) -> None:
    """Heads split anywhere, bodies by length and chunked, several requests in one write."""
    arrived = behind.serve(OK)
    proxy = make_proxy({"a": behind.url})
    reader = Reader(proxy.connect(10))
    bodies: list[bytes] = []

    @settings(QUIET, max_examples=examples(200))
    @given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 1 << 20), max_size=8))
    def ask(asked: list[tuple[bytes, bytes, bytes]], cuts: list[int]) -> None:
        begin = len(bodies)
        data = b"".join(
            b"POST /a/%d?%%20 HTTP/1.1\r\nHost: localhost\r\n%b\r\n%b" % (begin + n, lines, wire)
            for n, (lines, wire, _) in enumerate(asked)
        )
        bodies.extend(body for _, _, body in asked)
        for piece in pieces(data, cuts):
            reader.sock.sendall(piece)
            if len(cuts) < 4:
                time.sleep(0.0005)
        for _ in asked:
            assert reader.answer().body == b"ok"
        assert not reader.data
        for n, (lines, _, body) in enumerate(asked):
            head, got = arrived[begin + n]
            assert head.startswith(b"POST /%d?%%20 HTTP/1.1\r\nHost: 127.0.0.1:" % (begin + n))
            assert got == body
            rest = head[:-2].partition(b"\r\n")[2].partition(b"\r\n")[2]
            assert sorted(rest.split(b"\r\n")) == sorted(lines.split(b"\r\n"))

    ask()
    reader.sock.close()
    kept = proxy.exchanges(len(bodies))
    assert [e.request_body for e in kept] == bodies
    assert all(e.complete for e in kept)


@settings(QUIET, max_examples=examples(300))
@given(st.binary(max_size=400), st.lists(st.integers(1, 50)), st.lists(st.integers(0, 1 << 16)))
def test_chunks_end_where_they_end_however_they_are_cut(
    body: bytes, sizes: list[int], cuts: list[int]
) -> None:
    wire = chunked(body, sizes)
    rest = b"GET / HTTP/1.1\r\n"
    for framing in (Chunks(), Sized(len(wire))):
        parts = pieces(wire + rest, cuts)
        seen = 0
        for part in parts:
            end = framing.feed(part)
            if end >= 0:
                assert seen + end == len(wire)
                break
            seen += len(part)
        else:
            raise AssertionError("no end")
    chunks = Chunks()
    taken = []
    for part in pieces(wire, cuts):
        chunks.feed(part)
        taken.append(chunks.taken())
    assert b"".join(taken) == body


@settings(QUIET, max_examples=examples(300))
@given(st.binary(max_size=60), st.lists(st.integers(0, 1 << 16), max_size=5), st.data())
def test_broken_chunks_are_broken_however_they_are_cut(body: bytes, cuts: list[int], data: Any) -> None:
    """The same bytes end well, end badly or do not end, at the same place, in one piece and in many."""
    wire = bytearray(chunked(body, [7, 9]))
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.sampled_from(b"\r\n0;x \x00fZ"))

    def verdict(parts: list[bytes]) -> tuple[str, bytes]:
        framing, out = Chunks(), b""
        try:
            for part in parts:
                end = framing.feed(part)
                out += part if end < 0 else part[:end]
                if end >= 0:
                    return "ended", out
        except BadMessageError:
            return "broken", b""
        return "open", out

    assert verdict([bytes(wire)]) == verdict(pieces(bytes(wire), cuts))


# --- interim answers, versions, statuses


def test_leave_to_continue_is_the_upstreams(make_proxy: Any, behind: Behind) -> None:
    proxy = make_proxy({"a": behind.url})
    ask = b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with proxy.connect(5) as agent:
        agent.sendall(ask)
        upstream = behind.next()
        assert b"\r\nExpect: 100-continue\r\n" in head_of(upstream)
        agent.settimeout(0.2)
        with pytest.raises(TimeoutError):
            agent.recv(1)
        agent.settimeout(5)
        upstream.sendall(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n")
        assert head_of(agent) == b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"
        agent.sendall(b"abc")
        assert upstream.recv(10) == b"abc"
        upstream.sendall(OK)
        assert Reader(agent).answer().body == b"ok"
    with proxy.connect(5) as agent:
        # A refusal comes instead, and the body that never came is nobody's next request.
        agent.sendall(ask)
        head_of(upstream)
        upstream.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno")
        answer = Reader(agent).answer()
        assert answer.status == 417 and answer.body == b"no" and answer.get(b"connection") == [b"close"]
    kept = proxy.exchanges(2)
    assert [(e.status, e.request_body) for e in kept] == [(200, b"abc"), (417, b"")]


@pytest.mark.parametrize("version", (b"1.0", b"1.1"))
@pytest.mark.parametrize(
    "answer",
    (
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello",
    ),
)
def test_old_and_new_agents_and_upstreams_in_all_pairs(
    answer: bytes, version: bytes, make_upstream: Any, make_proxy: Any
) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(answer)
        if b"ontent-Length" not in answer and b"chunked" not in answer:
            sock.shutdown(socket.SHUT_RDWR)

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    with proxy.connect(5) as sock:
        for _ in range(1 if version == b"1.0" else 3):
            sock.sendall(b"GET /a/x HTTP/%b\r\nHost: localhost\r\n\r\n" % version)
            got = Reader(sock).answer()
            assert got.whole and got.status == 200 and got.body == b"hello"
            if version == b"1.0":
                assert not got.get(b"transfer-encoding") and sock.recv(1) == b""
    assert all(seen.line.endswith(b" HTTP/1.1") for seen in upstream.seen)
    assert all(e.complete and e.response_body == b"hello" for e in proxy.exchanges(1))


def test_refusals_arrive_with_all_their_headers(make_upstream: Any, make_proxy: Any) -> None:
    heads = {
        429: b"retry-after: 13\r\nanthropic-ratelimit-requests-remaining: 0\r\nx-ratelimit-reset: 6m0s\r\n",
        529: b"Retry-After: 1\r\nX-Should-Retry: true\r\nrequest-id: req_1\r\n",
        500: b"X-Empty:\r\nx-empty: \r\n",
        401: b'WWW-Authenticate: Bearer realm="a, b"\r\nwww-authenticate: Basic\r\n',
        308: b"Location: /elsewhere\r\n",
    }
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'

    def script(sock: socket.socket, seen: Any) -> None:
        status = int(seen.line.split(b"/")[1][:3])
        head = b"HTTP/1.1 %d Some Reason\r\n%bContent-Length: %d\r\n\r\n" % (status, heads[status], len(body))
        sock.sendall(head + body)

    proxy = make_proxy({"a": make_upstream(script).url})
    with proxy.connect(5) as sock:
        reader = Reader(sock)
        for status, lines in heads.items():
            sock.sendall(b"POST /a/%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n" % status)
            answer = reader.answer()
            length = b"Content-Length: %d\r\n\r\n" % len(body)
            assert answer.head == b"HTTP/1.1 %d Some Reason\r\n%b" % (status, lines) + length
            assert answer.body == body
    assert [e.status for e in proxy.exchanges(len(heads))] == list(heads)


def test_compressed_bodies_are_passed_and_recorded_as_they_are(make_upstream: Any, make_proxy: Any) -> None:
    plain = b"data: {}\n\n" * 5000
    packed = {
        b"gzip": gzip.compress(plain, mtime=0),
        b"br": bytes(brotli.compress(plain)),
        b"zstd": zstandard.compress(plain),
    }

    def script(sock: socket.socket, seen: Any) -> None:
        coding = seen.get(b"content-encoding")[0]
        assert seen.body == packed[coding]
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % coding
        sock.sendall(head + chunked(packed[coding], [1, 10, 100]))

    proxy = make_proxy({"a": make_upstream(script).url})
    with proxy.connect(5) as sock:
        reader = Reader(sock)
        for coding, body in packed.items():
            lines = b"Host: localhost\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n" % (coding, len(body))
            sock.sendall(b"POST /a/x HTTP/1.1\r\n" + lines + b"\r\n" + body)
            answer = reader.answer()
            assert answer.body == body and answer.get(b"content-encoding") == [coding]
    kept = proxy.exchanges(3)
    assert [e.request_body for e in kept] == [e.response_body for e in kept] == list(packed.values())


def test_twenty_megabytes_of_images_arrive(make_proxy: Any, behind: Behind) -> None:
    body = random.Random(1).randbytes(20 << 20)
    proxy = make_proxy({"a": behind.url})
    got = bytearray()

    def read() -> None:
        upstream = behind.next()
        head_of(upstream)
        while len(got) < len(body):
            got.extend(upstream.recv(1 << 18))
        upstream.sendall(OK)

    thread = threading.Thread(target=read)
    thread.start()
    with proxy.connect(10) as agent:
        agent.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body))
        agent.sendall(body)
        assert Reader(agent).answer().body == b"ok"
    thread.join()
    same = got == body
    assert same
    (kept,) = proxy.exchanges(1, seconds=10)
    same = kept.request_body == body
    assert same and kept.complete
