"""The door of `up` and `serve`: nothing behind it until somebody comes, nothing after nobody looks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
from cli import skillclaw
from dashboard_house import Visitor

from skillclaw.server.door import Door, read_door
from skillclaw.settings_web import DashboardSettings
from skillclaw.web.site.login import login_address

IDLE = 1.5


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    home = tmp_path / ".skillclaw"
    home.mkdir()
    (home / "config.toml").write_text(f"[dashboard]\nidle = {IDLE}\n")
    one = Door(home, DashboardSettings(port=0, idle=IDLE))
    assert one.keep()
    yield one
    one.close()


def behind(door: Door) -> list[psutil.Process]:
    """The processes behind the door."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "dashboard" in process.cmdline() and str(door.home) in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def enter(door: Door) -> Visitor:
    """A browser that came by a link."""
    address = urlsplit(login_address(door.home, door.port))
    visitor = Visitor(door.port, address.path.removesuffix("/login"))
    page = visitor.ask("POST", address.path, urlencode({"token": address.fragment}).encode())
    assert page.status == 303
    return visitor


@pytest.mark.live
def test_nothing_runs_before_the_first_look_and_after_the_last(door: Door) -> None:
    assert behind(door) == []
    visitor = enter(door)
    assert len(behind(door)) == 1
    assert visitor.get("/").status == 200
    until = time.monotonic() + 30
    while behind(door) and time.monotonic() < until:
        time.sleep(0.1)
    assert behind(door) == []
    # the browser is known still, and finds the dashboard again
    assert visitor.get("/").status == 200


def test_a_home_has_one_door(door: Door) -> None:
    other = Door(door.home, DashboardSettings(port=0))
    assert not other.keep()
    other.close()
    note = read_door(door.home)
    assert note is not None and note.port == door.port


def test_a_door_that_closes_leaves_nothing(door: Door) -> None:
    enter(door)
    (process,) = behind(door)
    door.close()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert read_door(door.home) is None
    with socket.socket() as line:
        assert line.connect_ex(("127.0.0.1", door.port)) != 0


@pytest.mark.live
def test_a_killed_dashboard_comes_again(door: Door) -> None:
    visitor = enter(door)
    (process,) = behind(door)
    process.kill()
    process.wait(5)
    assert visitor.get("/").status == 200


def test_where_the_port_is_taken_another_one_is_used(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        one = Door(tmp_path / ".skillclaw", DashboardSettings(port=port))
        try:
            assert one.keep()
            assert one.port not in (0, port)
        finally:
            one.close()


@pytest.mark.live
def test_up_tells_the_link_and_stop_shuts_the_door(tmp_path: Path) -> None:
    begun = skillclaw("up", "-d", "--port", "0", home=tmp_path, environ={"SKILLCLAW_DASHBOARD__PORT": "0"})
    try:
        assert begun.returncode == 0, begun.stderr
        address = urlsplit(next(word for word in begun.stdout.split() if "/login#" in word))
        assert address.port
        visitor = Visitor(address.port, address.path.removesuffix("/login"))
        page = visitor.ask("POST", address.path, urlencode({"token": address.fragment}).encode())
        assert page.status == 303
        assert visitor.get("/").status == 200
        again = skillclaw("dashboard", "--json", home=tmp_path)
        assert f":{address.port}/" in again.stdout
    finally:
        skillclaw("stop", home=tmp_path)
    with socket.socket() as line:
        assert line.connect_ex(("127.0.0.1", address.port)) != 0


@pytest.mark.live
def test_no_door_where_it_is_switched_off(tmp_path: Path) -> None:
    off = {"SKILLCLAW_DASHBOARD__ENABLED": "false"}
    begun = skillclaw("up", "-d", "--port", "0", home=tmp_path, environ=off)
    try:
        assert begun.returncode == 0, begun.stderr
        assert "/login#" not in begun.stdout
        assert read_door(tmp_path / ".skillclaw") is None
    finally:
        skillclaw("stop", home=tmp_path)


@pytest.mark.live
def test_serve_tells_the_link_and_takes_the_door_with_it(tmp_path: Path) -> None:
    made = skillclaw("hub", "init", str(tmp_path / "team"), "--evolver", "--name", "team", home=tmp_path)
    assert made.returncode == 0, made.stderr
    environ = os.environ | {
        "HOME": str(tmp_path),
        "SKILLCLAW_HOME": str(tmp_path / ".skillclaw"),
        "SKILLCLAW_DASHBOARD__PORT": "0",
    }
    argv = [sys.executable, "-m", "skillclaw", "serve", "--port", "0"]
    server = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = next(line for line in server.stdout if "/login#" in line)
        address = urlsplit(line.split()[-1])
        assert address.port
        visitor = Visitor(address.port, address.path.removesuffix("/login"))
        entered = visitor.ask("POST", address.path, urlencode({"token": address.fragment}).encode())
        assert entered.status == 303
        assert "evolver" in visitor.get("/group/team").text
    finally:
        server.terminate()
        server.communicate(timeout=30)
    assert server.returncode == 0
    assert read_door(tmp_path / ".skillclaw") is None
