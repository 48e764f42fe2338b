"""What the proxy costs: requests per second, latency, CPU and memory beside a bare forwarder, in one run.

Upstream, forwarder and proxy each run in a process of their own; this process makes the load. In each round
the targets take turns on each case, so that a busy machine slows them alike; medians are reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import psutil

from skillclaw.bench.upstream import GAP, PACED
from skillclaw.errors import SkillClawError
from skillclaw.proxy import ProxyConfig, command, write_config

__all__ = ["run_proxy_bench", "summary"]

CASES: tuple[tuple[str, str, int, int], ...] = (
    ("sse10", "/sse", 2_000, 1),
    ("sse10", "/sse", 2_000, 16),
    ("sse10-200kb", "/sse", 200_000, 4),
    ("json", "/json", 2_000, 16),
    ("paced", "/paced", 2_000, 16),
)
"""Name, path, bytes of the request body, concurrency."""
TARGETS = ("direct", "bare", "skillclaw")
WARM = 0.3
"""Seconds of load before each measurement that do not count."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


def run_proxy_bench(
    *,
    seconds: float = 2.0,
    rounds: int = 3,
    progress: Callable[[int, int | None, str], None] = lambda done, total, what: None,
) -> dict[str, Any]:
    """Measure; `{"rows": [...], "ratios": {...}}` (DESIGN 4). `seconds` for each cell of each round."""
    measured: dict[tuple[str, str, int], list[dict[str, float]]] = {}
    total, done = rounds * len(CASES) * len(TARGETS), 0
    with _processes() as targets:
        for turn in range(rounds):
            for name, path, size, concurrency in CASES:
                for target in TARGETS[turn % 3 :] + TARGETS[: turn % 3]:
                    progress(done, total, f"{name} x{concurrency} {target}")
                    port, prefix, process = targets[target]
                    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                        cell = runner.run(_cell(port, prefix + path, size, concurrency, seconds, process))
                    measured.setdefault((target, name, concurrency), []).append(cell)
                    done += 1
        progress(total, total, "done")
        rows = [
            {"target": target, "case": name, "concurrency": concurrency}
            | {key: round(statistics.median(cell[key] for cell in cells), 4) for key in cells[0]}
            for (target, name, concurrency), cells in measured.items()
        ]
        health = _health(targets["skillclaw"][0])
    rows.sort(key=lambda row: (row["case"], row["concurrency"], TARGETS.index(str(row["target"]))))
    return {"rows": rows, "ratios": _ratios(rows), "journal": health["journal"]}


def summary(result: dict[str, Any]) -> str:
    """For people: the table, and what it means."""
    lines = [
        f"{'case':<14}{'streams':>8}{'target':>12}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}"
        f"{'first byte':>12}{'CPU ms':>9}{'MB':>7}"
    ]
    for row in result["rows"]:
        lines.append(
            f"{row['case']:<14}{row['concurrency']:>8}{row['target']:>12}{row['rps']:>9.0f}{row['p50_ms']:>9.2f}"
            f"{row['p99_ms']:>9.2f}{row['ttfb_p50_ms']:>12.2f}{row['cpu_ms']:>9.3f}{row['rss_mb']:>7.0f}"
        )
    ratios = result["ratios"]
    lines += [
        f"With recording on, 16 streams: {ratios['rps_16']:.0%} of the bare forwarder's requests per second.",
        f"One stream: p50 {ratios['p50_1']:.2f}x the bare forwarder's.",
        f"First byte at 16 paced streams: {ratios['ttfb_added_ms']:+.2f} ms against no proxy at all.",
    ]
    return "\n".join(lines)


def _ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    def of(target: str, case: str, concurrency: int, key: str) -> float:
        row = next(
            r for r in rows if (r["target"], r["case"], r["concurrency"]) == (target, case, concurrency)
        )
        return float(row[key])

    def ratio(case: str, concurrency: int, key: str) -> float:
        return round(of("skillclaw", case, concurrency, key) / of("bare", case, concurrency, key), 3)

    return {
        "rps_16": ratio("sse10", 16, "rps"),
        "p50_1": ratio("sse10", 1, "p50_ms"),
        "rps_200kb": ratio("sse10-200kb", 4, "rps"),
        "rps_json": ratio("json", 16, "rps"),
        "ttfb_added_ms": round(
            of("skillclaw", "paced", 16, "ttfb_p50_ms") - of("direct", "paced", 16, "ttfb_p50_ms"), 3
        ),
    }


