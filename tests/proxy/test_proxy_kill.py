"""`kill -9` loses no exchange but those whose last byte reached the agent in the instant before."""

from __future__ import annotations

import os
import random
import socket
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from skillclaw.journal.reader import START, Position, read

pytestmark = [pytest.mark.live, pytest.mark.flaky(reruns=0)]

COMMIT = 0.25
"""Seconds after which every exchange is there. A group commit waits 20 ms at most; the rest is left for a
busy machine that lets the writer wait."""
USUAL = 0.1
"""Seconds that the oldest of those lost may have in half of the kills."""


def killed_rounds(rounds: int, home: Path, make_upstream: Any, make_proxy: Any) -> int:
    """Kill a proxy under load `rounds` times; how many finished exchanges were old enough to count."""
    rnd = random.Random(rounds)

    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        name = seen.get(b"x-name")[0]
        for part in (b"answer to ", name):
            sock.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        sock.sendall(b"0\r\n\r\n")

    upstream = make_upstream(script)
    finished: dict[str, float] = {}
    asked: dict[str, bytes] = {}
    after: Position = START
    kept: dict[str, bytes] = {}

    def client(proxy: Any, tag: str) -> None:
        history = b""
        number = 0
        try:
            with proxy.connect() as sock:
                while True:
                    name = f"{tag}-{number}"
                    history += os.urandom(300).hex().encode()
                    asked[name] = history
                    sock.sendall(
                        b"POST /a/v1/messages HTTP/1.1\r\nHost: localhost\r\nX-Name: %b\r\n"
                        b"Content-Length: %d\r\n\r\n%b" % (name.encode(), len(history), history)
                    )
                    data = b""
                    while not data.endswith(b"\r\n0\r\n\r\n"):
                        part = sock.recv(65536)
                        if not part:
                            return
                        data += part
                    finished[name] = time.monotonic()
                    number += 1
                    time.sleep(0.005)
        except OSError:
            return

    lost = []
    looked, windows = 0, []
    for turn in range(rounds):
        proxy = make_proxy({"a": upstream.url}, home=home)
        threads = [threading.Thread(target=client, args=(proxy, f"{turn}-{n}")) for n in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(COMMIT + 0.2 + rnd.random() * 0.3)
        killed = time.monotonic()
        proxy.process.kill()
        proxy.process.wait()
        for thread in threads:
            thread.join()
        for exchange, position in read(home / "journal", after):
            after = position
            name = dict(exchange.request_headers)["X-Name"]
            assert exchange.request_body == asked[name]
            kept[name] = exchange.response_body
        ages = {
            name: round(killed - when, 4)
            for name, when in finished.items()
            if name.startswith(f"{turn}-") and when < killed
        }
        missing = {name: age for name, age in ages.items() if name not in kept}
        looked += sum(age > COMMIT for age in ages.values())
        windows.append(max(missing.values(), default=0.0))
        lost += [(name, age) for name, age in missing.items() if age > COMMIT]
    print(f"{len(finished)} finished, {looked} looked for, oldest lost: {sorted(windows)}")
    assert lost == []
    assert statistics.median(windows) < USUAL, sorted(windows)
    assert all(body == b"answer to " + name.encode() for name, body in kept.items() if name in finished)
    assert len(kept) == len({name for name, _ in kept.items()}) >= rounds
    return looked


@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_only_the_last_instant_is_lost_to_kill_9(tmp_path: Path, make_upstream: Any, make_proxy: Any) -> None:
    rounds = int(os.environ.get("E2E_KILLS", "8"))
    assert killed_rounds(rounds, tmp_path / "home", make_upstream, make_proxy) > rounds * 10
