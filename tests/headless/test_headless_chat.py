"""One question to a model's server that is slow, or breaks off: told in time, and as a value."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from skillclaw.headless import Endpoint
from skillclaw.headless.agents.chat import Answer, ask

HEAD = b"HTTP/1.1 200 OK\r\n"
LONG = 8.0
"""Seconds that these servers would take; the question is given a small part of it."""


def drip(peer: socket.socket, start: bytes, piece: bytes) -> None:
    peer.sendall(start)
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        peer.sendall(piece)
        time.sleep(0.05)


@contextmanager
def server(answers: Callable[[socket.socket], None]) -> Iterator[Endpoint]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            try:
                peer.recv(65536)
                answers(peer)
            except OSError:
                return  # who asked is gone

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Endpoint(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1", model="m")
    finally:
        listener.close()


def question(endpoint: Endpoint, seconds: float) -> Answer:
    return ask(endpoint, [], tools=(), options={}, headers={}, seconds=seconds)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD, b"x-drop: 1\r\n"),
        (HEAD[:5], b"1"),
        (HEAD + b"content-length: 100000\r\n\r\n", b" "),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (HEAD, b""),
    ],
)
def test_a_server_that_drips_is_late_when_the_time_is_over(start: bytes, piece: bytes) -> None:
    with server(lambda peer: drip(peer, start, piece)) as endpoint:
        began = time.monotonic()
        answer = question(endpoint, 0.5)
    assert (answer.late, answer.error) == (True, "")
    assert time.monotonic() - began < LONG


def test_an_answer_in_time_is_whole_and_one_that_breaks_off_is_none() -> None:
    said = json.dumps({"choices": [{"message": {"content": "Done."}}]}).encode()
    head = HEAD + f"content-length: {len(said)}\r\n\r\n".encode()
    with server(lambda peer: peer.sendall(head + said)) as endpoint:
        assert question(endpoint, 20).text == "Done."
    with server(lambda peer: peer.sendall(head + said[:9])) as endpoint:
        answer = question(endpoint, 20)
        assert "broke off" in answer.error and not answer.late
    answer = question(endpoint, 20)  # nobody listens there any more
    assert answer.error.startswith("The model could not be reached")
