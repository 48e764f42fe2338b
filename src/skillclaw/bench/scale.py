"""What a cycle costs as sessions grow: seconds, memory and bytes read, in full and with a few sessions more.

For each size a session store is filled with sessions made from real ones (`bench.multiply`), then one whole
cycle runs, then a few sessions come and another cycle runs. Filling and each cycle have a fresh process, so
that peak memory is the cycle's own. Sessions are made, stored and read as streams.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from skillclaw import settings, zstd
from skillclaw.bench.multiply import multiplied, read_real
from skillclaw.errors import SkillClawError, StorageError, UsageError
from skillclaw.journal.store import ZSTD_LEVEL, SessionStore
from skillclaw.trajectory.model import encode

__all__ = ["SIZES", "Cycle", "exponent", "run_scale_bench", "summary"]

SIZES = (1_000, 10_000, 100_000)
LONG_SHARE = 0.1
BATCH = 200
SAMPLE = 64
"""Sessions that are packed to estimate the disk that a size takes."""
BESIDE = 2.0
"""Times the packed sessions that a home takes: pages, the log of the store, what cycles keep."""
EVERY = 0.2
"""Seconds between looks at the memory of a cycle's worker processes."""

Cycle = Callable[[Path], Mapping[str, Any]]
"""Runs one cycle in a home and says what it found. It is called in another process, so it must be a function
at the top of a module."""
Progress = Callable[[int, int | None, str], None]


class _Plan(NamedTuple):
    """What to fill a home with."""

    home: Path
    data: Path | None
    start: int
    sessions: int
    long_share: float
    seed: int


