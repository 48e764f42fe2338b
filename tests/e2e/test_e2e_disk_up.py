"""`up` on a disk that is full, or has no files left, while agents work: their traffic goes on, what is not
recorded is told, and once there is room all goes on by itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attacks import provider, request, say
from broken_disk import disk, why_none
from broken_home import SETTINGS, World

pytestmark = pytest.mark.skipif(bool(why_none()), reason=why_none() or "can be made")

WORDS = os.urandom(30_000).hex()
TEXT = json.dumps(
    {
        "id": "c",
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": f"hello {WORDS}"}, "finish_reason": "stop"}],
    }
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(TEXT),
    TEXT,
)


def asked(port: int, number: int) -> None:
    """One conversation through the proxy; the whole answer has to come."""
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": f"say hello {number}"}]}
    ).encode()
    got = say(port, request("POST /generic/v1/chat/completions HTTP/1.1", body=body), seconds=20)
    assert got.startswith(b"HTTP/1.1 200"), got[:200]
    assert got.endswith(TEXT), (number, len(got))


def wait(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.3)
    return found


def nobody_listens(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(5)
        return sock.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    place = tmp_path / "home"
    place.mkdir()
    with disk(place) as made, provider(ANSWER) as (url, _):
        found = World(made, tmp_path / "kept")
        found.agents()
        found.ok("config", "set", "agents.generic.upstream", url)
        found.ok("config", "set", "journal.idle", "1")
        try:
            yield found
        finally:
            made.free()
            found.run("stop")


def journal(world: World) -> dict[str, Any]:
    return dict(world.ok_json("status")["journal"] or {})


@pytest.mark.parametrize(
    "fault",
    ["no room", "no files"],
)
def test_traffic_goes_on_and_what_waits_is_recorded_once_there_is_room(world: World, fault: str) -> None:
    port = world.ok_json("up", "-d", "--port", "0")["port"]
    asked(port, 0)
    assert wait(lambda: journal(world)["exchanges"] == 1)
    if fault == "no room":
        world.disk.leave(0)
    else:
        world.disk.leave(1 << 20, files=0)
    for number in range(1, 31):
        asked(port, number)
    if fault != "no files":  # the open segment takes what comes
        assert wait(lambda: journal(world)["last_error"])
        told = world.run("status")
        assert told.returncode == 0
        assert "Recording stopped" in told.stdout, told.stdout
        assert ("No space left" in told.stdout) == (fault == "no room"), told.stdout
        assert "Recording stopped" in world.run("doctor").stdout
    world.disk.free()
    asked(port, 31)
    assert wait(lambda: journal(world)["exchanges"] == 32), journal(world)
    assert (journal(world)["dropped"], journal(world)["last_error"]) == (0, "")
    assert wait(lambda: len(world.ok_json("sessions", "list")) == 32)
    assert wait(lambda: not world.ok_json("status")["errors"]), world.ok("status")
    assert "Recording stopped" not in world.ok("status")
    world.ok("stop")
    assert "Traceback" not in (world.root / ".skillclaw" / "logs" / "proxy.log").read_text("utf-8")


def test_it_starts_on_a_full_disk_where_agents_wait_for_it(world: World) -> None:
    state = world.ok_json("up", "-d", "--port", "0", "--yes")
    port = int(state["port"])
    settings = world.root / ".claude" / "settings.json"
    assert wait(lambda: str(port) in settings.read_text("utf-8"))
    os.kill(int(state["pid"]), signal.SIGKILL)
    assert wait(lambda: nobody_listens(port)), "the proxy ends with what started it"
    world.disk.leave(0)
    done = world.run("up", "-d", "--port", str(port), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    asked(port, 1)
    world.disk.free()
    assert wait(lambda: journal(world)["exchanges"] == 1), journal(world)
    world.ok("stop")
    assert settings.read_text("utf-8") == SETTINGS


@pytest.mark.parametrize(("fault", "killed"), [("no room", True), ("no files", False)])
def test_stop_puts_settings_back_on_a_disk_without_any_room(world: World, fault: str, killed: bool) -> None:
    state = world.ok_json("up", "-d", "--port", "0", "--yes")
    settings = world.root / ".claude" / "settings.json"
    assert wait(lambda: str(state["port"]) in settings.read_text("utf-8"))
    if killed:
        os.kill(int(state["pid"]), signal.SIGKILL)
        assert wait(lambda: nobody_listens(int(state["port"])))
    world.disk.leave(0 if fault == "no room" else 1 << 20, files=None if fault == "no room" else 0)
    done = world.run("stop", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert settings.read_text("utf-8") == SETTINGS, world.run("stop").stdout
    assert json.loads(done.stdout)["connected"] == []
    assert nobody_listens(int(state["port"]))
