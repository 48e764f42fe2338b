"""The processes of the benchmark: upstream, forwarder, SkillClaw's proxy, LiteLLM's; each on its core."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from skillclaw.bench.proxybench import litellm
from skillclaw.bench.proxybench.load import Door, memory_of
from skillclaw.errors import SkillClawError
from skillclaw.proxy import ProxyConfig, command, write_config

__all__ = ["Cores", "Running", "health_of", "running"]


class Cores:
    """Where processes run: targets on a core of their own, load and upstream on others.

    With two cores, load and upstream share one; with one core, or where the system has no
    sched_setaffinity, nothing is pinned.
    """

    def __init__(self) -> None:
        self._mine: set[int] = set()
        if hasattr(os, "sched_setaffinity"):
            self._mine = os.sched_getaffinity(0)
        order = sorted(self._mine)
        self.pinned = len(order) > 1
        self.target = order[-1:]
        self.upstream = order[-2:-1]
        self.load = order[:1]

    def launch(self, cores: Sequence[int], argv: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        """Start a process on `cores`. A child inherits them, each of its threads too; set later, a thread
        that runs already would keep its own."""
        with self.on(cores):
            return subprocess.Popen(argv, stdin=subprocess.DEVNULL, **how)

    @contextlib.contextmanager
    def on(self, cores: Sequence[int]) -> Iterator[None]:
        """This thread on `cores` meanwhile."""
        if not self.pinned:
            yield
            return
        os.sched_setaffinity(0, cores)
        try:
            yield
        finally:
            os.sched_setaffinity(0, self._mine)

    @property
    def said(self) -> str:
        """For people."""
        if not self.pinned:
            return "not pinned"
        if self.upstream == self.load:
            return "targets on one core, load and upstream on another"
        return "targets on one core, the load on another, the upstream on a third"


class Running:
    """The processes while they run: where to ask, and what was seen of each when it started."""

    def __init__(self, cores: Cores, home: Path, stack: contextlib.ExitStack) -> None:
        self.cores = cores
        self.doors: dict[str, Door] = {}
        self.ready: dict[str, list[float]] = {}
        self.idle: dict[str, float] = {}
        self._home = home
        self._stack = stack
        self._upstream = ""
        self._starts = 0

    def add_all(self, with_litellm: Path | None) -> None:
        """Start upstream and targets."""
        port, process, _ = self._start(
            [sys.executable, "-m", "skillclaw.bench.upstream"], self.cores.upstream
        )
        self._stack.callback(_end, process)
        self._upstream = f"http://127.0.0.1:{port}"
        self.doors["direct"] = Door(port, "", None)
        forwarder = [sys.executable, "-m", "skillclaw.bench.forwarder", self._upstream]
        port, process, took = self._start(forwarder, self.cores.target)
        self._add("bare", Door(port, "", psutil.Process(process.pid)), process, took)
        port, process, took = self._proxy()
        self._add("skillclaw", Door(port, "/bench", psutil.Process(process.pid)), process, took)
        if with_litellm is not None:
            home = self._home / "litellm"
            port, began = litellm.free_port(), time.perf_counter()

            def launch(argv: list[str], **how: Any) -> subprocess.Popen[bytes]:
                return self.cores.launch(self.cores.target, argv, **how)

            process = litellm.start(with_litellm, home, self._upstream, port, launch)
            self._stack.callback(_end, process)
            litellm.wait_ready(process, port, home / "log")
            took = time.perf_counter() - began
            self._add("litellm", Door(port, None, psutil.Process(process.pid)), None, took)

    def start_again(self) -> None:
        """Start another proxy only to see how long it takes, and end it."""
        _, process, took = self._proxy()
        self.ready["skillclaw"].append(took)
        _end(process)

    def seen(self) -> dict[str, dict[str, float]]:
        """Of each process: `ready_s` (median), `rss_idle_mb` after start, `rss_end_mb` now."""
        return {
            name: {
                "ready_s": round(statistics.median(self.ready[name]), 3),
                "rss_idle_mb": round(self.idle[name], 1),
                "rss_end_mb": round(memory_of(door.process), 1),
            }
            for name, door in self.doors.items()
            if door.process is not None
        }

    def _add(self, name: str, door: Door, process: subprocess.Popen[bytes] | None, took: float) -> None:
        if process is not None:
            self._stack.callback(_end, process)
        self.doors[name] = door
        self.ready[name] = [took]
        self.idle[name] = memory_of(door.process)

    def _proxy(self) -> tuple[int, subprocess.Popen[bytes], float]:
        self._starts += 1
        home = self._home / f"home-{self._starts}"
        config = home / "proxy.json"
        upstreams = {"bench": self._upstream}
        write_config(
            config, ProxyConfig(port=0, home=str(home), upstreams=upstreams, drain=1.0, watched=True)
        )
        return self._start(command(config), self.cores.target)

    def _start(self, argv: list[str], cores: Sequence[int]) -> tuple[int, subprocess.Popen[bytes], float]:
        """Port, process, and seconds until it said that it was ready."""
        began = time.perf_counter()
        process = self.cores.launch(
            cores, argv, stdout=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        assert process.stdout is not None
        line = process.stdout.readline().decode("utf-8", "replace").split()
        if len(line) != 2 or line[0] != "ready":
            _end(process)
            raise SkillClawError(
                "A process of the benchmark could not start.", " ".join(line), " ".join(argv)
            )
        return int(line[1]), process, time.perf_counter() - began


@contextlib.contextmanager
def running(with_litellm: Path | None) -> Iterator[Running]:
    """The processes; all are ended and their files removed afterwards."""
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skillclaw-bench-")))
        one = Running(Cores(), home, stack)
        one.add_all(with_litellm)
        yield one


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def health_of(port: int) -> dict[str, Any]:
    """What the proxy on that port says of itself, asked past any web proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        health: dict[str, Any] = json.loads(answer.read())
        return health
