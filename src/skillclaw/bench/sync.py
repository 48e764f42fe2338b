"""`bench sync`: many clients of one hub on this machine, polling as `up` does, and what that asks of storage.

Each client is a real `Hub` with its own memory of the log; its waits are drawn as `library.pace` draws
them, with a shorter interval. A release is *seen* when a client has read the commit and has the bundle, its
hash and version checked. Requests and bytes are counted where the hub asks its storage: names out, objects
in; on object storage over http also on the wire, by a relay in between.
"""

from __future__ import annotations

import heapq
import random
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from typing import Any

from skillclaw.bench.sync_wire import wire
from skillclaw.hub import Hub
from skillclaw.library.pace import SPREAD, delay
from skillclaw.settings import SyncSettings
from skillclaw.skills.records import Bundle, File

__all__ = ["run_sync_bench", "summary"]

SKILLS = 5
"""Skills that the hub has before anybody looks."""
DAY = 86_400.0
Progress = Callable[[int, int | None, str], None]


class _Counted:
    """A hub's storage with its requests counted; everything else is the storage's own."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.requests = 0
        self.bytes = 0

    def get(self, key: str, limit: int) -> bytes | None:
        data: bytes | None = self._store.get(key, limit)
        self.requests += 1
        self.bytes += len(key) + len(data or b"")
        return data

    def list(self, prefix: str, *more: Any, **named: Any) -> list[str]:
        found: list[str] = self._store.list(prefix, *more, **named)
        self.requests += 1
        self.bytes += len(prefix) + sum(map(len, found))
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _Client:
    """One machine of the group."""

    def __init__(self, url: str, home: Path) -> None:
        self.hub = Hub.open(url, home / "keys", home / "hubs.json")
        self.store = _Counted(self.hub.store)
        self.hub.store = self.hub.reader.store = self.store  # type: ignore[assignment]
        self.seq = self.hub.state().seq
        self.first = (self.store.requests + 1, self.store.bytes)  # hub.json came before it was counted
        self.idle: list[tuple[int, int]] = []
        self.seen = 0.0
        self.cost = (0, 0)

    def poll(self) -> None:
        """Ask once; fetch what is new."""
        before = (self.store.requests, self.store.bytes)
        state = self.hub.state()
        if state.seq != self.seq:
            for skill in state.skills.values():
                release = skill.release(skill.current) if skill.current else None
                if release is not None and release.seq > self.seq:
                    self.hub.get_bundle(release)
            self.seq = state.seq
            self.seen = time.monotonic()
        spent = (self.store.requests - before[0], self.store.bytes - before[1])
        if self.seen and self.cost == (0, 0):
            self.cost = spent
        else:
            self.idle.append(spent)


class _Round:
    """Every client polled when it is due, by a few threads, until told to end."""

    def __init__(self, clients: list[_Client], interval: float, workers: int) -> None:
        self.clients = clients
        self.interval = interval
        self.workers = workers
        self._lock = threading.Lock()
        now = time.monotonic()
        # as if they had started at any time
        first = [now + interval * random.random() for _ in clients]  # noqa: S311
        self._due = [(due, number) for number, due in enumerate(first)]
        heapq.heapify(self._due)
        self.late = 0.0

    def run(self, until: Callable[[], bool]) -> None:
        with ThreadPoolExecutor(self.workers) as pool:
            for done in [pool.submit(self._work, until) for _ in range(self.workers)]:
                done.result()

    def _work(self, until: Callable[[], bool]) -> None:
        while not until():
            with self._lock:
                due, number = self._due[0]
                now = time.monotonic()
                ready = due <= now
                if ready:
                    heapq.heappop(self._due)
                    self.late = max(self.late, now - due)
            if not ready:
                time.sleep(min(0.005, due - now))
                continue
            try:
                self.clients[number].poll()
            finally:
                wait = delay(self.interval, 0, random.random())  # noqa: S311
                with self._lock:
                    heapq.heappush(self._due, (time.monotonic() + wait, number))


def run_sync_bench(
    *,
    clients: int,
    interval: float,
    url: str | None = None,
    workers: int = 8,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Run it; `interval` is the longest time between two polls of a client, in seconds. `url` must be empty
    storage; without one it is a folder that is taken away afterwards."""
    with tempfile.TemporaryDirectory(prefix="skillclaw-bench-") as folder, wire(url) as (through, meter):
        place = Path(folder)
        where = through or str(place / "hub")
        owner = Hub.open_or_create(where, place / "owner" / "keys", place / "owner" / "hubs.json")
        for number in range(SKILLS):
            _release(owner, f"skill-{number}", "first")
        began = time.monotonic()
        made: list[_Client] = []

        def make(number: int) -> None:
            one = _Client(where, place / str(number))
            made.append(one)
            progress(len(made), clients, "Joining")

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(make, range(clients)))
        opened = time.monotonic() - began
        joined = meter()
        polls = _Round(made, interval, workers)
        end = time.monotonic() + 2 * interval
        progress(0, None, "Polling")
        polls.run(lambda: time.monotonic() >= end)
        idle = [spent for one in made for spent in one.idle]
        on_wire = meter() - joined
        progress(0, None, "Releasing")
        _release(owner, "skill-0", "second")
        released = time.monotonic()
        polls.run(lambda: all(one.seen for one in made) or time.monotonic() > released + 3 * interval)
        waits = sorted(one.seen - released for one in made if one.seen)
    return _result(
        made, interval, url, opened, idle, on_wire if url and through != url else None, waits, polls.late
    )


