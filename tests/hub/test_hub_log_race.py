"""Many writers at once: one chain, no loss, no fork."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hub_logs import opened

from skillclaw.hub import Hub

WRITER = """
import sys, threading
from pathlib import Path
from skillclaw.hub import Hub

url, keys, home, who, threads, count = sys.argv[1:4] + [sys.argv[4]] + [int(n) for n in sys.argv[5:]]
failed = []

def write(n):
    # each thread is a machine of its own: it shares nothing with the others but the keys
    try:
        hub = Hub.open(url, Path(keys), Path(home) / f"{who}-{n}" / "hubs.json")
        hub.state()
        gate.wait()
        for i in range(count):
            hub.tombstone(f"{who}-{n}-{i}")
    except BaseException as error:
        failed.append(repr(error))
        gate.abort()

gate = threading.Barrier(threads + 1)
all_ = [threading.Thread(target=write, args=(n,)) for n in range(threads)]
for one in all_:
    one.start()
print("ready", flush=True)
sys.stdin.readline()
gate.wait()
for one in all_:
    one.join()
sys.exit("; ".join(failed) or 0)
"""


def race(hub: Hub, url: str, home: Path, processes: int, threads: int, count: int) -> float:
    """Seconds that it took `processes` x `threads` writers to add `count` commits each; all of them must."""
    children = [
        subprocess.Popen(
            [
                sys.executable,
                *("-X", "faulthandler"),
                *("-c", WRITER),
                url,
                str(home / "me" / "keys"),
                str(home),
                f"w{n}",
                str(threads),
                str(count),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for n in range(processes)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
        began = time.monotonic()
        for child in children:
            assert child.stdin is not None
            with suppress(BrokenPipeError):  # what ended it is told below
                child.stdin.write(b"\n")
                child.stdin.flush()
        for child in children:
            _, error = child.communicate(timeout=280)
            assert child.returncode == 0, (child.returncode, error.decode())
    finally:
        for child in children:
            child.kill()
            child.communicate()
    took = time.monotonic() - began
    state = hub.state()
    wanted = [f"w{p}-{t}-{i}" for p in range(processes) for t in range(threads) for i in range(count)]
    assert sorted(state.tombstones) == sorted(wanted)
    for p in range(processes):
        for t in range(threads):
            own = [key for key in state.tombstones if key.startswith(f"w{p}-{t}-")]
            assert own == [f"w{p}-{t}-{i}" for i in range(count)], "each writer's commits are in its order"
    assert (state.void, state.seq) == (0, 2 + len(wanted))
    assert hub.verify() == []
    return took


def told(writers: int, commits: int, took: float, place: str) -> None:
    print(f"{writers} writers, {commits} commits on {place}: {took:.1f} s, {commits / took:.0f} commits/s")


@pytest.mark.flaky(reruns=0)
def test_four_writers(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    hub.state()
    race(hub, str(tmp_path / "hub"), tmp_path, 2, 2, 25)
    assert opened(tmp_path, "new").state() == hub.state()


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.flaky(reruns=0)
def test_32_writers_on_a_folder(tmp_path: Path) -> None:
    hub = opened(tmp_path)
    hub.state()
    told(32, 1024, race(hub, str(tmp_path / "hub"), tmp_path, 8, 4, 32), "a folder")
    assert opened(tmp_path, "new").state() == hub.state()
    shutil.rmtree(tmp_path / "me" / "hubs")
    assert opened(tmp_path).state() == hub.state()
