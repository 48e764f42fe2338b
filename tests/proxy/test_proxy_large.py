"""Answers of many megabytes, many at once, to agents that read slowly: the proxy's memory has a bound."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="memory as Linux counts it")]
MB = 1 << 20
AGENTS = 10
SENT = 33 * MB
"""Of each large answer; then its upstream waits."""
BOUND = 200 * MB
"""How much memory may grow: ROOM and what sockets hold."""


def request(path: bytes) -> bytes:
    return b"GET /a/" + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"


def read_some(sock: socket.socket, most: int) -> int:
    found = 0
    while found < most and (part := sock.recv(1 << 18)):
        found += len(part)
    return found


def test_large_answers_at_once_have_one_room_and_small_ones_are_recorded(
    make_upstream: Any, make_proxy: Any
) -> None:
    held = threading.Event()

    def script(sock: socket.socket, seen: Any) -> None:
        if b"/small" in seen.line:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall")
        elif b"/later" in seen.line:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * MB) + b"x" * 4 * MB)
        else:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * SENT))
            for _ in range(SENT // MB):
                sock.sendall(b"x" * MB)
            held.wait(60)

    proxy = make_proxy({"a": make_upstream(script).url})
    process = psutil.Process(proxy.process.pid)
    before = process.memory_info().rss
    agents = [proxy.connect(30) for _ in range(AGENTS)]
    readers = [threading.Thread(target=read_some, args=(agent, SENT - MB)) for agent in agents]
    for agent, reader in zip(agents, readers, strict=True):
        agent.sendall(request(b"large"))
        reader.start()
    for reader in readers:
        reader.join(60)
    assert process.memory_info().rss - before < BOUND
    small = proxy.connect()
    small.sendall(request(b"small"))
    assert small.recv(1000).endswith(b"small")
    (found,) = proxy.exchanges(1)
    assert (found.path, found.response_body, found.error) == ("/small", b"small", "")
    for agent in agents:
        agent.close()
    held.set()
    # what they held is free again: the next large one is recorded whole
    until = time.monotonic() + 60
    while (now := proxy.health())["under_way"] or now["journal"]["queue"]:
        assert time.monotonic() < until, now
        time.sleep(0.05)
    with proxy.connect() as later:
        later.sendall(request(b"later"))
        assert read_some(later, 4 * MB) >= 4 * MB
    until, recorded = time.monotonic() + 60, now["journal"]["exchanges"]
    while proxy.health()["journal"]["exchanges"] == recorded and time.monotonic() < until:
        time.sleep(0.05)
    last = proxy.exchanges(1)[-1]
    assert (last.path, len(last.response_body), last.error) == ("/later", 4 * MB, "")
