"""A hostile or broken upstream spoils its own answer, never the next one, and holds no agent for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

import pytest
from raw_http import Answer, Reader

pytestmark = pytest.mark.live

GET = b"GET /a/x HTTP/1.1\r\nHost: localhost\r\n%b\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(proxy: Any, data: bytes = GET % b"", timeout: float = 5) -> Answer:
    with proxy.connect(timeout) as sock:
        sock.sendall(data)
        return Reader(sock).answer()


HEADS = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokok",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
    "a plus": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "a length of 22 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"0" * 21 + b"2\r\n\r\nok",
    "a folded line": b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 2\r\n\r\nok",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "a NUL": b"HTTP/1.1 200 OK\r\nX: \x00\r\nContent-Length: 2\r\n\r\nok",
    "a bare CR": b"HTTP/1.1 200 OK\r\nX: y\rZ: z\r\nContent-Length: 2\r\n\r\nok",
    "a bare LF": b"HTTP/1.1 200 OK\r\nX: y\nZ: z\r\nContent-Length: 2\r\n\r\nok",
    "only bare LFs": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "no version": b"200 OK\r\nContent-Length: 2\r\n\r\nok",
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status of 0": b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok",
    "chunked before another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "101 without being asked": b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000,
    "a line without end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000,
}


def test_a_head_that_is_none_is_a_502_at_once(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(list(HEADS.values())[int(seen.line.split(b"/")[1].split()[0])])
        sock.settimeout(5)
        sock.recv(1)

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    for number, what in enumerate(HEADS):
        answer = ask(proxy, b"GET /a/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number)
        assert answer.status == 502 and b"no answer" in answer.body, what
    assert len(upstream.seen) == len(HEADS)
    for kept in proxy.exchanges(len(HEADS)):
        assert (kept.status, kept.response_body, kept.complete) == (0, b"", False) and kept.error


BODIES = {
    "a size that is none": b"zz\r\n",
    "a size with 0x": b"0x2\r\nok\r\n0\r\n\r\n",
    "a negative size": b"-2\r\nok\r\n0\r\n\r\n",
    "a size beyond any": b"f" * 17 + b"\r\nok\r\n",
    "data longer than the size": b"2\r\nokHTTP/1.1 200 OK\r\n\r\n",
    "bare LFs": b"2\nok\n0\n\n",
    "a trailer that is none": b"0\r\nHTTP/1.1 200 OK\r\n\r\n",
}


def test_broken_chunks_end_an_answer_after_its_good_ones(make_upstream: Any, make_proxy: Any) -> None:
    """What the agent sees does not depend on how TCP cuts what the upstream wrote."""
    good = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n"

    def script(sock: socket.socket, seen: Any) -> None:
        _, cut, number = seen.line.split()[1].split(b"/")
        wire = good + list(BODIES.values())[int(number)]
        at = len(wire) if cut == b"whole" else len(good)
        sock.sendall(wire[:at])
        time.sleep(0.05)
        sock.sendall(wire[at:])
        sock.settimeout(5)
        sock.recv(1)

    proxy = make_proxy({"a": make_upstream(script).url})
    for number, what in enumerate(BODIES):
        for cut in (b"whole", b"cut"):
            answer = ask(proxy, b"GET /a/%b/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % (cut, number))
            assert answer.status == 200 and not answer.whole and answer.closed, what
            assert answer.body in (b"good", b"goodok"), (what, cut, answer)
    for kept in proxy.exchanges(2 * len(BODIES)):
        assert kept.status == 200 and not kept.complete and kept.error
        assert kept.response_body.startswith(b"good")


def test_a_coding_that_only_looks_like_chunked_is_read_to_the_end(
    make_upstream: Any, make_proxy: Any
) -> None:
    """RFC 9112 6.3: the connection's end is its end; around it goes the proxy's own chunked coding."""

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore")
        sock.shutdown(socket.SHUT_RDWR)

    answer = ask(make_proxy({"a": make_upstream(script).url}))
    assert answer.whole and answer.body == b"2\r\nok\r\n0\r\n\r\nmore"


def test_a_length_beside_chunked_does_not_reach_the_agent(make_upstream: Any, make_proxy: Any) -> None:
    split = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    proxy = make_proxy({"a": make_upstream(lambda sock, seen: sock.sendall(split)).url})
    answer = ask(proxy)
    assert answer.body == b"abc" and answer.whole and answer.get(b"content-length") == []


def test_bytes_after_an_answer_are_nobodys_answer(make_upstream: Any, make_proxy: Any) -> None:
    """Response splitting: at once, and while the connection rests."""
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    def script(sock: socket.socket, seen: Any) -> None:
        if b"/at-once" in seen.line:
            sock.sendall(OK + poison)
        else:
            sock.sendall(OK)
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                sock.sendall(poison)

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    with proxy.connect() as sock:
        reader = Reader(sock)
        for target in (b"at-once", b"at-once", b"later", b"later", b"at-once"):
            sock.sendall(b"GET /a/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target)
            assert reader.answer().body == b"ok" and not reader.data
            time.sleep(0.2)
    assert upstream.connections == 5


def test_no_body_where_there_can_be_none(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        method = seen.line.split()[0]
        if method == b"HEAD":
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        else:
            status = seen.line.split(b"/")[1][:3]
            sock.sendall(b"HTTP/1.1 %b X\r\nContent-Length: 5\r\n\r\nhello" % status)

    proxy = make_proxy({"a": make_upstream(script).url})
    with proxy.connect() as sock:
        reader = Reader(sock)
        for method, target in ((b"HEAD", b"200"), (b"GET", b"204"), (b"GET", b"304"), (b"HEAD", b"200")):
            sock.sendall(b"%b /a/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % (method, target))
            answer = reader.answer(method)
            assert answer.status == int(target) and answer.whole
            time.sleep(0.05)
            assert not reader.data


def test_interim_answers_pass_and_a_flood_of_them_ends(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        if b"/few" in seen.line:
            sock.sendall(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n" + OK)
            return
        sock.settimeout(5)
        with contextlib.suppress(OSError):
            for _ in range(400):
                sock.sendall(b"HTTP/1.1 102 X\r\n\r\n" * 4000)

    proxy = make_proxy({"a": make_upstream(script).url}, answer_timeout=1.0)
    with proxy.connect() as sock:
        sock.sendall(b"GET /a/few HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader = Reader(sock)
        head, interim = reader.final()
        assert interim == [b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n"]
        assert head.startswith(b"HTTP/1.1 200 ")
    begun = time.monotonic()
    with proxy.connect(10) as sock:
        sock.sendall(b"GET /a/flood HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        got, last = 0, b""
        with contextlib.suppress(ConnectionError):
            while part := sock.recv(1 << 18):
                got += len(part)
                last = part
        assert b"HTTP/1.1 502 " in last[-2000:] or b"HTTP/1.1 504 " in last[-2000:]
    assert time.monotonic() - begun < 4
    # And nobody else waited for it.
    begun = time.monotonic()
    assert proxy.health()["status"] == "ok" and time.monotonic() - begun < 1


def test_a_head_that_never_ends_is_a_504(make_proxy: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                sock.sendall(b"X: y\r\n")
                time.sleep(0.1)

    threading.Thread(target=serve, daemon=True).start()
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"}, answer_timeout=1.0)
    begun = time.monotonic()
    answer = ask(proxy)
    assert answer.status == 504 and 0.9 < time.monotonic() - begun < 3
    listener.close()


def test_a_live_stream_has_no_limit(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        time.sleep(2.5)
        sock.sendall(b"1\r\nb\r\n0\r\n\r\n")

    limits = {"head_timeout": 0.5, "body_timeout": 0.5, "answer_timeout": 0.5, "idle_timeout": 0.5}
    proxy = make_proxy({"a": make_upstream(script).url}, **limits)
    answer = ask(proxy)
    assert answer.whole and answer.body == b"ab"


def test_an_upstream_that_hangs_up_at_every_connection_is_a_502_each_time(make_proxy: Any) -> None:
    import struct

    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()

    threading.Thread(target=serve, daemon=True).start()
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    with proxy.connect(5) as sock:
        reader = Reader(sock)
        for _ in range(50):
            sock.sendall(GET % b"")
            assert reader.answer().status == 502
    listener.close()