@contextlib.contextmanager
def _processes() -> Iterator[dict[str, tuple[int, str, psutil.Process | None]]]:
    """Upstream, forwarder and proxy: port, URL prefix and process of each target."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skillclaw-bench-")))

        def start(argv: list[str]) -> tuple[int, psutil.Process]:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment)
            stack.callback(_end, process)
            assert process.stdout is not None
            line = process.stdout.readline().decode("utf-8", "replace").split()
            if len(line) != 2 or line[0] != "ready":
                raise SkillClawError(
                    "A process of the benchmark could not start.", " ".join(line), " ".join(argv)
                )
            return int(line[1]), psutil.Process(process.pid)

        upstream, _ = start([sys.executable, "-m", "skillclaw.bench.upstream"])
        base = f"http://127.0.0.1:{upstream}"
        bare, bare_process = start([sys.executable, "-m", "skillclaw.bench.forwarder", base])
        config = home / "proxy.json"
        write_config(config, ProxyConfig(port=0, home=str(home), upstreams={"bench": base}, drain=1.0))
        proxy, proxy_process = start(command(config))
        yield {
            "direct": (upstream, "", None),
            "bare": (bare, "", bare_process),
            "skillclaw": (proxy, "/bench", proxy_process),
        }


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _health(port: int) -> dict[str, Any]:
    import http.client
    import json

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


async def _cell(
    port: int, path: str, size: int, concurrency: int, seconds: float, process: psutil.Process | None
) -> dict[str, float]:
    """Load one target for `seconds` and measure."""
    loop = asyncio.get_running_loop()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer sk-bench-0123456789abcdef\r\nx-session-id: bench\r\nUser-Agent: bench/1\r\n"
        f"Accept: */*\r\nContent-Length: {size}\r\n\r\n"
    )
    request = head.encode("ascii") + (b'{"messages":"' + b"a word and one more " * (size // 20 + 1))[:size]
    clients = [_Client(request) for _ in range(concurrency)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
        client.next()
    await asyncio.sleep(max(WARM, PACED * GAP * 1.2 if path.endswith("/paced") else 0))
    for client in clients:
        client.times.clear()
    cpu = _cpu(process)
    began = time.perf_counter()
    await asyncio.sleep(max(seconds, PACED * GAP * 1.5) if path.endswith("/paced") else seconds)
    took = time.perf_counter() - began
    used = _cpu(process) - cpu
    times = [pair for client in clients for pair in client.times]
    rss = process.memory_info().rss / 1e6 if process else 0.0
    for client in clients:
        client.stop()
    until = time.perf_counter() + 2
    while any(client.asking for client in clients) and time.perf_counter() < until:
        await asyncio.sleep(0.01)
    for client in clients:
        client.close()
    failed = [client.error for client in clients if client.error]
    if failed or not times:
        raise SkillClawError("The benchmark's load failed.", failed[0] if failed else "No request finished.")
    total = sorted(total for _, total in times)
    first = sorted(first for first, _ in times)
    return {
        "rps": len(times) / took,
        "p50_ms": total[len(total) // 2] * 1000,
        "p99_ms": total[min(len(total) - 1, int(len(total) * 0.99))] * 1000,
        "ttfb_p50_ms": first[len(first) // 2] * 1000,
        "cpu_ms": used / len(times) * 1000,
        "rss_mb": rss,
    }


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _cpu(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return float(times.user + times.system)


class _Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered; times of first and last byte in seconds."""

    def __init__(self, request: bytes) -> None:
        self.times: list[tuple[float, float]] = []
        self.error = ""
        self.asking = False
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._sent = self._first = 0.0
        self._stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to ask."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def next(self) -> None:
        """Ask once."""
        assert self._transport is not None
        self.asking = True
        self._data = b""
        self._first = 0.0
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note the time; ask again when the answer is whole."""
        if not self._first:
            self._first = time.perf_counter()
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._data, 0, end + 2)
        if length:
            whole = len(self._data) >= end + 4 + int(length[1])
        else:
            whole = self._data.endswith(b"\r\n0\r\n\r\n")
        if not whole:
            return
        if not self._data.startswith(b"HTTP/1.1 200"):
            self.error = self._data[:200].decode("latin-1")
            self.asking = False
            return
        self.times.append((self._first - self._sent, time.perf_counter() - self._sent))
        self.asking = False
        if not self._stopped:
            self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that ends by itself is a failure."""
        if self.asking:
            self.asking = False
            self.error = self.error or f"the connection was closed: {exc}"

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()
