"""The journal after a power cut: what was answered more than a second before it is there; after a kill, all
but the last instant (how long that is without strace: test_proxy_kill.py).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from powercut import Recording, needs_strace, put, seed, times, tracing

from skillclaw.journal.reader import read
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
from skillclaw.proxy import ProxyConfig, command, write_config

pytestmark = [needs_strace, pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.flaky(reruns=0)]
WINDOW = 1.0
"""Seconds that a power cut may cost (docs/proxy.md) ..."""
BUSY = float(os.environ.get("POWERCUT_BUSY", "1.5"))
"""... and what a busy machine that is watched by strace may add to that."""
COMMIT = 0.02 + BUSY


def exchange(port: int, name: str, body: bytes) -> None:
    """One request and its whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        head = f"POST /a/v1/messages HTTP/1.1\r\nHost: localhost\r\nX-Name: {name}\r\nConnection: close\r\n"
        sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        while sock.recv(65536):
            pass


def recorded(home: Path, trace: Path, upstream: str, count: int) -> tuple[Recording, dict[str, float]]:
    """A proxy under trace that `count` exchanges go through and that is killed; when each was over."""
    config = home / "run" / "proxy.json"
    write_config(config, ProxyConfig(upstreams={"a": upstream}, port=0, home=str(home)))
    recording = Recording.begun(home)
    process = subprocess.Popen(
        [*tracing(trace), *command(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    assert line.startswith("ready "), line
    over: dict[str, float] = {}
    body = b""
    for number in range(count):
        body += os.urandom(900).hex().encode()
        name = f"x{number}"
        exchange(int(line.split()[1]), name, body)
        over[name] = time.time()
        time.sleep((0.05, 0.4, 0.02, 1.3)[number % 4])
    time.sleep(WINDOW + BUSY + 1)
    (proxy,) = psutil.Process(process.pid).children()
    proxy.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    recording.ended(trace, Path.cwd())
    return recording, over


def names(home: Path) -> Iterator[str]:
    """The exchanges that the journal holds."""
    for one, _ in read(home / "journal", on_skip=lambda *_: None):
        yield dict(one.request_headers).get("X-Name", one.id)


def test_a_cut_costs_a_second_of_the_journal_and_a_kill_an_instant(
    tmp_path: Path, make_upstream: Any
) -> None:
    def script(sock: socket.socket, seen: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    recording, over = recorded(home, tmp_path / "trace", make_upstream(script).url, 12)
    assert len(list(names(home))) == len(over)
    oldest, tried, lost = 0.0, 0, []
    marks = [at + WINDOW + BUSY for at in over.values()]
    for state in (*recording.states(seed(), times(150), marks), *recording.kills(seed(), times(80))):
        put(state, home)
        tried += 1
        found = list(names(home))
        allowed = COMMIT if state.kill else WINDOW + BUSY
        due = {name: state.time - at for name, at in over.items() if at < state.time}
        missing = {name: age for name, age in due.items() if name not in found}
        lost += [(state.label, name, age) for name, age in missing.items() if age > allowed]
        if not state.over:
            oldest = max(oldest, *missing.values(), 0.0)
        # what is written after the cut is read after what is left
        writer = JournalWriter(home / "journal", max_mb=64)
        now = time.time()
        writer.put(Exchange(id="after", agent="a", method="POST", path="/", started=now, finished=now + 1))
        writer.close()
        assert [*found, "after"] == list(names(home)), state.label
    assert not lost, lost[:10]
    if place := os.environ.get("POWERCUT_REPORT"):
        told = {"command": "proxy's journal", "cut": tried, "wrong": len(lost), "oldest": round(oldest, 2)}
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
