"""Drives one target: its child, the watch over it, what it found, made as short as it goes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from filelock import FileLock, Timeout
from fuzzing.board import Board, Doing
from fuzzing.child import STACKS, Job
from fuzzing.target import FUZZ, ROOT
from fuzzing.trial import Finding, name_of

__all__ = ["Result", "TakenError", "Watched", "drive", "watch"]

PULSE = 0.2
"""Seconds between two looks at the child."""
SILENT = 60.0
"""Seconds of the clock that an input may take beside its CPU time: what waits for ever hangs too."""
SLACK = 4.0
"""How much longer an input may take under coverage before the child is ended; a run without it decides."""
DEATHS = 10
"""Children that a run may lose before it gives up."""
MEMORY = Path("/dev/shm")
"""Where the targets' files lie, unless TMPDIR says otherwise: a disk would be most of what is measured."""
_STATUS = re.compile(rb"cov: (\d+) ft: (\d+) corp: (\d+)/")
_PEAK = re.compile(r"(?m)^VmHWM:\s+(\d+) kB")


class TakenError(Exception):
    """Another run works in the folder: two would take each other's board, corpus and findings."""


class Watched(NamedTuple):
    """How a child ended: what it died of, if it did, at which input."""

    finding: Finding | None
    data: bytes
    begun: int
    cpu: float
    peak_mb: float


class Result(NamedTuple):
    """A row of the table."""

    target: str
    engine: str
    executions: int
    cpu_seconds: float
    edges: int
    features: int
    corpus: int
    peak_mb: int
    """Most memory that a child had in RAM, the interpreter, coverage and the engine with it (MiB)."""
    findings: list[str]


def watch(job: Job, most_seconds: float) -> Watched:
    """Runs a child until it ends, or ends it at an input that takes too long.

    What it left in the folder for temporary files goes then: a fuzzing engine ends without Python's goodbyes.
    """
    in_memory = not os.environ.get("TMPDIR") and os.access(MEMORY, os.W_OK | os.X_OK)
    place = MEMORY if in_memory else None
    with tempfile.TemporaryDirectory("-fuzz", dir=place, ignore_cleanup_errors=True) as scratch:
        return _watch(job, most_seconds, scratch)


def _watch(job: Job, most_seconds: float, scratch: str) -> Watched:
    folder = Path(job.folder)
    (folder / "findings").mkdir(parents=True, exist_ok=True)
    (folder / "home").mkdir(exist_ok=True)
    (folder / "board").unlink(missing_ok=True)
    board = Board(folder / "board")
    places = [str(FUZZ), str(FUZZ.parent / "support"), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "HOME": str(folder / "home"),
        "TMPDIR": scratch,
    }
    with (folder / "said").open("wb") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", "fuzzing.child", json.dumps(job._asdict())],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            cwd=folder / "home",
        )
    allowed = most_seconds * (SLACK if job.engine == "atheris" else 1.2) + 1
    process = psutil.Process(child.pid)
    cpu, peak, since, before = 0.0, 0.0, time.monotonic(), -1
    try:
        while child.poll() is None:
            time.sleep(PULSE)
            doing = board.read()
            if doing.begun != before:
                before, since = doing.begun, time.monotonic()
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            cpu, peak = times.user + times.system, max(peak, _peak(process))
            waited = time.monotonic() - since > SILENT + allowed
            if doing.running and (cpu - doing.cpu > allowed or waited):
                return Watched(_hang(child, folder, waited), doing.data, doing.begun, cpu, peak)
            if not doing.running and doing.begun and waited:
                return Watched(Finding("hang", "the engine", _tail(folder)), b"", doing.begun, cpu, peak)
            if not doing.running and not doing.begun and time.monotonic() - since > 10 * SILENT:
                return Watched(Finding("died", "never began", _tail(folder)), b"", 0, cpu, peak)
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
    last: Doing = board.read()
    board.close()
    if child.returncode == 0:
        return Watched(None, b"", last.begun, max(cpu, last.cpu), peak)
    ended = Finding("died", f"exit {child.returncode}", _tail(folder))
    return Watched(ended, last.data, last.begun, max(cpu, last.cpu), peak)


def _peak(process: psutil.Process) -> float:
    """The most memory that the process had in RAM so far, in MiB; what it has now where no mark is kept."""
    with contextlib.suppress(OSError, psutil.Error):
        told = _PEAK.search(Path(f"/proc/{process.pid}/status").read_text("ascii", "replace"))
        return int(told[1]) / 1024 if told else 0.0  # a process that has just ended tells none
    with contextlib.suppress(psutil.Error):
        return float(process.memory_info().rss) / (1 << 20)
    return 0.0


def _hang(child: subprocess.Popen[bytes], folder: Path, waited: bool) -> Finding:
    """Where it hung, by its own word."""
    child.send_signal(STACKS)
    time.sleep(1)
    child.kill()
    child.wait()
    return Finding("hang", "waits" if waited else "computes", _tail(folder))


