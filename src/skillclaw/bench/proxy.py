"""What the proxy costs: requests per second, latency, CPU and memory beside other ways, in one run.

Upstream and targets each run in a process of their own; this process makes the load. Where the system allows
it, targets run on one core and load and upstream on others. In each round the targets take turns on each
case, so that a busy machine slows them alike; medians are reported, and ratios are made within a round.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psutil

from skillclaw.bench.proxybench import figures, litellm
from skillclaw.bench.proxybench.cases import CASES, TARGETS, Case
from skillclaw.bench.proxybench.load import measure, probe
from skillclaw.bench.proxybench.plot import plot
from skillclaw.bench.proxybench.show import check_place, markdown, put_into, summary
from skillclaw.bench.proxybench.targets import Running, health_of, running
from skillclaw.errors import UsageError

__all__ = ["CASES", "check_place", "chosen", "markdown", "plot", "put_into", "run_proxy_bench", "summary"]

PACED = 3.0
"""Seconds for paced streams at least: each takes 0.4 s, and a p99 needs some."""
TRIES = 4
"""How often a cell is measured at most while the host of a virtual machine takes its processors away."""
SLOW = 4.0
"""Seconds for LiteLLM at least, which answers some dozens of requests in one."""


def chosen(names: Sequence[str]) -> list[Case]:
    """The cases of these names, and the one that all others are held against; raises UsageError."""
    known = {case.name for case in CASES}
    if wrong := sorted({*names} - known):
        raise UsageError(f"There is no case {wrong[0]!r}.", "", f"Known: {', '.join(sorted(known))}")
    return [case for case in CASES if case.name in names or (case.name, case.concurrency) == ("sse10", 16)]


def run_proxy_bench(
    *,
    seconds: float = 2.0,
    rounds: int = 5,
    with_litellm: bool = False,
    cases: Sequence[Case] = CASES,
    progress: Callable[[int, int | None, str], None] = lambda done, total, what: None,
) -> dict[str, Any]:
    """Measure; `seconds` for each cell of each round, more where requests are slow. `cases` must hold `sse10`
    at 16 streams.

    Returns `rows` and `ratios` (see `figures`), `processes` (time to ready, memory), `headroom` (the direct
    target's requests/s at 16 streams for one of SkillClaw's), `machine` (with `repeated`, the cells measured
    again because the host took time away, and `stolen`, those in which it did all the same) and the proxy's
    `journal` counters.
    Raises SkillClawError when a target does not do its work.
    """
    measured: dict[tuple[str, str, int], list[dict[str, float]]] = {}
    repeated = stolen = 0
    targets = TARGETS if with_litellm else TARGETS[:3]
    total, done = rounds * len(cases) * len(targets), 0
    if with_litellm:
        progress(0, total, "installing LiteLLM, once")
    folder = litellm.install() if with_litellm else None
    busy = _Busy()
    with running(folder) as now:
        for target in targets:
            for case in cases:
                probe(now.doors[target], case)
        for turn in range(rounds):
            shift = turn % len(targets)
            for case in cases:
                for target in targets[shift:] + targets[:shift]:
                    progress(done, total, f"{case.name} x{case.concurrency} {target}")
                    cell, tries, taken = _undisturbed(lambda: _cell(now, target, case, seconds))  # noqa: B023
                    repeated, stolen = repeated + tries - 1, stolen + (taken > 0)
                    measured.setdefault((target, case.name, case.concurrency), []).append(cell)
                    done += 1
            now.start_again()
        progress(total, total, "done")
        processes = now.seen()
        journal = health_of(now.doors["skillclaw"].port)["journal"]
        pinning = now.cores.said
        others = busy.others()
    rows = figures.rows(measured)
    order = {(case.name, case.concurrency): at for at, case in enumerate(CASES)}
    rows.sort(key=lambda row: (order[row["case"], row["concurrency"]], TARGETS.index(str(row["target"]))))
    return {
        "rows": rows,
        "ratios": figures.ratios(measured, processes),
        "headroom": _headroom(measured),
        "processes": processes,
        "machine": {
            "cores": os.cpu_count(),
            "pinning": pinning,
            "others": others,
            "repeated": repeated,
            "stolen": stolen,
            "python": platform.python_version(),
            "litellm": litellm.PACKAGE if with_litellm else None,
            "seconds": seconds,
            "rounds": rounds,
        },
        "journal": journal,
    }


def _cell(now: Running, target: str, case: Case, seconds: float) -> dict[str, float]:
    # A cell of a test is shorter.
    least = PACED if seconds >= 1 else 0.0
    seconds = max(seconds, least if case.paced else 0, SLOW if target == "litellm" else 0)
    with now.cores.on(now.cores.load), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(measure(now.doors[target], case, seconds))


def _undisturbed(measure_cell: Callable[[], dict[str, float]]) -> tuple[dict[str, float], int, float]:
    """A cell in which the host took no processor time from this machine, or the one of TRIES in which it took
    least; how often it was measured, and the seconds taken. What the figures say has no part in the choice.

    A virtual machine whose processor is given to another one stands still for tens of milliseconds, whatever
    runs on it; the kernel counts that as steal time, in steps of 10 ms.
    """
    found: list[tuple[float, dict[str, float]]] = []
    while len(found) < TRIES and not (found and found[-1][0] == 0):
        before = _stolen()
        cell = measure_cell()
        found.append((_stolen() - before, cell))
    taken, cell = min(found, key=lambda one: one[0])
    return cell, len(found), taken


def _stolen() -> float:
    """Seconds of all processors that a host has taken since the start; 0 where the system does not say."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def _headroom(cells: figures.Cells) -> float:
    pairs = zip(cells["direct", "sse10", 16], cells["skillclaw", "sse10", 16], strict=True)
    return round(statistics.median(direct["rps"] / own["rps"] for direct, own in pairs), 3)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


class _Busy:
    """How much of the processors other programs use; begins when it is made."""

    def __init__(self) -> None:
        self._before = self._all()
        self._own = psutil.Process()
        self._own_before = self._used()

    def others(self) -> float | None:
        """Their share of all processors since, from 0 to 1; call it while the benchmark's processes live.

        None when the system's figures make no sense (inside some containers).
        """
        busy, whole = (after - before for after, before in zip(self._all(), self._before, strict=True))
        share = (busy - (self._used() - self._own_before)) / whole if whole > 0 else -1.0
        return round(share, 3) if -0.05 <= share <= 1 else None

    def _used(self) -> float:
        family = [self._own, *self._own.children(recursive=True)]
        times = [process.cpu_times() for process in family]
        ended = self._own.cpu_times()
        waited: float = getattr(ended, "children_user", 0.0) + getattr(ended, "children_system", 0.0)
        return float(sum(t.user + t.system for t in times)) + waited

    @staticmethod
    def _all() -> tuple[float, float]:
        times: Mapping[str, float] = psutil.cpu_times()._asdict()
        idle = times.get("idle", 0.0) + times.get("iowait", 0.0)
        # Guests are counted in `user` already.
        whole = sum(value for name, value in times.items() if not name.startswith("guest"))
        return whole - idle, whole
