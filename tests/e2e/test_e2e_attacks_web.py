"""Attacks on the proxy from outside. A test's docstring is its row in docs/security.md."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from attacks import provider, readable_below, request, say, status, up

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "planted-by-the-page"}]}'
POST = "POST /generic/v1/chat/completions HTTP/1.1"


class Target(NamedTuple):
    port: int
    home: Path
    seen: list[tuple[bytes, bytes]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home = tmp_path_factory.mktemp("home")
    with provider() as (url, seen), up(home, url) as port:
        own = say(
            port, request(POST, "Content-Type: application/json", body=BODY.replace(b"planted", b"own"))
        )
        assert status(own) == 200, "the user's own agent gets through"
        journal = home / ".skillclaw" / "journal"
        end = time.monotonic() + 20
        while not any(b"own-by-the-page" in data for data in readable_below(journal).values()):
            assert time.monotonic() < end, "what the user's own agent sent is recorded"
            time.sleep(0.1)
        yield Target(port, home, seen)


@pytest.fixture
def target(running: Target) -> Target:
    running.seen.clear()
    return running


def nothing_arrived(target: Target) -> None:
    """Neither at the provider nor in what is kept for the skills."""
    assert target.seen == []
    kept = b"".join(readable_below(target.home / ".skillclaw" / "journal").values())
    assert b"own-by-the-page" in kept, "what is kept can be looked into"
    assert b"planted-by-the-page" not in kept


@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: https://evil.example", "Content-Type: text/plain"),
        ("Origin: null", "Content-Type: text/plain"),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"),
        ("Sec-Fetch-Site: same-site",),
        ("Origin: http://localhost.evil.example", "Content-Type: text/plain"),
        ("Origin: http://localhost", "Origin: https://evil.example"),
        ("Origin: http://127.0.0.1@evil.example",),
    ],
)
def test_a_page_posts(target: Target, headers: tuple[str, ...]) -> None:
    """A page posts text/plain, or loads the proxy as an image or script | web page | 403; nothing reaches the provider or the journal | Origin and Sec-Fetch-Site of every request"""  # noqa: E501
    answer = say(target.port, request(POST, *headers, body=BODY))
    assert status(answer) == 403, answer
    assert b"access-control-allow" not in answer.lower()
    nothing_arrived(target)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "0.0.0.0", "[::ffff:7f00:1]", ""]
)
def test_a_rebound_name(target: Target, host: str) -> None:
    """A page's own name is made to lead to 127.0.0.1 (DNS rebinding) | web page | 403, also for /healthz | only localhost, 127.0.0.1 and [::1] are answered as Host"""  # noqa: E501
    for line in (POST, "GET /healthz HTTP/1.1"):
        answer = say(target.port, request(line, host=host, body=BODY if line == POST else b""))
        assert status(answer) == 403, (line, answer)
        assert b"journal" not in answer
    nothing_arrived(target)


def test_a_websocket_of_a_page(target: Target) -> None:
    """A page opens a WebSocket to the proxy, which no same-origin rule stops | web page | 403, no handshake | Origin, as for any request"""  # noqa: E501
    wanted = (
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    for origin in ("https://evil.example", "null", "file://"):
        raw = request("GET /generic/v1/responses HTTP/1.1", *wanted, f"Origin: {origin}")
        answer = say(target.port, raw.replace(b"Connection: close", b"Connection: Upgrade"))
        assert status(answer) == 403, answer
    nothing_arrived(target)


def test_an_open_proxy(target: Target) -> None:
    """Somebody uses it as a proxy to other hosts: CONNECT, a URL as target, // and @ in the path | web page, another local user | 4xx; no connection is made | there is no forwarding by the request's own words, only by the settings"""  # noqa: E501
    with provider() as (other, reached):
        place = other.removeprefix("http://")
        lines = (
            f"CONNECT {place} HTTP/1.1",
            f"GET {other}/x HTTP/1.1",
            f"GET http://localhost@{place}/x HTTP/1.1",
            f"GET //{place}/x HTTP/1.1",
            f"GET @{place}/x HTTP/1.1",
            f"GET /{other}/x HTTP/1.1",
        )
        for line in lines:
            assert 400 <= status(say(target.port, request(line))) < 500, line
        assert reached == []
    nothing_arrived(target)


def test_another_upstream_by_host(target: Target) -> None:
    """A request names a service of the machine in Host, or in X-Forwarded-Host | another local user | the provider that is set gets it, under its own name | the upstream comes from the settings, the Host sent on is the upstream's"""  # noqa: E501
    with provider() as (other, reached):
        place = other.removeprefix("http://").replace("127.0.0.1", "localhost")
        raw = request("GET /generic/v1/models HTTP/1.1", f"X-Forwarded-Host: {place}", host=place)
        assert status(say(target.port, raw)) == 200
        assert reached == []
    ((head, _),) = target.seen
    assert f"\r\nHost: {place}\r\n".encode() not in head


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4",
        b"Transfer-Encoding: xchunked",
        b"Content-Length: 4\r\nContent-Length: 44",
        b"Transfer-Encoding : chunked",
    ],
)
def test_smuggling(target: Target, framing: bytes) -> None:
    """A request that two readers end in two places (CL and TE, twice CL, odd spellings) carries another one in it | another local user, a broken client | 400, the connection ends, neither goes on | RFC 9112 read strictly, refused where it leaves a choice"""  # noqa: E501
    inner = b"GET /generic/v1/planted-by-the-page HTTP/1.1\r\nHost: localhost\r\n\r\n"
    raw = POST.encode() + b"\r\nHost: localhost\r\n" + framing + b"\r\n\r\n0\r\n\r\n" + inner
    answer = say(target.port, raw)
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1
    nothing_arrived(target)


def test_a_head_without_end(target: Target) -> None:
    """A head of megabytes, or of one line without end | another local user | 431, the connection ends; others are served | a limit on heads"""  # noqa: E501
    for raw in (
        request(POST, *[f"X-{n}: {'x' * 1000}" for n in range(3000)]),
        POST.encode() + b"\r\nHost: localhost\r\nX: " + b"x" * 3_000_000,
    ):
        assert status(say(target.port, raw)) == 431
    assert target.seen == []
    assert status(say(target.port, request("GET /healthz HTTP/1.1"))) == 200


def test_an_answer_that_splits(tmp_path: Path) -> None:
    """A provider answers with line breaks in headers and an answer behind the answer | malicious upstream | 502 where the head is none; nobody gets the second answer | heads are read strictly, bytes after an answer are dropped"""  # noqa: E501
    broken = b"HTTP/1.1 200 OK\r\nX-A: 1\nSet-Cookie: planted=1\r\nContent-Length: 2\r\n\r\n{}"
    with provider(broken) as (url, _), up(tmp_path, url) as port:
        answer = say(port, request("GET /generic/x HTTP/1.1"))
        assert status(answer) == 502
        assert b"planted" not in answer
    twice = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted"
    )
    with provider(twice) as (url, _), up(tmp_path, url) as port:
        assert b"planted" not in say(port, request("GET /generic/x HTTP/1.1"))