def _tail(folder: Path) -> str:
    return (folder / "said").read_bytes()[-4000:].decode("utf-8", "replace")


def drive(path: Path, engine: str, seconds: float, folder: Path, seeds: Path, most_seconds: float) -> Result:
    """Fuzzes one target for `seconds` of CPU and says what came of it; goes on over its deaths.

    `folder` keeps the corpus for the next run; what is no finding without coverage (time alone) is dropped.
    Raises TakenError while another run works in the folder, RuntimeError where the target cannot be run or
    ran no input at all: a row that says 0 would look like a target that holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            return _drive(path, engine, seconds, folder, seeds, most_seconds)
    except Timeout:
        raise TakenError(f"another run works in {folder}; give this one another with --work") from None


def _drive(path: Path, engine: str, seconds: float, folder: Path, seeds: Path, most_seconds: float) -> Result:
    for old in (folder / "findings").glob("*"):
        old.unlink()
    executions, spent, deaths, peak = 0, 0.0, 0, 0.0
    status = (0, 0, 0)
    base = Job(str(path), engine, seconds, int(time.time()) % 100_000, str(folder), str(seeds))
    # The first child runs however little time there is: a share of it may be less than the half second.
    while (not spent or spent < seconds - 0.5) and deaths < DEATHS:
        ended = watch(base._replace(seconds=seconds - spent, seed=base.seed + deaths), most_seconds)
        executions, spent = executions + ended.begun, spent + max(ended.cpu, 0.1)
        peak = max(peak, ended.peak_mb)
        seen = _STATUS.findall((folder / "said").read_bytes())
        if seen:
            edges, features, corpus = (int(one) for one in seen[-1])
            status = (max(status[0], edges), max(status[1], features), corpus)
        if ended.finding is None:
            break
        if not ended.begun:
            raise RuntimeError(f"{path.stem} cannot be run by {engine}:\n{ended.finding.told}")
        deaths += 1
        _keep(folder / "findings", ended.finding, ended.data)
    if not executions:
        raise RuntimeError(f"{path.stem} ran no input by {engine}:\n{_tail(folder)}")
    found = _confirmed(base, folder, most_seconds)
    return Result(path.stem, engine, executions, round(spent, 1), *status, round(peak), found)


def _keep(place: Path, finding: Finding, data: bytes) -> None:
    name = name_of(finding)
    if not (place / name).exists() or len(data) < (place / name).stat().st_size:
        (place / name).write_bytes(data)
        (place / f"{name}.json").write_text(json.dumps(finding._asdict(), indent=1), "utf-8")


def _confirmed(base: Job, folder: Path, most_seconds: float) -> list[str]:
    """Those findings that show themselves in a fresh process without coverage, shortened there."""
    confirmed = []
    for told in sorted((folder / "findings").glob("*.json")):
        finding = Finding(**json.loads(told.read_text("utf-8")))
        place = told.with_suffix("")
        short = _shortened(base, folder / "again", place.read_bytes(), finding, most_seconds)
        if short is None:
            place.unlink()
            told.unlink()
            continue
        place.write_bytes(short)
        confirmed.append(f"{finding.kind}: {finding.key} ({place})")
    return confirmed


def _same(base: Job, folder: Path, data: bytes, finding: Finding, most_seconds: float) -> bool:
    """Whether `data` shows the finding by itself. What took too long may also run out of memory, or die."""
    folder.mkdir(exist_ok=True)
    for old in (folder / "findings").glob("*"):
        old.unlink()
    (folder / "input").write_bytes(data)
    job = base._replace(engine="once", folder=str(folder), input=str(folder / "input"), seconds=1e6)
    ended = watch(job, most_seconds)
    if ended.finding is not None:
        return finding.kind != "crash"
    kept = [Finding(**json.loads(one.read_text("utf-8"))) for one in (folder / "findings").glob("*.json")]
    if finding.kind == "crash":
        return any(one.key == finding.key for one in kept)
    return any(one.kind != "crash" for one in kept)


def _shortened(base: Job, folder: Path, data: bytes, finding: Finding, most_seconds: float) -> bytes | None:
    """`data` without what the finding does not need, or None where it does not show itself again.

    Pieces are left out, halves first, for half a minute at most: each try is a process of its own.
    """
    if not _same(base, folder, data, finding, most_seconds):
        return None
    until = time.monotonic() + 30
    size = max(1, len(data) // 2)
    while time.monotonic() < until:
        at, shorter = 0, False
        while at < len(data) and time.monotonic() < until:
            tried = data[:at] + data[at + size :]
            if tried and _same(base, folder, tried, finding, most_seconds):
                data, shorter = tried, True
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = size if shorter and size == 1 else max(1, size // 2)
    return data
