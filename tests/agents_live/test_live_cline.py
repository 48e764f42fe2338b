"""The Cline CLI, as its users have it; it resumes a session on a terminal only."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from clients import Person
from live import Client, Live, environ_of, prove, start

CLIENT = Client(name="cline", version="3.0.65", package="cline")


def settings(person: Person, url: str) -> list[Path]:
    """As `cline auth` writes it."""
    path = person.home / ".cline/data/settings/providers.json"
    path.parent.mkdir(parents=True)
    own = {
        "provider": "openai-compatible",
        "apiKey": "own-key-0123456789",
        "model": "scripted",
        "baseUrl": f"{url}/v1",
    }
    other = {"provider": "anthropic", "apiKey": "own-key-9876543210", "model": "claude-x"}
    when = {"updatedAt": "2026-11-23T01:52:07.988Z", "tokenSource": "manual"}
    held = {
        "version": 1,
        "lastUsedProvider": "openai-compatible",
        "modes": {},
        "providers": {
            "openai-compatible": {"settings": own, **when},
            "anthropic": {"settings": other, **when},
        },
    }
    path.write_text(json.dumps(held, indent=2) + "\n", "utf-8")
    return [path]


def run(person: Person, prompt: str, again: bool) -> None:
    if not again:
        start(person, LIVE, ["cline", prompt])
        return
    root = person.home / ".cline/data/sessions"
    (session,) = root.iterdir()
    told = session / f"{session.name}.messages.json"
    argv = ["cline", "-i", "--id", session.name]
    on_terminal(person, argv, prompt, lambda: b"Counted: two." in told.read_bytes())


def on_terminal(person: Person, argv: list[str], prompt: str, until: Callable[[], bool]) -> None:
    """Type a prompt on a terminal and wait until `until` holds."""
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    child = subprocess.Popen(
        [str(LIVE.client.bin() / argv[0]), *argv[1:]],
        cwd=person.project,
        env=environ_of(person, LIVE, TERM="xterm-256color"),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = bytearray()
    typed = 0.0
    end = time.monotonic() + 90
    try:
        while not until():
            assert time.monotonic() < end, shown[-3000:]
            if select.select([screen], [], [], 0.2)[0]:
                shown += os.read(screen, 65536)
            elif not typed and b"Sorted" in shown:
                os.write(screen, prompt.encode())
                typed = time.monotonic()
            elif typed and time.monotonic() > typed + 1:
                os.write(screen, b"\r")
                typed = end
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(20)
        os.close(screen)


def steady(data: bytes) -> bytes:
    """Each run notes there when it was."""
    return re.sub(rb'"updatedAt": "[^"]*"', b"", data)


LIVE = Live(agent="cline", client=CLIENT, settings=settings, run=run, skill="invoked_step", steady=steady)


@pytest.fixture
def daemon_of(tmp_path: Path) -> Iterator[None]:
    """The agent leaves a process behind, which goes with the test."""
    yield
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if "--cline-hub-daemon" in process.cmdline() and str(tmp_path) in process.environ().get(
                "HOME", ""
            ):
                process.terminate()
                process.wait(10)


@pytest.mark.usefixtures("daemon_of")
def test_cline(tmp_path: Path) -> None:
    prove(LIVE, tmp_path)
