"""What it costs to serve many groups: seconds, memory, requests; over everything, nothing new, a little more.

Each group has a hub of its own with sessions that its members sealed (`bench.groups`). Three times
`skillclaw serve --once` runs over all of them, in processes of its own as anybody runs it: over everything,
over nothing new, and over a few sessions more in each group.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from skillclaw import settings
from skillclaw.bench.groups import make_group, open_group, send
from skillclaw.bench.multiply import multiplied, read_real
from skillclaw.bench.sync_wire import Metered, counted
from skillclaw.errors import SkillClawError, StorageError, UsageError

__all__ = ["Fill", "Progress", "check_disk", "fill_all", "run_serve_bench", "serve_once", "summary", "under"]

MEMBERS = 8
EVERY = 0.1
"""Seconds between looks at the memory of the server and its children."""
BYTES = 12_000
"""About what a sealed session of the packaged ones takes, and what the server keeps of it."""
STOP = 60.0
"""Seconds that a server has to end when it is told to."""

Progress = Callable[[int, int | None, str], None]


class Fill(NamedTuple):
    """What to put into one group: sessions from number `start` on."""

    url: str
    place: Path
    home: Path
    data: Path | None
    start: int
    sessions: int
    seed: int
    members: int = MEMBERS


def run_serve_bench(
    *,
    groups: int = 50,
    sessions: int = 1000,
    more: int = 10,
    parallel: int = 2,
    data: Path | None = None,
    url: str | None = None,
    into: Path,
    seed: int = 0,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Make the groups under `into`, serve them, take them away.

    `more` sessions come to each group before the third pass; `parallel` cycles run at once; `data` as
    `multiply.read_real`. `url` is empty object storage for the hubs, each under a prefix of its own, without
    which they are folders; only there requests are counted.

    Returns `{"groups", "sessions", "parallel", "fill_seconds", "passes"}`. A pass: `name`, `sessions` (new
    ones), `seconds`, `per_second` (sessions), `cpu_seconds` of all processes, `server_mb`, `child_mb` (the
    largest) and `peak_mb` (all at once) of memory (10**6 bytes), `requests`, those of them that write or list
    (`dear`) and `wire_mb` (null for folders),
    `cycles` (how many ended how), `taken` (sessions that cycles said they took in), `released`. Raises
    UsageError for numbers that cannot be measured, StorageError for a disk that is too small, SkillClawError
    when the server fails.
    """
    if groups < 1 or sessions < 1 or more < 0 or parallel < 1:
        raise UsageError("A group has one session at least.", "", "For example: --groups 50 --sessions 1000")
    check_disk(into, groups * (sessions + more))
    with tempfile.TemporaryDirectory(prefix="skillclaw-serve-", dir=into) as folder:
        place = Path(folder)
        home = place / "server" / ".skillclaw"
        settings.set_value(home, "serve.parallel", str(parallel))
        settings.set_value(home, "sync.targets", json.dumps([str(place / "skills")]))
        with counted(url) as (through, meter):
            plans = [
                Fill(
                    under(url, number) if url else str(place / f"hub{number}"),
                    place / f"owner{number}",
                    home,
                    data,
                    0,
                    sessions,
                    seed + number,
                )
                for number in range(groups)
            ]
            for number in range(groups):
                at = under(through, number) if through else plans[number].url
                settings.set_value(home, f"hubs.g{number:03}.url", at)
            began = time.monotonic()
            fill_all(plans, progress)
            filled = time.monotonic() - began
            passes = []
            steps = [("everything", groups * sessions), ("nothing new", 0)]
            if more:
                steps.append((f"{more} more each", groups * more))
            for name, new in steps:
                if name.endswith("more each"):
                    later = [one._replace(start=sessions, sessions=more) for one in plans]
                    fill_all(later, progress)
                progress(0, None, f"Serving: {name}")
                passes.append({"name": name, "sessions": new} | serve_once(home, new, meter))
    return {
        "groups": groups,
        "sessions": sessions,
        "parallel": parallel,
        "storage": "folder" if url is None else "object storage",
        "fill_seconds": round(filled, 1),
        "passes": passes,
    }