def run_scale_bench(
    *,
    sizes: Sequence[int] = SIZES,
    data: Path | None,
    long_row: bool,
    increment: int = 100,
    home: Path,
    cycle: Cycle,
    seed: int = 0,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Measure each size; the homes are made under `home` and removed afterwards.

    data      the real sessions (`multiply.read_real`); None for the packaged slice
    long_row  measure each size a second time with a tenth of the sessions at about 200 steps
    increment sessions that come before the second cycle; with 0 there is none

    Returns `{"rows", "exponent", "exponent_cpu", "exponent_long"}`. A row: `sessions`, `long` (share of long
    sessions), `seconds`, `cpu_seconds`, `rss_mb` (peak, worker processes included), `read_mb` (null where the
    system doesn't say) of the cycle; `fill_seconds` and `store_mb` of the store; what `cycle` said under
    `found`; and the second cycle under `increment` with the same keys (null without one). MB are 10**6 bytes.
    Exponents are of `seconds`; `exponent_cpu` of `cpu_seconds`, which a busy machine changes less. Raises
    UsageError for sizes that cannot be measured, StorageError when the disk is too small, SkillClawError when
    a cycle dies.
    """
    if not sizes or min(sizes) < 1 or increment < 0:
        raise UsageError("A size is 1 at least.", "", "For example: skillclaw bench scale --sizes 1000,10000")
    shares = (0.0, LONG_SHARE) if long_row else (0.0,)
    rows: list[dict[str, Any]] = []
    steps = 4 if increment else 2
    total, done = steps * len(sizes) * len(shares), 0
    _check_disk(home, data, max(sizes) + increment, max(shares), seed)
    for share in shares:
        for size in sorted(sizes):
            name = f"{size:,} sessions" + (f", {share:.0%} long" if share else "")
            with tempfile.TemporaryDirectory(prefix="skillclaw-scale-", dir=home) as folder:
                place = Path(folder)
                _prepare(place)
                row: dict[str, Any] = {"sessions": size, "long": share}
                progress(done, total, f"{name}: filling")
                filled = _apart(_fill, _Plan(place, data, 0, size, share, seed))
                progress(done + 1, total, f"{name}: cycle")
                row |= _apart(_run, place, cycle)
                row["fill_seconds"] = filled["seconds"]
                row["store_mb"] = _mb(sum(p.stat().st_size for p in place.glob("sessions.db*")))
                row["increment"] = None
                if increment:
                    progress(done + 2, total, f"{name}: {increment} more")
                    _apart(_fill, _Plan(place, data, size, increment, share, seed))
                    progress(done + 3, total, f"{name}: cycle over {increment} more")
                    row["increment"] = {"sessions": increment, **_apart(_run, place, cycle)}
                rows.append(row)
            done += steps
    progress(total, total, "done")
    return {
        "rows": rows,
        "exponent": exponent([(r["sessions"], r["seconds"]) for r in rows if not r["long"]]),
        "exponent_cpu": exponent([(r["sessions"], r["cpu_seconds"]) for r in rows if not r["long"]]),
        "exponent_long": exponent([(r["sessions"], r["seconds"]) for r in rows if r["long"]]),
    }


def exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """The slope of log(seconds) on log(sessions) by least squares; None for fewer than two sizes."""
    known = [(math.log(n), math.log(s)) for n, s in points if n > 0 and s > 0]
    if len({x for x, _ in known}) < 2:
        return None
    mean_x = sum(x for x, _ in known) / len(known)
    mean_y = sum(y for _, y in known) / len(known)
    over = sum((x - mean_x) * (y - mean_y) for x, y in known)
    return round(over / sum((x - mean_x) ** 2 for x, _ in known), 3)


def summary(result: dict[str, Any]) -> str:
    """For people: the table, and how cost grows."""
    lines = [
        f"{'sessions':>9}{'long':>6}{'fill s':>9}{'store MB':>10}{'cycle s':>9}{'CPU s':>8}{'peak MB':>9}"
        f"{'read MB':>9}{'patterns':>10} | {'+ more':>6}{'s':>8}{'peak MB':>9}{'read MB':>9}"
    ]
    for row in result["rows"]:
        more = row["increment"]
        second = (
            ""
            if more is None
            else (
                f"{more['sessions']:>6,}{more['seconds']:>8.1f}{more['rss_mb']:>9.0f}{_shown(more['read_mb']):>9}"
            )
        )
        lines.append(
            f"{row['sessions']:>9,}{row['long']:>6.0%}{row['fill_seconds']:>9.1f}{row['store_mb']:>10.0f}"
            f"{row['seconds']:>9.1f}{row['cpu_seconds']:>8.1f}{row['rss_mb']:>9.0f}{_shown(row['read_mb']):>9}"
            f"{row['found'].get('patterns', '?'):>10} | {second}"
        )
    for key, what in (
        ("exponent", "Time"),
        ("exponent_cpu", "CPU time"),
        ("exponent_long", "With long sessions, time"),
    ):
        if result[key] is not None:
            lines.append(f"{what} grows as sessions ** {result[key]:.2f}.")
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def _mb(size: float) -> float:
    return round(size / 1e6, 1)


def _prepare(place: Path) -> None:
    """A home whose cycle touches nothing outside it; with a group's rules, for there are many users."""
    settings.set_value(place, "sync.targets", f'["{(place / "skills").as_posix()}"]')
    settings.set_value(place, "gate.policy", "team")


def _check_disk(home: Path, data: Path | None, sessions: int, long_share: float, seed: int) -> None:
    """StorageError when the largest home would not fit, judged by a sample of packed sessions."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise StorageError(f"Cannot make {home}.", str(error), "Choose another folder.") from error
    pack = zstd.compressor(ZSTD_LEVEL)
    made = multiplied(read_real(data), min(SAMPLE, sessions), seed=seed, long_share=long_share)
    sizes = [len(pack(encode(t))) for t in made]
    need = BESIDE * sessions * sum(sizes) / len(sizes)
    if need > free:
        raise StorageError(
            f"{home} is too small for {sessions:,} sessions.",
            f"They take about {need / 1e9:.1f} GB; {free / 1e9:.1f} GB are free.",
            "Free space, choose another folder, or measure smaller sizes.",
        )


def _apart(work: Callable[..., dict[str, Any]], *given: object) -> dict[str, Any]:
    """What `work` returns in a process of its own; its SkillClaw errors are raised here."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, work, given))
    process.start()
    there.close()
    peak = 0
    try:
        while not here.poll(EVERY):
            peak = max(peak, _workers(process.pid))
        try:
            answer = here.recv()
        except EOFError:
            process.join()
            raise SkillClawError(
                "A measured process died.",
                f"Its exit code was {process.exitcode}.",
                "Was memory short? Measure a smaller size.",
            ) from None
        process.join()
    finally:
        here.close()
        if process.is_alive():
            process.terminate()
            process.join()
    if isinstance(answer, SkillClawError):
        raise answer
    result: dict[str, Any] = answer
    if peak and "rss_mb" in result:
        result["rss_mb"] = max(result["rss_mb"], _mb(peak))
    return result


def _workers(pid: int | None) -> int:
    """Bytes that a process and its own workers hold now; 0 while it has none."""
    try:
        process = psutil.Process(pid)
        children = process.children(recursive=True)
        if not children:
            return 0
        return int(process.memory_info().rss + sum(child.memory_info().rss for child in children))
    except psutil.Error:
        return 0


def _answer(there: Connection, work: Callable[..., dict[str, Any]], given: tuple[object, ...]) -> None:
    try:
        there.send(work(*given))
    except SkillClawError as error:
        there.send(type(error)(error.what, error.why, error.todo))
    finally:
        there.close()


def _fill(plan: _Plan) -> dict[str, Any]:
    store = SessionStore(plan.home)
    made = multiplied(
        read_real(plan.data), plan.sessions, seed=plan.seed, long_share=plan.long_share, start=plan.start
    )
    began = time.perf_counter()
    while batch := list(islice(made, BATCH)):
        store.put_many(batch)
    seconds = time.perf_counter() - began
    store.close()
    return {"seconds": round(seconds, 3)}


def _run(home: Path, cycle: Cycle) -> dict[str, Any]:
    import_module("skillclaw.evolve.cycle")  # its libraries cost a second that no session is to blame for
    read, cpu, began = _read(), _cpu(), time.perf_counter()
    found = dict(cycle(home))
    seconds = time.perf_counter() - began
    after = _read()
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(_cpu() - cpu, 3),
        "rss_mb": _mb(_peak()),
        "read_mb": None if read is None or after is None else _mb(after - read),
        "found": found,
    }


def _cpu() -> float:
    """CPU seconds of this process and of its workers that ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _read() -> int | None:
    """Bytes that this process and its ended workers asked to read; None where the system doesn't say."""
    try:
        text = Path("/proc/self/io").read_text(encoding="ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("rchar")), None)


def _peak() -> int:
    """The most memory that this process held, in bytes.

    Linux's own figure for the program that runs: `getrusage` there also counts what the parent held when it
    started this one.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
