"""Retries and fail-over: only where nothing is done twice, and the agent is told what was tried."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from front import TOKEN, free_port, front, upstream
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.proxy.configured.tries import pause, retry_after

ASK = ("POST", "/a/chat/completions", b"{}")


def refusing(*statuses: int, more: bytes = b"", then: bytes = b"fine") -> Any:
    """Answers with these statuses in turn, then 200."""
    left = list(statuses)

    def script(sock: socket.socket, seen: Any) -> None:
        status = left.pop(0) if left else 200
        body = b'{"error": {"message": "no %d"}}' % status if status != 200 else then
        head = b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n" % (status, len(body))
        sock.sendall(head + (more if status != 200 else b"") + b"\r\n" + body)

    return script


@pytest.mark.parametrize("status", [429, 503, 529])
def test_what_the_upstream_refused_to_do_is_asked_again(
    tmp_path: Path, make_upstream: Any, status: int
) -> None:
    up = make_upstream(refusing(status, status))
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        reply = proxy.ask(*ASK)
    assert (reply.status, reply.body, len(up.seen)) == (200, b"fine", 3)
    assert reply.get("x-skillclaw-tried") == f"one: {status} Said; one: {status} Said"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500, 502, 504])
def test_other_errors_reach_the_agent_at_once_as_they_came(
    tmp_path: Path, make_upstream: Any, status: int
) -> None:
    up = make_upstream(refusing(status, more=b"x-own: 1\r\n"))
    spare = make_upstream(refusing())
    tables = {"one": upstream(up.url, "chat", fallback=("two",)), "two": upstream(spare.url, "chat")}
    with front(tmp_path, tables) as proxy:
        reply = proxy.ask(*ASK)
    assert (reply.status, reply.body) == (status, b'{"error": {"message": "no %d"}}' % status)
    assert reply.get("x-own") == "1"
    assert (len(up.seen), len(spare.seen)) == (1, 0)


@pytest.mark.parametrize("status", [429, 529])
def test_a_refusal_that_stays_reaches_the_agent_with_its_headers(
    tmp_path: Path, make_upstream: Any, status: int
) -> None:
    more = b"retry-after: 1\r\nanthropic-ratelimit-requests-remaining: 0\r\n"
    up = make_upstream(refusing(*[status] * 9, more=more))
    with front(tmp_path, {"one": upstream(up.url, "chat", retries=1)}) as proxy:
        reply = proxy.ask(*ASK)
    assert (reply.status, reply.body) == (status, b'{"error": {"message": "no %d"}}' % status)
    assert (reply.get("retry-after"), reply.get("anthropic-ratelimit-requests-remaining")) == ("1", "0")
    assert len(up.seen) == 2


def test_a_wait_that_is_too_long_is_the_agents_to_decide(tmp_path: Path, make_upstream: Any) -> None:
    up = make_upstream(refusing(429, more=b"retry-after: 3600\r\n"))
    with front(tmp_path, {"one": upstream(up.url, "chat")}) as proxy:
        assert proxy.ask(*ASK).get("retry-after") == "3600"
    assert len(up.seen) == 1


def test_a_wait_that_is_too_long_is_another_upstreams_turn(tmp_path: Path, make_upstream: Any) -> None:
    up = make_upstream(refusing(429, more=b"retry-after: 3600\r\n"))
    spare = make_upstream(refusing())
    one = upstream(up.url, "chat", models={"*": "m1"}, fallback=("two",))
    two = upstream(spare.url, "chat", models={"x": "m2"})
    with front(tmp_path, {"one": one, "two": two}) as proxy:
        reply = proxy.ask("POST", "/a/chat/completions", {"model": "x"})
    assert (reply.status, reply.get("x-skillclaw-tried")) == (200, "one: 429 Said")
    assert [b'"m1"' in up.seen[0].body, b'"m2"' in spare.seen[0].body] == [True, True]
    assert len(up.seen) == 1


def test_without_a_connection_the_next_upstream_is_tried_and_at_last_all_is_told(
    tmp_path: Path, make_upstream: Any
) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    spare = make_upstream(refusing())
    one = upstream(gone, "chat", retries=1, fallback=("three", "two"))
    two, three = upstream(spare.url, "chat"), upstream("http://no-such-host.invalid", "chat", retries=0)
    with front(tmp_path, {"one": one, "two": two, "three": three}) as proxy:
        reply = proxy.ask(*ASK)
        spare.close()
        proxy.take(configured={"one": one, "three": three})
        lost = proxy.ask(*ASK)
    tried = reply.get("x-skillclaw-tried").split("; ")
    assert [part.partition(":")[0] for part in tried] == ["one", "one", "three"]
    assert (reply.status, lost.status) == (200, 502)
    message = lost.json["error"]["message"]
    assert message.count("one: no connection (Connection refused)") == 2
    assert "three: no connection" in message


def test_without_tls_nothing_was_sent_so_another_upstream_may_be_asked(
    tmp_path: Path, make_upstream: Any
) -> None:
    def plain(speaks: bytes) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    sock.sendall(speaks)
                    held.append(sock)

        threading.Thread(target=serve, daemon=True).start()
        return listener

    held: list[socket.socket] = []
    spare = make_upstream(refusing())
    with plain(b"HTTP/1.1 400 No\r\n\r\n") as wrong, plain(b"") as silent:
        tables = {
            "one": upstream(
                f"https://127.0.0.1:{wrong.getsockname()[1]}", "chat", retries=0, fallback=("two", "ok")
            ),
            "two": upstream(f"https://127.0.0.1:{silent.getsockname()[1]}", "chat", retries=0),
            "ok": upstream(spare.url, "chat"),
        }
        with front(tmp_path, tables, connect_timeout=0.3) as proxy:
            reply = proxy.ask(*ASK)
    assert reply.status == 200
    tried = reply.get("x-skillclaw-tried")
    assert tried.startswith("one: no connection")
    assert tried.endswith("two: it did not accept a connection in time")


def test_nothing_is_asked_twice_once_it_may_have_been_done(tmp_path: Path, make_upstream: Any) -> None:
    """The upstream took the request and hung up: it may be at work on it."""
    up = make_upstream(lambda sock, seen: sock.close())
    spare = make_upstream(refusing())
    tables = {"one": upstream(up.url, "chat", fallback=("two",)), "two": upstream(spare.url, "chat")}
    with front(tmp_path, tables) as proxy:
        reply = proxy.ask(*ASK)
    assert reply.status == 502
    assert "one: it closed the connection without an answer" in reply.json["error"]["message"]
    assert (len(up.seen), len(spare.seen)) == (1, 0)


def test_an_answer_that_does_not_begin_in_time_is_given_up(tmp_path: Path, make_upstream: Any) -> None:
    up = make_upstream(lambda sock, seen: time.sleep(3))
    with front(tmp_path, {"one": upstream(up.url, "chat", first_byte_timeout=0.2)}) as proxy:
        reply = proxy.ask(*ASK)
    assert (reply.status, "no answer within 0.2 s" in reply.json["error"]["message"]) == (504, True)
    assert len(up.seen) == 1


def test_a_live_stream_has_no_limit(tmp_path: Path, make_upstream: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.6)
        sock.sendall(b"ok")

    up = make_upstream(script)
    with front(tmp_path, {"one": upstream(up.url, "chat", first_byte_timeout=0.3)}) as proxy:
        assert proxy.ask(*ASK).body == b"ok"


def test_never_again_after_the_first_byte(tmp_path: Path, make_upstream: Any) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nha")
        sock.close()

    up, spare = make_upstream(script), make_upstream(refusing())
    tables = {"one": upstream(up.url, "chat", fallback=("two",)), "two": upstream(spare.url, "chat")}
    with front(tmp_path, tables) as proxy:
        reply = proxy.ask(*ASK)
    assert (reply.body, reply.whole, len(up.seen), len(spare.seen)) == (b"ha", False, 1, 0)


def test_an_upstream_without_its_key_is_passed_over(tmp_path: Path, make_upstream: Any) -> None:
    up, spare = make_upstream(refusing()), make_upstream(refusing())
    one = upstream(up.url, "chat", key="env:NO_SUCH_KEY", fallback=("two",))
    with front(tmp_path, {"one": one, "two": upstream(spare.url, "chat")}) as proxy:
        reply = proxy.ask(*ASK)
    assert reply.status == 200
    assert reply.get("x-skillclaw-tried").startswith("one: SkillClaw has no key for the upstream one.")
    assert (len(up.seen), TOKEN in reply.get("x-skillclaw-tried")) == (0, False)


# --- pure


@given(st.integers(1, 10), st.none() | st.floats(0, 1e6), st.floats(1, 100), st.integers())
def test_pauses_keep_their_bounds(number: int, asked: float | None, longest: float, seed: int) -> None:
    wait = pause(number, asked, longest, random.Random(seed))
    if asked is None:
        assert wait is not None
        assert 0 <= wait <= min(8.0, 0.5 * 2 ** (number - 1))
    elif asked > longest:
        assert wait is None
    else:
        assert wait is not None
        assert asked <= wait <= 1.1 * asked
    assert wait == pause(number, asked, longest, random.Random(seed))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0),
        ({"Retry-After": "Thu, 01 Jan 2020 00:00:30 GMT"}, 0.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"retry-after-ms": "x"}, None),
        ({"x-should-retry": "false", "retry-after": "1"}, float("inf")),
        ({}, None),
    ],
)
def test_what_an_answer_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert retry_after(raw, datetime(2026, 1, 1, tzinfo=UTC)) == seconds


@given(st.binary(max_size=40))
def test_any_retry_after_is_survived(value: bytes) -> None:
    found = retry_after([(b"retry-after", value)])
    assert found is None or found >= 0


def test_a_kept_connection_that_was_being_closed_costs_the_agent_nothing(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    answered: list[int] = []

    def serve() -> None:
        for number in range(3):
            peer, _ = listener.accept()
            with peer:
                while peer.recv(65536):
                    if number == 0 and answered:
                        break  # it had enough of this connection as the second request came
                    answered.append(number)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")

    threading.Thread(target=serve, daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with front(tmp_path, {"one": upstream(url, "chat", retries=0)}) as proxy:
        replies = [proxy.ask(*ASK) for _ in range(3)]
    listener.close()
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"fine")] * 3
    assert answered == [0, 1, 1], "nothing was done twice"


def test_a_connection_that_breaks_at_once_is_not_asked_again(tmp_path: Path, make_upstream: Any) -> None:
    up = make_upstream(lambda sock, seen: sock.shutdown(socket.SHUT_RDWR))
    with front(tmp_path, {"one": upstream(up.url, "chat", retries=0)}) as proxy:
        assert proxy.ask(*ASK).status == 502
    assert len(up.seen) == 1
