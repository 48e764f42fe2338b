"""What goes wrong reaches the agent as it is, and the proxy says clearly what it cannot do."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

GET = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%b\r\n"


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def status_and_json(answer: bytes) -> tuple[int, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_an_upstream_that_refuses_is_explained_in_the_agents_protocol(make_proxy: Any) -> None:
    proxy = make_proxy(
        {"claude-code": f"http://127.0.0.1:{free_port()}", "bad": "ftp://x", "none": "http://"}
    )
    status, said = status_and_json(proxy.ask(GET % (b"/claude-code/v1/messages", b"")))
    assert status == 502 and said["type"] == "error" and said["error"]["type"] == "api_error"
    assert "no answer from http://127.0.0.1:" in said["error"]["message"]
    assert "refused" in said["error"]["message"].lower()
    status, said = status_and_json(proxy.ask(GET % (b"/claude-code/v1/responses", b"")))
    assert status == 502 and set(said["error"]) == {"message", "type", "param", "code"}
    status, said = status_and_json(proxy.ask(GET % (b"/claude-code/v1beta/models/g:generateContent", b"")))
    assert status == 502 and said["error"]["code"] == 502 and said["error"]["status"] == "UNAVAILABLE"
    for agent in (b"bad", b"none"):
        status, said = status_and_json(proxy.ask(GET % (b"/%b/v1/responses" % agent, b"")))
        assert status == 502 and "not an http:// or https:// URL" in said["error"]["message"]
    kept = proxy.exchanges(3)
    assert [e.status for e in kept] == [0, 0, 0] and all("no answer" in e.error for e in kept)
    assert not any(e.complete for e in kept)


def test_an_unknown_name_and_a_slow_connect(make_proxy: Any) -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(("127.0.0.1", port))
    proxy = make_proxy(
        {"slow": f"http://127.0.0.1:{port}", "far": "http://no.such.host.invalid"}, connect_timeout=0.5
    )
    status, said = status_and_json(proxy.ask(GET % (b"/slow/v1/messages", b"")))
    assert status == 504 and "within 0.5 s" in said["error"]["message"]
    status, said = status_and_json(proxy.ask(GET % (b"/far/v1/messages", b"")))
    assert status == 502 and "no.such.host.invalid" in said["error"]["message"]
    for sock in (*fillers, full):
        sock.close()


def test_an_unknown_agent_is_told_which_there_are(make_proxy: Any) -> None:
    proxy = make_proxy({"codex": "http://127.0.0.1:1", "claude-code": "http://127.0.0.1:1"})
    for target in (b"/", b"/nobody/v1/messages", b"/v1/messages"):
        status, said = status_and_json(proxy.ask(GET % (target, b"")))
        assert status == 404 and "claude-code, codex" in said["error"]["message"]
    assert proxy.ask(b"CONNECT example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(
        b"HTTP/1.1 405"
    )
    assert proxy.ask(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_stream_that_breaks_looks_broken(make_upstream: Any, make_proxy: Any) -> None:
    heads = {
        "chunked": b"Transfer-Encoding: chunked\r\n",
        "sized": b"Content-Length: 100\r\n",
        "to-the-end": b"",
    }

    def breaking(how: str, ending: str) -> Any:
        part = b"a\r\n0123456789\r\n" if how == "chunked" else b"0123456789"

        def script(sock: socket.socket, seen: Any) -> None:
            sock.sendall(b"HTTP/1.1 200 OK\r\n" + heads[how] + b"\r\n" + part)
            time.sleep(0.05)
            if ending == "reset":
                reset(sock)
            else:
                sock.shutdown(socket.SHUT_RDWR)

        return script

    cases = [(how, ending) for how in heads for ending in ("closed", "reset")]
    proxy = make_proxy({f"{how}-{ending}": make_upstream(breaking(how, ending)).url for how, ending in cases})
    for number, (how, ending) in enumerate(cases):
        broke, answer = False, b""
        with proxy.connect() as sock:
            sock.sendall(GET % (f"/{how}-{ending}/v1/messages".encode(), b""))
            try:
                while piece := sock.recv(65536):
                    answer += piece
            except ConnectionResetError:
                broke = True
        kept = proxy.exchanges(number + 1)[number]
        assert b"0123456789" in answer and kept.response_body == b"0123456789"
        if (how, ending) == ("to-the-end", "closed"):
            assert answer.endswith(b"\r\n0\r\n\r\n") and kept.complete
        else:
            assert broke or not answer.endswith(b"0\r\n\r\n")
            assert not kept.complete and "broke the answer off" in kept.error


def test_bytes_before_a_break_arrive_also_when_the_break_is_seen_first(
    make_upstream: Any, make_proxy: Any
) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlast\r\n")
        sock.shutdown(socket.SHUT_RDWR)

    answer = make_proxy({"a": make_upstream(script).url}).ask(GET % (b"/a/x", b""))
    assert answer.endswith(b"\r\n\r\n4\r\nlast\r\n")


def test_an_upstream_that_hangs_up_or_talks_nonsense(make_upstream: Any, make_proxy: Any) -> None:
    def hang_up(sock: socket.socket, seen: Any) -> None:
        sock.shutdown(socket.SHUT_RDWR)

    proxy = make_proxy(
        {
            "mute": make_upstream(hang_up).url,
            "odd": make_upstream(lambda sock, seen: sock.sendall(b"SSH-2.0-x\r\n\r\n")).url,
        }
    )
    status, said = status_and_json(proxy.ask(GET % (b"/mute/v1/messages", b"")))
    assert status == 502 and "closed the connection" in said["error"]["message"]
    assert status_and_json(proxy.ask(GET % (b"/odd/v1/messages", b"")))[0] == 502


def test_an_agent_that_goes_away_cancels_the_upstream_request(make_upstream: Any, make_proxy: Any) -> None:
    started = threading.Event()

    def script(sock: socket.socket, seen: Any) -> None:
        if b"/stream" in seen.line:
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        started.set()
        sock.settimeout(10)
        assert sock.recv(1) == b""
        raise ConnectionError

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    for path in (b"/a/stream", b"/a/silent"):
        started.clear()
        sock = proxy.connect()
        sock.sendall(GET % (path, b""))
        assert started.wait(5)
        time.sleep(0.05)
        gone = time.monotonic()
        sock.close()
        assert upstream.closed.get(timeout=20) >= gone
    kept = proxy.exchanges(2)
    assert [e.error for e in kept] == ["the agent closed the connection"] * 2
    assert [(e.status, e.response_body, e.complete) for e in kept] == [(200, b"x", False), (0, b"", False)]


def test_an_upload_that_breaks_off_does_not_look_whole(make_upstream: Any, make_proxy: Any) -> None:
    upstream = make_upstream(lambda sock, seen: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    proxy = make_proxy({"a": upstream.url})
    with proxy.connect() as sock:
        sock.sendall(
            b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        )
        time.sleep(0.1)
        sock.sendall(b"nonsense\r\n")
        time.sleep(0.1)
    with proxy.connect() as sock:
        sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
        time.sleep(0.1)
    with proxy.connect() as sock:
        sock.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nabc")
        time.sleep(0.1)
    time.sleep(0.1)
    assert upstream.seen == []
    assert proxy.health()["status"] == "ok"


def test_an_early_refusal_of_a_large_upload_reaches_the_agent(make_proxy: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        time.sleep(1)
        sock.close()

    threading.Thread(target=serve, daemon=True).start()
    proxy = make_proxy({"a": f"http://127.0.0.1:{listener.getsockname()[1]}"})
    with proxy.connect() as sock:
        sock.sendall(
            b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n" + b"x" * 2000
        )
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 Too Large\r\n") and answer.endswith(b"\r\n\r\nbig")
    listener.close()


FOREIGN = (
    b"Host: evil.example",
    b"Host: 127.0.0.1.evil.example",
    b"Host: localhost.evil.example:8787",
    b"X: y",
    b"Host: localhost\r\nOrigin: https://evil.example",
    b"Host: localhost\r\nOrigin: null",
    b"Host: localhost\r\nOrigin: http://localhost.evil.example",
    b"Host: localhost\r\nOrigin: http://localhost\r\nOrigin: https://evil.example",
    b"Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors",
    b"Host: localhost\r\nSec-Fetch-Site: same-site",
)


def test_other_hosts_and_web_pages_are_refused(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    upstream = make_upstream(replying(b"secret"))
    proxy = make_proxy({"a": upstream.url})
    for lines in FOREIGN:
        for target in (b"/a/v1/models", b"/healthz"):
            answer = proxy.ask(b"GET %b HTTP/1.1\r\n%b\r\nConnection: close\r\n\r\n" % (target, lines))
            assert answer.startswith(b"HTTP/1.1 403")
    assert upstream.seen == []


def test_loopback_hosts_and_origins_are_served(make_upstream: Any, make_proxy: Any, replying: Any) -> None:
    proxy = make_proxy({"a": make_upstream(replying(b"hi")).url})
    for lines in (
        b"Host: 127.0.0.1:8787",
        b"Host: LOCALHOST",
        b"Host: [::1]:1\r\nOrigin: http://127.0.0.1:3000",
    ):
        assert proxy.ask(b"GET /a/x HTTP/1.1\r\n%b\r\nConnection: close\r\n\r\n" % lines).endswith(b"hi")


def test_the_password_of_an_upstream_is_in_no_error_and_no_record(make_proxy: Any) -> None:
    proxy = make_proxy({"a": f"http://user:TopSecret99@127.0.0.1:{free_port()}/x?key=TopSecret98"})
    status, said = status_and_json(proxy.ask(GET % (b"/a/v1/models", b"")))
    assert status == 502
    assert "TopSecret" not in str(said)
    (kept,) = proxy.exchanges(1)
    assert "no answer from http://127.0.0.1:" in kept.error
    assert "TopSecret" not in kept.error


def test_a_stale_pooled_connection_is_not_used(make_upstream: Any, make_proxy: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        sock.shutdown(socket.SHUT_RDWR)

    upstream = make_upstream(script)
    proxy = make_proxy({"a": upstream.url})
    for _ in range(5):
        assert proxy.ask(GET % (b"/a/x", b"")).endswith(b"ok")
        time.sleep(0.02)
    assert upstream.connections == 5


@pytest.mark.skipif(os.name != "posix", reason="limits by setrlimit")
def test_a_full_disk_costs_records_but_no_traffic(
    make_upstream: Any, make_proxy: Any, replying: Any, tmp_path: Path
) -> None:
    def limit() -> None:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))

    noise = os.urandom(8_000)
    proxy = make_proxy({"a": make_upstream(replying(noise)).url}, preexec_fn=limit)
    for _ in range(6):
        assert proxy.ask(GET % (b"/a/x", b"")).endswith(noise)
        time.sleep(0.03)
    until = time.monotonic() + 5
    while not (journal := proxy.health()["journal"])["errors"] and time.monotonic() < until:
        time.sleep(0.05)
    assert "cannot be written" in journal["last_error"] and journal["queue"] + journal["exchanges"] == 6
    assert all(e.response_body == noise for e in proxy.exchanges(2))
    # With space again, what waited is written.
    import resource

    resource.prlimit(
        proxy.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    assert len(proxy.exchanges(6)) == 6
    until = time.monotonic() + 2
    while (journal := proxy.health()["journal"])["last_error"] and time.monotonic() < until:
        time.sleep(0.05)
    assert journal["last_error"] == "" and journal["dropped"] == 0 and journal["exchanges"] == 6


def test_a_journal_that_cannot_be_made_costs_no_traffic(
    make_upstream: Any, make_proxy: Any, replying: Any, tmp_path: Path
) -> None:
    home = tmp_path / "odd"
    (home / "run").mkdir(parents=True)
    (home / "journal").write_text("a file where the folder should be")
    proxy = make_proxy({"a": make_upstream(replying(b"fine")).url}, home=home)
    assert proxy.ask(GET % (b"/a/x", b"")).endswith(b"fine")
    until = time.monotonic() + 3
    while not (journal := proxy.health()["journal"])["errors"] and time.monotonic() < until:
        time.sleep(0.05)
    assert journal["errors"] >= 1 and journal["last_error"]
