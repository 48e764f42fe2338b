"""Logs of what runs in the background: bounded while it runs, and no line lost when one begins anew."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from broken_disk import disk, why_none
from broken_home import World
from cli import ok, ok_json

from skillclaw.own_log import LOG_BYTES, begin, older
from skillclaw.server.serving.logs import log_to
from skillclaw.settings_log import LogSettings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows moves no file that is open")

LINE = 100
WRITER = """
import logging, os, sys, threading
from pathlib import Path
from skillclaw.own_log import OwnLog

path, limit, each = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
log = OwnLog(path, limit)
logging.basicConfig(format="%(message)s")

def write(name):
    for number in range(each):
        line = f"{name} {number:06} ".ljust(99, "x")
        if number % 2:
            os.write(2, f"{line}\\n".encode())
        else:
            logging.warning("%s", line)

threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
for thread in threads:
    thread.start()
turned = 0
while any(thread.is_alive() for thread in threads):
    turned += log.look()
print(turned + log.look())
"""
CYCLE = """
import os, sys, time
from pathlib import Path
from skillclaw.own_log import LOOK, keep

keep(Path(sys.argv[1]))
sys.stdin.read(1)
time.sleep(1.5 * LOOK)
os.write(2, b"cycle\\n")
"""


def written(path: Path) -> list[str]:
    """The lines of the older log and of the log."""
    return [line for one in (older(path), path) if one.exists() for line in one.read_text().splitlines()]


def wait(what: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def run(path: Path, limit: int, each: int) -> int:
    with begin(path) as out:
        argv = [sys.executable, "-c", WRITER, str(path), str(limit), str(each)]
        return int(subprocess.run(argv, stdout=subprocess.PIPE, stderr=out, check=True).stdout)


def test_no_line_is_lost_when_a_log_begins_anew_amid_writing(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    each = 1000
    assert run(path, 2 * each * LINE, each) == 1, "it holds two thirds of them"
    lines = written(path)
    expected = [f"{name} {number:06}" for name in "abc" for number in range(each)]
    assert sorted(line[:8] for line in lines) == expected
    assert path.stat().st_size <= 1.1 * each * LINE
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in (path, older(path)))
    assert {one.name for one in tmp_path.iterdir()} == {"own.log", "own.log.1"}


def test_whoever_moves_it_the_process_goes_on_in_a_new_one(tmp_path: Path) -> None:
    """`logrotate`, a sibling process that writes it, too, or a user with `rm`."""
    script = """
import os, sys
from pathlib import Path
from skillclaw.own_log import OwnLog
path = Path(sys.argv[1])
log = OwnLog(path)
os.write(2, b"one\\n")
path.rename(path.with_name("moved"))
print(log.look(), log.look())
os.write(2, b"two\\n")
path.unlink()
print(log.look())
os.write(2, b"three\\n")
"""
    path = tmp_path / "own.log"
    with begin(path) as out:
        done = subprocess.run([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, stderr=out)
    assert done.stdout.split() == [b"True", b"False", b"True"]
    assert (path.read_text(), (tmp_path / "moved").read_text()) == ("three\n", "one\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_the_users_own_is_never_moved(tmp_path: Path) -> None:
    """Who sends a command's words to a file of theirs finds them there, however many they are."""
    (tmp_path / "logs").mkdir()
    mine = tmp_path / "mine.txt"
    with mine.open("wb") as out:
        argv = [sys.executable, "-c", WRITER, str(tmp_path / "logs" / "own.log"), "1000", "100"]
        assert subprocess.run(argv, stdout=subprocess.PIPE, stderr=out, check=True).stdout == b"0\n"
    assert mine.stat().st_size == 300 * LINE


def fill(path: Path, mark: str) -> list[str]:
    """So many lines at the end of the log that it has to begin anew, as many from its process would do."""
    lines = [f"{mark} {number:07} ".ljust(LINE - 1, "x") for number in range(LOG_BYTES // LINE + 1)]
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return lines


def test_the_servers_log_begins_anew_though_its_cycles_write_it_too(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "serve.log"
    end = log_to(tmp_path, LogSettings())
    try:
        with begin(path) as out:
            argv = [sys.executable, "-c", CYCLE, str(path)]
            cycle = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=out)
        first = fill(path, "first")
        logging.getLogger("skillclaw.serve").warning("one more")
        cycle.communicate(b".", timeout=60)
        lines = written(path)
        assert lines[: len(first)] == first
        assert [line[-8:] for line in lines[len(first) :]] == ["one more", "cycle"]
        # Where the cycle was first to begin anew, the line beside it may still be in the older one.
        assert [line[-5:] for line in path.read_text().splitlines()][-1] == "cycle"
        assert path.stat().st_size < 10 * LINE
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        end()


@pytest.mark.slow
def test_logs_of_up_begin_anew_while_it_runs(tmp_path: Path) -> None:
    own = tmp_path / ".skillclaw"
    ok_json("up", "-d", "--port", "0", home=tmp_path)
    proxy, out = own / "logs" / "proxy.log", own / "logs" / "up.out"
    try:
        for path in (proxy, out):
            first = fill(path, "first")
            assert wait(lambda path=path: path.stat().st_size == 0), "the same process begins a new one"
            assert [line for line in written(path) if line.startswith("first")] == first
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        (own / "run" / "proxy.json").write_text("{")
        assert wait(lambda: "is not a proxy configuration" in proxy.read_text())
        shown = ok("logs", "proxy", home=tmp_path).splitlines()
        assert len(shown) == 40 and shown[0].startswith("first"), "what has just begun is not all"
        second = fill(proxy, "second")
        assert wait(lambda: proxy.stat().st_size == 0)
        assert written(proxy)[-len(second) :] == second
        assert sum(one.stat().st_size for one in own.glob("logs/proxy.log*")) < 2 * LOG_BYTES
    finally:
        ok("stop", home=tmp_path)


@pytest.mark.e2e
@pytest.mark.skipif(bool(why_none()), reason=why_none() or "can be made")
def test_on_a_full_disk_it_goes_on_in_the_old_one_until_there_is_room(tmp_path: Path) -> None:
    (place := tmp_path / "home").mkdir()
    with disk(place) as made:
        world = World(made, tmp_path / "kept")
        world.ok_json("up", "-d", "--port", "0")
        logs = world.root / ".skillclaw" / "logs"
        try:
            lines = fill(logs / "proxy.log", "first")[:-1]
            made.leave(0, files=0)
            first = logs / "proxy.log"
            before = first.read_bytes()
            time.sleep(2.5)
            assert first.read_bytes() == before and not older(first).exists(), (
                "there is no room for a new file"
            )
            assert world.run("status").returncode == 0
            made.free()
            assert wait(lambda: older(first).exists() and first.exists())
            assert written(first)[: len(lines)] == lines
            assert not list(logs.glob(".*")), "nothing half made is left"
        finally:
            made.free()
            world.run("stop")
