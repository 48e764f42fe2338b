"""The soak: a real proxy that records, mixed load with faults, and what must hold during and after it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from skillclaw.bench.proxybench.targets import health_of
from skillclaw.bench.soak.clients import Clients
from skillclaw.bench.soak.ledger import Ledger
from skillclaw.bench.soak.plans import KINDS, Kind, Plan
from skillclaw.bench.soak.upstream import STALL, Upstream
from skillclaw.bench.soak.verdict import Facts, verdict
from skillclaw.bench.soak.watch import Held, Sample, held_by, sample
from skillclaw.errors import SkillClawError, StorageError
from skillclaw.proxy import ProxyConfig, command, write_config

__all__ = ["run_soak"]

JOURNAL_MB = 256
"""Cap of the journal; read segments are deleted, so a run of any length fits."""
SPACE_MB = 1_000
LOOK = 1.0
"""Seconds between samples of the process."""
READ = 3.0
"""Seconds between looks into the journal."""
HUGE_EVERY = 10.0
"""Seconds between bodies of 20 MB, one at a time: two would not fit the journal's queue together."""
MOST = 250
"""Requests under way at most; above that arrivals are left out: the machine is too slow for the rate."""
HANGS = 60.0
"""Seconds that the last requests may take to end."""
SETTLE = 100.0
"""Seconds that the proxy may take to let go of idle connections."""
SHOWN = 20
"""Failures that are told in full."""


class _Failures:
    """What was not as planned: all counted, the first told."""

    def __init__(self) -> None:
        self.count = 0
        self.told: list[str] = []

    def add(self, what: str) -> None:
        self.count += 1
        if len(self.told) < SHOWN:
            self.told.append(what)


def run_soak(
    *,
    minutes: float,
    rate: float = 50.0,
    seed: int = 0,
    stall: float = STALL,
    settle: float = SETTLE,
    progress: Callable[[int, int | None, str], None] = lambda done, total, what: None,
) -> dict[str, Any]:
    """Load the proxy for `minutes` with `rate` requests a second on average; the result of `verdict`.

    stall   seconds that a stalling upstream stands still
    settle  seconds that the proxy may take afterwards to let go of its idle connections

    Raises SkillClawError when the proxy does not start, StorageError when the disk has no room.
    """
    free = shutil.disk_usage(tempfile.gettempdir()).free >> 20
    if free < SPACE_MB:
        raise StorageError("There is no room for a soak.", f"{free} MB are free, {SPACE_MB} are needed.")
    with tempfile.TemporaryDirectory(prefix="skillclaw-soak-") as folder:
        return asyncio.run(_soak(Path(folder), minutes * 60, rate, seed, stall, settle, progress))


async def _soak(
    home: Path,
    seconds: float,
    rate: float,
    seed: int,
    stall: float,
    settle: float,
    progress: Callable[[int, int | None, str], None],
) -> dict[str, Any]:
    failures = _Failures()
    upstream = Upstream(failures.add, stall)
    await upstream.start()
    with _proxy(home, upstream.url) as (process, port):
        watched = psutil.Process(process.pid)
        load = _Load(port, home / "journal", failures, seed)
        try:
            # The first exchange opens the journal; what is held after it is what an idle proxy holds.
            await load.one(KINDS["no-length"], keep=False)
            await asyncio.sleep(0.5)
            idle, cpu = held_by(watched), _cpu(watched)
            began = time.monotonic()
            samples = await load.run(watched, seconds, rate, progress)
            took, used = time.monotonic() - began, _cpu(watched) - cpu
            hung = await load.end(HANGS)
            progress(int(seconds), int(seconds), "waiting for idle connections to go")
            left = await _settled(watched, idle, settle)
            await load.read_all(READ)
            health = await asyncio.to_thread(health_of, port)
            alive = process.poll() is None
        finally:
            load.cancel()
            await upstream.close()
    said = (home / "proxy.log").read_text("utf-8", "replace")
    ledger = load.ledger
    ledger.close()
    return verdict(
        Facts(
            seconds=took,
            rate=rate,
            seed=seed,
            samples=samples,
            idle=idle,
            left=left,
            health=health,
            alive=alive,
            hung=hung,
            left_out=load.left_out,
            finished=dict(sorted(ledger.finished.items())),
            records=ledger.records,
            missing=ledger.missing,
            no_websocket=load.clients.no_websocket,
            failures=failures.count,
            told=failures.told,
            cpu=used,
            log=[line for line in said.splitlines() if line][-5:],
            errors=said.count(" ERROR ") + said.count("Traceback"),
        )
    )


