"""The first `skillclaw up` on a machine with a month of agents' histories: how soon what is there.

The command runs as a person starts it, a process whose lines are read as they come. Each run has a home
folder of its own, a copy of one that was made once; the agents in it are settings, histories and programs
that only tell a version. Nothing is asked of anybody but this machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from threading import Timer
from typing import Any, NamedTuple

import psutil

from skillclaw.bench.histories import Past, past_machine
from skillclaw.errors import SkillClawError
from skillclaw.journal.store import SessionStore

__all__ = ["MOMENTS", "run_first_run_bench", "summary"]

MOMENTS = {
    "table": r"Here already:",
    "imported": r"Imported (\d+) sessions",
    "learned": r"What (\d+) sessions already say",
    "running": r"Running:",
    "all": "",
}
"""What is waited for, in this order, and how its line begins; a number there is that of the sessions that
came in by then. The last has no line: all sessions are in the store."""
LOOK = 1.0
"""Seconds between two looks at the store."""
LIMIT = 900.0
"""Seconds after which a first run that shows nothing more is ended."""
STOP = 60.0
KEPT = ("COMSPEC", "LANG", "LC_", "LD_", "PATHEXT", "PYTHON", "SYSTEMROOT", "TEMP", "TMP", "VIRTUAL_ENV")
"""How the variables begin that it inherits. Others can name folders of agents (CODEX_HOME), and it connects
the agents that it finds: the measurement must not reach the settings of whoever runs it."""
Progress = Callable[[int, int | None, str], None]


class _Moment(NamedTuple):
    """Since the start: time of the clock, and of processors for `up` and what it ran to an end."""

    ms: float
    cpu_ms: float


def run_first_run_bench(
    *,
    sessions: int,
    megabytes: float,
    runs: int,
    bars: Mapping[str, float],
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Make the machine, run `up --yes` on a copy of it `runs` times.

    Returns `{"sessions", "looked_at", "mb", "agents", "runs", "rows": [{"moment", "ms", "least_ms",
    "most_ms", "cpu_ms", "bar_ms"}]}`: medians of the time from the command's start until its line was read;
    `looked_at`, the least sessions of which it told what they say. Raises SkillClawError where a moment never
    comes.
    """
    with tempfile.TemporaryDirectory(prefix="skillclaw-first-run-") as folder:
        user = Path(folder).resolve() / "made"
        past = past_machine(user, sessions=sessions, megabytes=megabytes, progress=progress)
        seen: list[dict[str, _Moment]] = []
        looked: list[int] = []
        for run in range(runs):
            progress(run, runs, "first runs")
            place = user.with_name(f"run{run}")
            shutil.copytree(user, place)  # with the files' times: they say what is of the last 30 days
            moments, of = _first_run(place, sessions)
            seen.append(moments)
            looked.append(of)
            shutil.rmtree(place)
    rows = []
    for name in MOMENTS:
        times = [one[name].ms for one in seen]
        rows.append(
            {
                "moment": name,
                "ms": round(median(times), 1),
                "least_ms": round(min(times), 1),
                "most_ms": round(max(times), 1),
                "cpu_ms": round(median(one[name].cpu_ms for one in seen), 1),
                "bar_ms": bars.get(name),
            }
        )
    return {**_told(past), "looked_at": min(looked), "runs": runs, "rows": rows}


def _told(past: Past) -> dict[str, Any]:
    return {
        "sessions": sum(past.agents.values()),
        "mb": round(past.bytes / 1e6, 1),
        "agents": past.agents,
    }


def _first_run(user: Path, sessions: int) -> tuple[dict[str, _Moment], int]:
    """When each of MOMENTS came, and how many sessions were looked at."""
    environ = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    environ |= {"HOME": str(user), "USERPROFILE": str(user), "SKILLCLAW_HOME": str(user / ".skillclaw")}
    environ["PATH"] = os.pathsep.join([str(user / "bin"), os.defpath])
    waiting, seen = list(MOMENTS), dict[str, _Moment]()
    last, looked = "", 0
    with (user / "errors").open("w+", encoding="utf-8", errors="replace") as errors:
        start = time.perf_counter()
        with _up(environ, errors.fileno()) as (lines, process):
            for line in lines:
                last = line.strip() or last
                if not (found := re.match(MOMENTS[waiting[0]], line)):
                    continue
                seen[waiting.pop(0)] = _Moment((time.perf_counter() - start) * 1e3, _work(process))
                if found.groups():
                    looked = int(found[1])
                if not MOMENTS[waiting[0]]:
                    break
            while len(waiting) == 1 and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                if _stored(user / ".skillclaw") == sessions:
                    seen[waiting.pop(0)] = _Moment((time.perf_counter() - start) * 1e3, _work(process))
                    break
                time.sleep(LOOK)
        errors.seek(0)
        if waiting:
            why = errors.read().strip()[-300:] or last
            raise SkillClawError(
                f"The first `up` of {sessions} sessions came to no moment {waiting[0]!r}.", why
            )
    return seen, looked


def _stored(home: Path) -> int:
    return SessionStore(home, look=True).count() if (home / "sessions.db").exists() else 0


@contextmanager
def _up(environ: Mapping[str, str], errors: int) -> Iterator[tuple[Iterator[str], psutil.Process]]:
    """The lines of `up --yes` as they come, and its process; afterwards it is stopped as a user stops it."""
    skillclaw = (sys.executable, "-m", "skillclaw")
    child = subprocess.Popen(
        [*skillclaw, "up", "--yes", "--port", "0"],
        env=dict(environ),
        cwd=environ["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert child.stdout is not None
    limit = Timer(LIMIT, child.kill)
    limit.start()
    try:
        yield child.stdout, psutil.Process(child.pid)
        subprocess.run([*skillclaw, "stop"], env=dict(environ), capture_output=True, check=False)
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP)
    finally:
        limit.cancel()
        child.kill()
        child.wait()
        child.stdout.close()


def _work(process: psutil.Process) -> float:
    """Milliseconds of processors; without those of the cycle where the system keeps no count of processes
    that are over, as on macOS."""
    try:
        used = process.cpu_times()
    except psutil.Error:  # it is over
        return 0.0
    over = getattr(used, "children_user", 0.0) + getattr(used, "children_system", 0.0)
    return float(used.user + used.system + over) * 1e3


def summary(result: dict[str, Any]) -> str:
    """For people."""
    of = ", ".join(f"{count} of {agent}" for agent, count in result["agents"].items())
    lines = [
        f"The first `up` with {result['sessions']} sessions of 30 days ({of}; {result['mb']:.0f} MB); "
        f"medians of {result['runs']}. What was learned is of the newest {result['looked_at']}:"
    ]
    for row in result["rows"]:
        bar = f"   (bar {row['bar_ms'] / 1e3:g} s)" if row["bar_ms"] is not None else ""
        lines.append(
            f"{row['moment']:12}{row['ms'] / 1e3:7.1f} s   {row['least_ms'] / 1e3:.1f} to "
            f"{row['most_ms'] / 1e3:.1f} s   {row['cpu_ms'] / 1e3:.1f} s of CPU{bar}"
        )
    return "\n".join(lines)