def _result(
    made: list[_Client],
    interval: float,
    url: str | None,
    opened: float,
    idle: list[tuple[int, int]],
    on_wire: int | None,
    waits: list[float],
    late: float,
) -> dict[str, Any]:
    requests = sum(count for count, _ in idle) / len(idle)
    size = sum(size for _, size in idle) / len(idle)
    wire_size = on_wire / len(idle) if on_wire is not None else None
    default = SyncSettings().interval
    per_day = DAY / (default * sum(SPREAD) / 2)
    return {
        "clients": len(made),
        "interval": interval,
        "storage": "folder" if url is None else url.split(":", 1)[0],
        "opened": {
            "seconds": round(opened, 2),
            "requests": round(sum(one.first[0] for one in made) / len(made), 2),
            "bytes": round(sum(one.first[1] for one in made) / len(made)),
        },
        "idle": {
            "polls": len(idle),
            "requests": round(requests, 3),
            "most_requests": max(count for count, _ in idle),
            "bytes": round(size, 1),
            "most_bytes": max(size for _, size in idle),
            "wire_bytes": round(wire_size, 1) if wire_size is not None else None,
        },
        "release": {
            "seen": len(waits),
            "within": sum(wait <= interval for wait in waits),
            "p50_s": round(_part(waits, 50), 2),
            "p99_s": round(_part(waits, 99), 2),
            "max_s": round(waits[-1], 2) if waits else None,
            "requests": round(sum(one.cost[0] for one in made) / len(made), 2),
            "bytes": round(sum(one.cost[1] for one in made) / len(made)),
        },
        "late_s": round(late, 3),
        "day": [
            {
                "clients": count,
                "interval": default,
                "requests": round(per_day * count * requests),
                "bytes": round(per_day * count * (size if wire_size is None else wire_size)),
                "per_second": round(per_day * count * requests / DAY, 1),
            }
            for count in (1000, 1_000_000)
        ],
        "holds": len(waits) == len(made) == sum(wait <= interval for wait in waits)
        and max(count for count, _ in idle) == 1
        and max(size for _, size in idle) < 1000
        and (wire_size is None or wire_size < 1000),
    }


def summary(result: dict[str, Any]) -> str:
    """For people."""
    idle, release, opened = result["idle"], result["release"], result["opened"]
    on_wire = f" ({idle['wire_bytes']:,} on the wire)" if idle["wire_bytes"] is not None else ""
    lines = [
        f"{result['clients']:,} clients, {result['storage']}, each asks within {result['interval']:g} s.",
        f"First contact: {opened['requests']:g} requests, {opened['bytes']:,} bytes each.",
        f"An idle poll: {idle['requests']:g} request, {idle['bytes']:,} bytes{on_wire}; "
        f"{idle['polls']:,} polls.",
        f"A release: seen by {release['seen']:,}, by {release['within']:,} within {result['interval']:g} s "
        f"(median {release['p50_s']} s, last {release['max_s']} s); "
        f"{release['requests']:g} requests, {release['bytes']:,} bytes each.",
    ]
    lines += [
        f"A day of {day['clients']:,} idle clients that ask within {day['interval']:g} s: "
        f"{day['requests']:,} requests ({day['per_second']:,} a second), {day['bytes'] / 1e6:,.0f} MB."
        for day in result["day"]
    ]
    return "\n".join(lines)


def _part(waits: list[float], percent: int) -> float:
    return quantiles(waits, n=100, method="inclusive")[percent - 1] if len(waits) > 1 else sum(waits)


def _release(hub: Hub, name: str, text: str) -> None:
    head = f"---\nname: {name}\ndescription: What to do about {name} in this project.\n---\n# {name}\n\n"
    body = "\n".join(
        f"{number}. {text}: look at part {number} and say what it needs." for number in range(40)
    )
    made, stored = hub.put_bundle(
        Bundle(name=name, files=[File(path="SKILL.md", data=(head + body).encode())])
    )
    known = hub.state().skills.get(name)
    base = known.current if known is not None else None
    hub.commit(
        "release",
        {"skill": name, "version": made, "base": base, "object": stored, "stage": "stable"},
        role="owner",
    )
