"""WebSocket frames of a few bytes: they pass, and cost the proxy neither memory nor much time."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import psutil
import pytest
from behind import Behind, head_of

pytestmark = pytest.mark.live

ASK = (
    b"GET /codex/v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@pytest.fixture
def behind() -> Iterator[Behind]:
    made = Behind()
    yield made
    for sock in (*made.socks, made.listener):
        sock.close()


@pytest.mark.parametrize(
    ("first", "more", "why"),
    [
        (b"\x01\x02ab", b"\x00\x02ab", "a few bytes"),  # one message in pieces
        pytest.param(b"\x01\x00", b"\x00\x00", "a few bytes", marks=pytest.mark.slow),  # of nothing
        pytest.param(b"\x81\x02ab", b"\x81\x02ab", "a few bytes", marks=pytest.mark.slow),  # many messages
        pytest.param(b"\x01\x08abcdefgh", b"\x00\x08abcdefgh", "longer than", marks=pytest.mark.slow),
    ],
    ids=["pieces", "nothing", "messages", "longer pieces"],
)
def test_small_frames_pass_and_cost_little(
    make_proxy: Any, behind: Behind, first: bytes, more: bytes, why: str
) -> None:
    """Eight megabytes of them took 130 MB and 15 seconds of its only thread."""
    proxy = make_proxy({"codex": behind.url})
    agent = proxy.connect(5)
    agent.sendall(ASK)
    upstream = behind.next()
    head_of(upstream)
    upstream.sendall(ACCEPT)
    head_of(agent)
    process = psutil.Process(proxy.process.pid)
    before, spent = process.memory_info().rss, sum(process.cpu_times()[:2])
    sent = first + more * ((8 << 20) // len(more))
    sending = Thread(target=upstream.sendall, args=(sent,))
    sending.start()
    got = 0
    while got < len(sent):
        got += len(agent.recv(1 << 18))
    sending.join()
    assert process.memory_info().rss - before < 60 << 20
    assert sum(process.cpu_times()[:2]) - spent < 6
    assert proxy.health()["status"] == "ok"
    agent.close()
    (kept,) = proxy.exchanges(1, seconds=3)
    assert not kept.complete and why in kept.error
