"""Configured mode against hosts, agents and programs that mean ill, or are only odd."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from behind import Behind, head_of
from front import TOKEN, front, upstream

from skillclaw.journal.reader import read

KEY = "sk-upstream-key-0123456789"
BEARER = ("Authorization", f"Bearer {TOKEN}")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", KEY)


def post(body: bytes, *more: str, token: str = TOKEN, method: str = "POST", minor: int = 1) -> bytes:
    lines = [f"{method} /a/chat/completions HTTP/1.{minor}", "Host: localhost", *more]
    lines += [f"Authorization: Bearer {token}", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def exchanges(home: Path) -> list[Any]:
    until = time.monotonic() + 5
    while not (found := [one for one, _ in read(home / "journal")]) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def all_of(sock: socket.socket) -> bytes:
    parts = []
    while part := sock.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("path", ["/a/chat/completions", "/a/v1/messages"])
def test_an_upstream_that_repeats_the_key_in_its_error_does_not_spread_it(
    tmp_path: Path, make_upstream: Any, path: str, coded: bool
) -> None:
    said = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}.", "type": "x"}}).encode()
    said = gzip.compress(said) if coded else said

    def script(sock: socket.socket, seen: Any) -> None:
        more = b"Content-Encoding: gzip\r\n" if coded else b""
        sock.sendall(
            b"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=%b\r\nContent-Type: application/json\r\n"
            b"%bContent-Length: %d\r\n\r\n%b" % (KEY.encode(), more, len(said), said)
        )

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat", key="env:UPSTREAM_KEY")}) as proxy:
        body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
        reply = proxy.ask("POST", path, body)
    assert reply.status == 401
    told = reply.json["error"]["message"]
    assert "Incorrect API key provided: " in told
    assert KEY not in told + str(reply.headers)
    (exchange,) = [found for found, _ in read(tmp_path / "journal")]
    assert KEY not in msgspec.json.encode(exchange).decode()
    assert KEY.encode() not in exchange.response_body


def test_an_error_without_the_key_passes_byte_for_byte(tmp_path: Path, make_upstream: Any) -> None:
    said = gzip.compress(b'{"error":  {}}')

    def script(sock: socket.socket, seen: Any) -> None:
        head = b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(said)
        sock.sendall(head + said)

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat", key="env:UPSTREAM_KEY")}) as proxy:
        reply = proxy.ask("POST", "/a/chat/completions", b"{}")
    assert (reply.status, reply.body, reply.get("content-encoding")) == (500, said, "gzip")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/x%2f..%2f..%2fadmin",
        "/v1/x%5C..%5Cadmin",
        "/v1/%252e%252e/admin",
        "/v1/..;a=b/admin",
        "/v1/x\\..\\admin",
    ],
)
def test_no_spelling_of_a_path_leads_out_of_the_base_url(
    tmp_path: Path, make_upstream: Any, replying: Any, path: str
) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(f"{up.url}/v1", "chat", key="env:UPSTREAM_KEY")}) as proxy:
        assert proxy.ask("POST", f"/a{path}", b"{}").status == 400
    assert up.seen == []


def test_paths_that_only_look_odd_pass(tmp_path: Path, make_upstream: Any, replying: Any) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(f"{up.url}/v1", "chat")}) as proxy:
        for path in ("/files/a..b", "/files/a%2Fb", "/files/%25", "/files/...", "//x@evil.test/y"):
            assert proxy.ask("POST", f"/a{path}", b"{}").status == 200
    assert [seen.line.split()[1] for seen in up.seen] == [
        b"/v1/files/a..b", b"/v1/files/a%2Fb", b"/v1/files/%25", b"/v1/files/...", b"/v1//x@evil.test/y"
    ]  # fmt: skip


def test_a_token_in_the_query_goes_no_further_however_it_is_spelt(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(up.url, "gemini")}) as proxy:
        path = f"/a/v1beta/models/m:generateContent?k%65y={TOKEN}&alt=sse"
        assert proxy.ask("POST", path, b"{}", []).status == 200
    assert TOKEN.encode() not in up.seen[0].head
    assert b"?alt=sse " in up.seen[0].head
    (exchange,) = [found for found, _ in read(tmp_path / "journal")]
    assert TOKEN not in exchange.path


def test_a_redirect_is_not_followed_so_the_key_goes_to_no_other_host(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    other = make_upstream(replying(b"{}"))

    def script(sock: socket.socket, seen: Any) -> None:
        where = f"{other.url}/v1/chat/completions".encode()
        sock.sendall(b"HTTP/1.1 307 Go\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % where)

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat", key="env:UPSTREAM_KEY")}) as proxy:
        body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
        replies = [proxy.ask("POST", path, body) for path in ("/a/chat/completions", "/a/v1/messages")]
        listed = proxy.ask("GET", "/a/models")
    assert [reply.status for reply in replies] == [307, 307]
    assert listed.status == 502
    assert other.connections == 0


def test_a_program_without_the_token_cannot_fill_the_memory(tmp_path: Path, make_upstream: Any) -> None:
    with front(tmp_path, {"one": upstream("http://127.0.0.1:9", "chat")}) as proxy:
        before = psutil.Process().memory_info().rss
        socks = []
        piece = b"x" * (1 << 20)
        for _ in range(4):
            sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
            sock.sendall(post(b"", token="wrong").replace(b"Length: 0", b"Length: %d" % (60 << 20)))
            for _ in range(40):
                sock.sendall(piece)
            socks.append(sock)
        assert psutil.Process().memory_info().rss - before < 60 << 20
        for _ in range(20):
            socks[0].sendall(piece)
        assert socks[0].recv(12) == b"HTTP/1.1 401"
        for sock in socks:
            sock.close()


def test_a_request_that_says_that_it_is_too_large_is_refused_before_it_comes(tmp_path: Path) -> None:
    with front(tmp_path, {"one": upstream("http://127.0.0.1:9", "chat", retries=0)}) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            asked = post(b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: %d" % (70 << 20))
            sock.sendall(asked)
            assert all_of(sock).startswith(b"HTTP/1.1 413")
        said = proxy.ask("POST", "/a/chat/completions", b"z" * (70 << 20), [BEARER])
        assert said.status == 413
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
            with contextlib.suppress(ConnectionError):
                for _ in range(70):
                    sock.sendall(b"100000\r\n%b\r\n" % (b"z" * (1 << 20)))
            assert all_of(sock).startswith(b"HTTP/1.1 413")


def test_a_large_request_arrives_whole_and_is_sent_as_the_upstream_takes_it(tmp_path: Path) -> None:
    large = b'{"x":"%b"}' % (b"y" * (60 << 20))
    behind = Behind()
    with front(tmp_path, {"one": upstream(behind.url, "chat", key="env:UPSTREAM_KEY")}) as proxy:  # noqa: SIM117
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as sock:
            sock.sendall(post(large))
            taken = behind.next()
            head = head_of(taken)
            got = bytearray()
            while len(got) < len(large):
                got += taken.recv(1 << 20)
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            assert sock.recv(12) == b"HTTP/1.1 200"
    assert got == large
    lines = head.strip().split(b"\r\n")[1:]
    assert sorted(line.partition(b":")[0].lower() for line in lines) == [
        b"authorization", b"content-length", b"host"
    ]  # fmt: skip


def test_a_slow_agent_holds_the_upstream_back(tmp_path: Path, make_upstream: Any) -> None:
    piece, count = b"z" * (1 << 20), 200
    sent = []

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(piece) * count))
        for _ in range(count):
            sock.sendall(piece)
            sent.append(1)

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        before = psutil.Process().memory_info().rss
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(post(b"{}", "Connection: close"))
            sock.recv(100)
            time.sleep(0.5)
            held = len(sent)
            assert held < 40, "what the agent does not read stays at the upstream"
            got = 100
            while part := sock.recv(1 << 20):
                got += len(part)
                if got < 2000:
                    continue
        assert psutil.Process().memory_info().rss - before < 120 << 20
    assert got > len(piece) * count


@pytest.mark.parametrize("minor", [0, 1])
def test_a_translated_stream_that_breaks_is_broken_for_old_and_new_clients(
    tmp_path: Path, make_upstream: Any, minor: int
) -> None:
    event = {
        "id": "c",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"content": "hi"}}],
    }

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        sock.sendall(b"data: " + json.dumps(event).encode() + b"\n\n")
        sock.close()  # the end of such a body and a break look the same

    up = make_upstream(script)
    body = {"model": "m", "max_tokens": 5, "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        asked = post(json.dumps(body).encode(), "Connection: close", minor=minor)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(asked.replace(b"/a/chat/completions", b"/a/v1/messages"))
            got = all_of(sock)
    assert b"hi" in got
    assert b"event: error" in got
    assert b"message_stop" not in got


def test_what_an_upstream_says_of_skills_and_tries_is_not_believed(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(
        replying(b"{}", b"X-SkillClaw-Injected: %b\r\nX-SkillClaw-Tried: me\r\n" % (b"a" * 64))
    )
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        reply = proxy.ask("POST", "/a/chat/completions", b"{}")
    assert not [name for name, _ in reply.headers if name.lower().startswith("x-skillclaw")]


def test_headers_of_an_answer_stay_one_line_each(tmp_path: Path, make_upstream: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\nX-N: a\x00b\r\nContent-Length: 2\r\n\r\n{}")

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat", retries=0)}) as proxy:  # noqa: SIM117
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(post(b"{}", "Connection: close"))
            head = all_of(sock).partition(b"\r\n\r\n")[0]
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\x00" not in head


def test_a_head_request_keeps_the_length_that_it_asked_for(tmp_path: Path, make_upstream: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        for _ in range(2):
            connection.request("HEAD", "/a/files/7", headers=dict([BEARER]))
            answer = connection.getresponse()
            answer.read()
            assert (answer.status, answer.getheader("content-length")) == (200, "1234")
        connection.close()


def test_two_requests_sent_at_once_are_answered_one_after_the_other(
    tmp_path: Path, make_upstream: Any, replying: Any
) -> None:
    up = make_upstream(replying(b"{}"))
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:  # noqa: SIM117
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(post(b'{"n":1}') + post(b'{"n":2}', "Connection: close"))
            assert all_of(sock).count(b"HTTP/1.1 200 OK") == 2
    assert [seen.body for seen in up.seen] == [b'{"n":1}', b'{"n":2}']


def test_an_agent_that_leaves_in_a_pause_ends_the_tries(tmp_path: Path, make_upstream: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 429 Wait\r\nRetry-After: 0.3\r\nContent-Length: 0\r\n\r\n")

    up = make_upstream(script)

    async def pause(seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    with front(tmp_path, {"one": upstream(up.url, "chat", retries=5)}) as proxy:
        proxy.proxy.configured._sleep = pause
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(post(b"{}"))
            until = time.monotonic() + 5
            while not up.seen and time.monotonic() < until:
                time.sleep(0.01)
        time.sleep(0.7)
        assert len(up.seen) == 1
        assert proxy.proxy.under_way == 0


def test_an_agent_that_leaves_before_the_answer_ends_the_request_at_once(tmp_path: Path) -> None:
    behind = Behind()
    table = upstream(behind.url, "chat", fallback=("two",))
    with front(tmp_path, {"one": table, "two": upstream(behind.url, "chat")}) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(post(b"{}"))
            taken = behind.next()
            head_of(taken)
        taken.settimeout(2)
        rest = all_of(taken)
        assert rest in (b"", b"{}")
        assert behind.none_within(0.3), "nobody waits for another try"
        assert proxy.proxy.under_way == 0
        (exchange,) = exchanges(tmp_path)
    assert not exchange.complete


def test_settings_may_change_while_answers_are_under_way(tmp_path: Path) -> None:
    """An answer that has begun goes on; the same connection's next request goes by the new settings."""
    behind, other = Behind(), Behind()
    tables = {"one": upstream(behind.url, "chat", key="env:UPSTREAM_KEY")}
    with front(tmp_path, tables) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as sock:
        sock.sendall(post(b"{}"))
        taken = behind.next()
        head_of(taken)
        taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        while not (got := sock.recv(4096)).endswith(b"ab"):
            pass
        proxy.take(routes={}, tokens={}, configured={}, upstreams={"a": other.url})
        time.sleep(0.05)
        taken.sendall(b"cd")
        assert sock.recv(10) == b"cd"
        sock.sendall(post(b"{}"))
        direct = other.next()
        head = head_of(direct)
        assert KEY.encode() not in head
        direct.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 200"
        proxy.take(routes={"a": "one"}, configured=tables, upstreams={}, tokens={})
        time.sleep(0.05)
        while sock.recv(4096).endswith(b"\r\n\r\n") is False:
            pass
        sock.sendall(post(b"{}"))
        got = sock.recv(12)
        assert got == b"HTTP/1.1 401"


def test_a_stand_in_gets_its_own_key_alone(tmp_path: Path, make_upstream: Any, replying: Any) -> None:
    os.environ["OTHER_KEY"] = "sk-other-key-9876543210"

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")

    first, second, third = make_upstream(script), make_upstream(script), make_upstream(replying(b"{}"))
    tables = {
        "one": upstream(first.url, "chat", key="env:UPSTREAM_KEY", retries=0, fallback=("two", "three")),
        "two": upstream(second.url, "chat", retries=0),
        "three": upstream(third.url, "anthropic", key="env:OTHER_KEY"),
    }
    try:
        with front(tmp_path, tables) as proxy:
            reply = proxy.ask("POST", "/a/chat/completions", {"model": "m", "messages": []})
    finally:
        del os.environ["OTHER_KEY"]
    assert reply.status in (200, 400, 502)
    for up in (second, third):
        for seen in up.seen:
            assert KEY.encode() not in seen.head
    assert second.seen[0].get(b"authorization") == []