class _Load:
    """Requests that arrive by themselves, and the reading of the journal meanwhile."""

    def __init__(self, port: int, journal: Path, failures: _Failures, seed: int) -> None:
        self.left_out = 0
        self.clients = Clients(port, failures.add)
        self.ledger = Ledger(journal, failures.add)
        self._failures = failures
        self._random = random.Random(seed)  # noqa: S311  drawn again
        self._seed = seed
        self._number = 0
        self._under_way: set[asyncio.Task[None]] = set()

    async def one(self, kind: Kind, *, keep: bool) -> None:
        """One request, checked and entered."""
        plan = Plan(kind, self._number, self._seed)
        self._number += 1
        try:
            self.ledger.finish(plan, await self.clients.ask(plan, keep=keep))
        except OSError as error:
            self._failures.add(f"{plan.mark}: {type(error).__name__}: {error}")

    async def run(
        self,
        process: psutil.Process,
        seconds: float,
        rate: float,
        progress: Callable[[int, int | None, str], None],
    ) -> list[Sample]:
        """Load for `seconds`; the samples of the process."""
        names = [kind for kind in KINDS.values() if kind.weight]
        weights = [kind.weight for kind in names]
        samples: list[Sample] = []
        began = time.monotonic()
        beside = [
            asyncio.create_task(self._huge(began + seconds)),
            asyncio.create_task(self._watch(process, began, samples, seconds, progress)),
            asyncio.create_task(self._keep_reading()),
        ]
        due = began
        while (now := time.monotonic()) < began + seconds and process.is_running():
            if due > now:
                await asyncio.sleep(due - now)
            due = max(due, now - 1.0) + self._random.expovariate(rate)
            (kind,) = self._random.choices(names, weights)
            keep = self._random.random() < 0.75
            if len(self._under_way) >= MOST:
                self.left_out += 1
                continue
            task = asyncio.create_task(self.one(kind, keep=keep))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await beside[0]
        for task in beside[1:]:
            task.cancel()
        await asyncio.gather(*beside[1:], return_exceptions=True)
        return samples

    async def end(self, patience: float) -> int:
        """Wait for what is under way; how many requests hang."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=patience)
        hung = len(self._under_way)
        self.cancel()
        await self.clients.close()
        return hung

    def cancel(self) -> None:
        """Give up what is under way."""
        for task in list(self._under_way):
            task.cancel()

    async def read_all(self, patience: float) -> None:
        """Read the journal until nothing is waited for."""
        until = time.monotonic() + patience
        while True:
            await asyncio.to_thread(self.ledger.read)
            if not self.ledger.waiting or time.monotonic() > until:
                return
            await asyncio.sleep(0.1)

    async def _huge(self, until: float) -> None:
        turn = 0
        while time.monotonic() + HUGE_EVERY / 2 < until:
            await asyncio.sleep(HUGE_EVERY / 2)
            await self.one(KINDS[("upload-20mb", "answer-20mb")[turn % 2]], keep=turn % 4 < 2)
            turn += 1
            await asyncio.sleep(min(HUGE_EVERY / 2, max(0.0, until - time.monotonic())))

    async def _watch(
        self,
        process: psutil.Process,
        began: float,
        samples: list[Sample],
        seconds: float,
        progress: Callable[[int, int | None, str], None],
    ) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            while True:
                await asyncio.sleep(LOOK)
                samples.append(sample(process, began))
                now = samples[-1]
                told = f"{self._number} requests, {now.rss_mb:.0f} MB, {self._failures.count} failures"
                progress(min(int(now.at), int(seconds)), int(seconds), told)

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(READ)
            self.ledger.read()


async def _settled(process: psutil.Process, idle: Held, patience: float) -> Held:
    """What the process holds once it holds no more than `idle`, or after `patience` seconds."""
    until = time.monotonic() + patience
    while True:
        held = held_by(process)
        if (held.connections == 0 and held.fds <= idle.fds) or time.monotonic() > until:
            return held
        await asyncio.sleep(0.5)


@contextlib.contextmanager
def _proxy(home: Path, upstream: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The proxy's process and port; the agent `refused` has an upstream whose port nobody listens on."""
    config = home / "run" / "proxy.json"
    with socket.socket() as nobody, (home / "proxy.log").open("wb") as log:
        nobody.bind(("127.0.0.1", 0))
        upstreams = {"soak": upstream, "refused": f"http://127.0.0.1:{nobody.getsockname()[1]}"}
        write_config(
            config,
            ProxyConfig(
                port=0,
                home=str(home),
                upstreams=upstreams,
                journal_max_mb=JOURNAL_MB,
                drain=2.0,
                watched=True,
            ),
        )
        process = subprocess.Popen(
            command(config),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode("utf-8", "replace").split()
            if len(line) != 2 or line[0] != "ready":
                raise SkillClawError("The proxy could not start.", " ".join(line))
            yield process, int(line[1])
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
