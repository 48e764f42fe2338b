"""`up` on a disk that is full, has no files left, or turns read-only while agents work: their traffic goes
on, what is not recorded is told, and once there is room all goes on by itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from attacks import provider, request, say
from broken_disk import disk, why_none
from broken_home import SETTINGS, World
from dashboard_house import Visitor

from skillclaw.journal.appender import ROTATE

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(why_none()), reason=why_none() or "can be made"),
]

BODY = {"id": "c", "model": "m"}


def text(size: int) -> bytes:
    """A model's answer of about so many bytes, that no compression makes much smaller than its half."""
    said = {"role": "assistant", "content": f"hello {os.urandom(size // 2).hex()}"}
    return json.dumps(BODY | {"choices": [{"message": said, "finish_reason": "stop"}]}).encode()


TEXT = text(60_000)
LARGE = text(900_000)
"""Of these 27 fit in the queue of what waits (`journal.writer.QUEUE`)."""


def answer(text: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(text) + text


def asked(port: int, number: int, text: bytes = TEXT) -> None:
    """One conversation through the proxy; the whole answer has to come."""
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": f"say hello {number}"}]}
    ).encode()
    got = say(port, request("POST /generic/v1/chat/completions HTTP/1.1", body=body), seconds=20)
    assert got.startswith(b"HTTP/1.1 200"), got[:200]
    assert got.endswith(text), (number, len(got))


def wait(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.3)
    return found


def nobody_listens(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(5)
        return sock.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def machine(tmp_path: Path, said: bytes) -> Iterator[World]:
    """A home on a disk of its own, and a model behind it that says `said`."""
    place = tmp_path / "home"
    place.mkdir()
    with disk(place) as made, provider(answer(said)) as (url, _):
        found = World(made, tmp_path / "kept")
        found.agents()
        found.ok("config", "set", "agents.generic.upstream", url)
        found.ok("config", "set", "journal.idle", "1")
        try:
            yield found
        finally:
            made.free()
            found.run("stop")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with machine(tmp_path, TEXT) as found:
        yield found


def entered(world: World) -> Visitor:
    """A browser that is logged in at the dashboard of `up`, as by the link of `skillclaw dashboard`."""
    link = urlsplit(world.ok_json("dashboard", "--no-browser")["url"])
    visitor = Visitor(link.port or 0, link.path.removesuffix("/login"), headers={"Accept-Language": "en"})
    page = visitor.ask("POST", link.path, urlencode({"token": link.fragment}).encode())
    assert page.status == 303, page.status
    return visitor


def journal(world: World) -> dict[str, Any]:
    return dict(world.ok_json("status")["journal"] or {})


TOLD = {
    "no room": "No space left",
    "no files": "No space left",
    "read-only": "Read-only file system",
}


@contextmanager
def failing(world: World, fault: str) -> Iterator[None]:
    """The fault, from now on. The journal begins a new file amid it, as after each 16 MB: one that is open
    takes what comes as long as there is room for its bytes."""
    own = world.root / ".skillclaw" / "journal"
    (own / "later").touch()
    inner = os.open(own, os.O_RDONLY | os.O_DIRECTORY)  # below what is mounted upon it
    try:
        if fault == "no room":
            world.disk.leave(0)
        elif fault == "no files":
            world.disk.leave(1 << 20, files=0)
        else:
            world.disk.seal(True)
        os.rename("later", ROTATE, src_dir_fd=inner, dst_dir_fd=inner)
    finally:
        os.close(inner)
    try:
        yield
    finally:
        if fault == "read-only":
            world.disk.seal(False)
        world.disk.free()


@pytest.mark.parametrize("fault", TOLD)
def test_traffic_goes_on_and_what_waits_is_recorded_once_there_is_room(world: World, fault: str) -> None:
    world.ok("config", "set", "dashboard.port", "0")
    port = world.ok_json("up", "-d", "--port", "0")["port"]
    asked(port, 0)
    assert wait(lambda: journal(world)["exchanges"] == 1)
    browser = entered(world)
    assert "Recording stopped" not in browser.get("/").text
    with failing(world, fault):
        for number in range(1, 31):
            asked(port, number)
        assert wait(lambda: journal(world)["last_error"])
        assert journal(world)["queue"] == 30
        told = world.run("status")
        assert told.returncode == 0
        assert "Recording stopped" in told.stdout, told.stdout
        assert TOLD[fault] in told.stdout, told.stdout
        assert "Recording stopped" in world.run("doctor").stdout
        deep = json.loads(world.run("doctor", "--deep", "--json").stdout)["checks"]
        (found,) = [one for one in deep if (one["group"], one["subject"]) == ("running", "recording")]
        told_deep = "recording stopped; 30 exchanges wait to be recorded, 0 were lost"
        assert (found["level"], found["text"]) == ("fail", told_deep)
        page = browser.get("/")
        assert page.status == 200 and "Recording stopped; agents are served as always." in page.text
        assert TOLD[fault] in page.text, page.text
    asked(port, 31)
    assert wait(lambda: journal(world)["exchanges"] == 32), journal(world)
    assert (journal(world)["dropped"], journal(world)["last_error"]) == (0, "")
    assert wait(lambda: len(world.ok_json("sessions", "list")) == 32)
    assert wait(lambda: not world.ok_json("status")["errors"]), world.ok("status")
    assert "Recording stopped" not in world.ok("status")
    assert "Recording stopped" not in browser.get("/").text
    world.ok("stop")
    assert "Traceback" not in (world.root / ".skillclaw" / "logs" / "proxy.log").read_text("utf-8")


def test_what_no_queue_holds_is_lost_counted_and_told_and_nothing_else_is(tmp_path: Path) -> None:
    with machine(tmp_path, LARGE) as world:
        port = world.ok_json("up", "-d", "--port", "0")["port"]
        asked(port, 0, LARGE)
        assert wait(lambda: journal(world)["exchanges"] == 1)
        assert wait(lambda: len(world.ok_json("sessions", "list")) == 1)
        (first,) = (world.root / ".skillclaw" / "journal").glob("*.seg")
        kept = first.read_bytes()

        def unchanged() -> bool:  # as a bool: nobody reads a megabyte of differences
            return first.read_bytes() == kept

        with failing(world, "no room"):
            for number in range(1, 41):
                asked(port, number, LARGE)
            assert wait(lambda: journal(world)["last_error"])
            now = journal(world)
            waiting, lost = now["queue"], now["dropped"]
            assert waiting + lost == 40 and lost >= 10, now
            assert f"{lost} exchanges were not recorded" in (told := world.ok("status")), told
            assert unchanged()
        assert wait(lambda: journal(world)["exchanges"] == waiting + 1), journal(world)
        asked(port, 41, LARGE)
        assert wait(lambda: journal(world)["exchanges"] == waiting + 2), journal(world)
        assert (journal(world)["dropped"], journal(world)["last_error"]) == (lost, "")
        assert wait(lambda: len(world.ok_json("sessions", "list")) == waiting + 2)
        assert f"{lost} were lost" in world.run("doctor", "--deep").stdout
        assert unchanged()


@pytest.mark.slow
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
@pytest.mark.slow
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