def summary(result: dict[str, Any]) -> str:
    """For people: a line for each pass."""
    lines = [
        f"{result['groups']} groups x {result['sessions']:,} sessions ({result['storage']}), "
        f"{result['parallel']} cycles at once; sealed and put there in {result['fill_seconds']:.0f} s",
        f"{'pass':<14}{'new':>8}{'s':>9}{'a second':>10}{'CPU s':>9}{'server MB':>11}{'child MB':>10}"
        f"{'peak MB':>9}{'requests':>10}{'cycles':>8}{'released':>10}",
    ]
    for one in result["passes"]:
        asked = "-" if one["requests"] is None else f"{one['requests']:,}"
        lines.append(
            f"{one['name']:<14}{one['sessions']:>8,}{one['seconds']:>9.1f}{one['per_second']:>10.0f}"
            f"{one['cpu_seconds']:>9.1f}{one['server_mb']:>11.0f}{one['child_mb']:>10.0f}{one['peak_mb']:>9.0f}"
            f"{asked:>10}{sum(one['cycles'].values()):>8}{one['released']:>10}"
        )
    return "\n".join(lines)


def under(url: str, number: int) -> str:
    """A place of its own below object storage's `url`."""
    head, mark, options = url.partition("?")
    return f"{head.rstrip('/')}/g{number:03}{mark}{options}"


def check_disk(into: Path, sessions: int) -> None:
    try:
        into.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(into).free
    except OSError as error:
        raise StorageError(f"Cannot make {into}.", str(error), "Choose another folder.") from error
    if sessions * BYTES > free:
        raise StorageError(
            f"{into} is too small for {sessions:,} sessions.",
            f"They take about {sessions * BYTES / 1e9:.1f} GB; {free / 1e9:.1f} GB are free.",
            "Free space, choose another folder, or measure fewer.",
        )


def fill_all(plans: list[Fill], progress: Progress) -> None:
    """Every group, a few at a time; making and sealing a session takes milliseconds of processor."""
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        made = [pool.submit(_fill, plan) for plan in plans]
        for done, one in enumerate(as_completed(made), start=1):
            one.result()
            progress(done, len(plans), "Filling groups")


def _fill(plan: Fill) -> None:
    if plan.start:
        group = open_group(plan.url, plan.place, members=plan.members)
    else:
        group = make_group(plan.url, plan.place, [plan.home], members=plan.members)
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    made = multiplied(read_real(plan.data), plan.sessions, seed=plan.seed, start=plan.start)
    send(group, made, day=day)


def serve_once(home: Path, new: int, meter: Callable[[], Metered] | None) -> dict[str, Any]:
    """One `serve --once` over the home; what it took, and what it said."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SKILLCLAW_")}
    env |= {"SKILLCLAW_HOME": str(home), "HOME": str(home.parent), "SKILLCLAW_SERVE__PORT": "0"}
    before, cpu, began = meter() if meter else Metered(0, 0, 0), _cpu(), time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = [sys.executable, "-m", "skillclaw", "serve", "--once", "--json"]
        server = subprocess.Popen(command, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        try:
            peaks = _watch(server)
        finally:
            _end(server)
        seconds = time.monotonic() - began
        after = meter() if meter else Metered(0, 0, 0)
        out.seek(0)
        err.seek(0)
        if server.returncode != 0:
            told = err.read().decode("utf-8", "replace").strip().splitlines()[-3:]
            raise SkillClawError("The server failed.", " ".join(told), "See its log: logs/ in its home.")
        found = json.loads(out.read())
    cycles = found["cycles"]
    return {
        "seconds": round(seconds, 2),
        "per_second": round(new / seconds, 1),
        "cpu_seconds": round(_cpu() - cpu, 2),
        **{name: round(size / 1e6, 1) for name, size in peaks.items()},
        "requests": after.requests - before.requests if meter else None,
        "dear": after.dear - before.dear if meter else None,
        "wire_mb": round((after.bytes - before.bytes) / 1e6, 1) if meter else None,
        "cycles": dict(Counter(one["outcome"] for one in cycles)),
        "taken": sum(one["new"] for one in cycles),
        "released": sum(one["released"] for one in cycles),
    }


def _watch(server: subprocess.Popen[bytes]) -> dict[str, int]:
    """The most memory that was seen until the server ends, in bytes."""
    peaks = {"server_mb": 0, "child_mb": 0, "peak_mb": 0}
    process = psutil.Process(server.pid)
    while server.poll() is None:
        with suppress(psutil.Error):
            own = process.memory_info().rss
            children = []
            for child in process.children(recursive=True):
                with suppress(psutil.Error):
                    children.append(child.memory_info().rss)
            seen = {"server_mb": own, "child_mb": max(children, default=0), "peak_mb": own + sum(children)}
            peaks = {name: max(size, seen[name]) for name, size in peaks.items()}
        time.sleep(EVERY)
    return peaks


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(STOP)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _cpu() -> float:
    """Processor seconds of the processes that this one started and that ended, with theirs."""
    used = os.times()
    return used.children_user + used.children_system
