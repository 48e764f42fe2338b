"""How long commands take to start, beside Python itself, and what the installation takes on disk; on demand
also how soon the first `up` shows what is there (`bench.first_run`)."""

from __future__ import annotations

import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import skillclaw
from skillclaw.bench import first_run
from skillclaw.errors import SkillClawError

__all__ = ["BARS", "COMMANDS", "run_start_bench", "summary"]

COMMANDS = {
    "python": ("-c", "pass"),
    "imports": ("-c", "import skillclaw.cli.app"),
    "--version": ("-m", "skillclaw", "--version"),
    "--help": ("-m", "skillclaw", "--help"),
    "status": ("-m", "skillclaw", "status"),
}
"""What is started: Python alone, the command line's modules, and commands, on a home with an empty hub."""
BARS: Mapping[str, float] = MappingProxyType(
    {"--help": 200.0, "status": 400.0, "learned": 60_000.0, "size": 60.0}
)
"""Milliseconds at most of a command or a moment of the first `up`; of `size` MB without byte code."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def run_start_bench(
    *,
    rounds: int = 15,
    first: Mapping[str, Any] | None = None,
    bars: Mapping[str, float] = BARS,
    progress: Callable[[int, int | None, str], None] = lambda done, total, what: None,
) -> dict[str, Any]:
    """Start each of COMMANDS `rounds` times, in turns, so that a busy machine slows them alike.

    Returns `rows` (median and least milliseconds, those of processors where the system tells them, how many
    times Python's own start that is, and the bar), `size` (see `installed`), `first_run` (of
    `first_run.run_first_run_bench` with `first`; None without it), `missed` (what is over its bar: `name`,
    `value`, `bar`, `unit`) and `holds`, whether nothing is. Raises SkillClawError where a command fails.
    """
    walls: dict[str, list[float]] = {name: [] for name in COMMANDS}
    works: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory(prefix="skillclaw-start-") as home:
        environ = os.environ | {"HOME": home, "USERPROFILE": home, "SKILLCLAW_HOME": str(Path(home, "s"))}
        _started(("-m", "skillclaw", "sync"), environ)  # makes the hub, as the first `up` does
        for turn in range(-1, rounds):  # the first warms the disk's cache and is not counted
            for name, arguments in COMMANDS.items():
                wall, work = _started(arguments, environ)
                if turn >= 0:
                    walls[name].append(wall)
                    works[name].append(work)
            progress(turn + 1, rounds, "starting")
    python = statistics.median(walls["python"])
    rows = [
        {
            "command": name,
            "ms": round(statistics.median(walls[name]), 1),
            "least_ms": round(min(walls[name]), 1),
            "cpu_ms": round(statistics.median(works[name]), 1),
            "times_python": round(statistics.median(walls[name]) / python, 2),
            "bar_ms": bars.get(name),
        }
        for name in COMMANDS
    ]
    result: dict[str, Any] = {"rounds": rounds, "rows": rows, "size": installed(bars["size"])}
    ran = first_run.run_first_run_bench(**first, bars=bars, progress=progress) if first is not None else None
    missed = _missed(result, ran)
    return {**result, "first_run": ran, "missed": missed, "holds": not missed}


def _missed(result: dict[str, Any], ran: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What took more than its bar."""
    size = result["size"]
    found = [(row["command"], row["ms"], row["bar_ms"], "ms") for row in result["rows"]]
    found += [(row["moment"], row["ms"], row["bar_ms"], "ms") for row in (ran["rows"] if ran else [])]
    found.append(("size", size["bytes"] / 1e6, size["bar_bytes"] / 1e6, "MB"))
    return [
        {"name": name, "value": round(value, 1), "bar": bar, "unit": unit}
        for name, value, bar, unit in found
        if bar is not None and value > bar
    ]


def _started(arguments: tuple[str, ...], environ: dict[str, str]) -> tuple[float, float]:
    """Milliseconds of the clock and of processors that the command took."""
    work, start = _work(), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], env=environ, capture_output=True, check=False)
    wall = time.perf_counter() - start
    if done.returncode:
        raise SkillClawError(
            f"`{' '.join(arguments)}` failed.", done.stderr.decode("utf-8", "replace")[-300:]
        )
    return wall * 1e3, (_work() - work) * 1e3


def _work() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def installed(bar: float) -> dict[str, Any]:
    """What SkillClaw and all that it asks for without extras take on disk here, in bytes of whole blocks.

    `packages`: name, `bytes` without and `byte_code` of Python's compiled files, the largest first. What is
    not installed, since it is for other systems, does not count.
    """
    packages: list[dict[str, Any]] = []
    for name in sorted(_needed("skillclaw")):
        own = Path(skillclaw.__file__).parent
        # An editable installation has no list of its files.
        found = own.rglob("*") if name == "skillclaw" else _files(name)
        size, code = _sizes(found)
        packages.append({"name": name, "bytes": size, "byte_code": code})
    packages.sort(key=lambda one: -one["bytes"] - one["byte_code"])
    return {
        "bytes": sum(one["bytes"] for one in packages),
        "byte_code": sum(one["byte_code"] for one in packages),
        "bar_bytes": int(bar * 1e6),
        "packages": packages,
    }


def _needed(start: str) -> set[str]:
    todo, found = [start], set[str]()
    while todo:
        name = todo.pop()
        if name in found:
            continue
        try:
            asked = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        todo += [
            re.sub(r"[-_.]+", "-", match[0]).lower()
            for one in asked
            if "extra ==" not in one and (match := _NAME.match(one))
        ]
    return found


def _files(name: str) -> Iterator[Path]:
    """The files of a package, and the compiled ones beside them whether or not its list has them."""
    seen: set[Path] = set()
    for file in importlib.metadata.files(name) or []:
        path = Path(str(file.locate()))
        seen.add(path)
        if path.suffix == ".py":
            seen.update((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))
    yield from seen


def _sizes(paths: Iterator[Path]) -> tuple[int, int]:
    size = code = 0
    for path in paths:
        try:
            here = path.lstat()
        except OSError:
            continue
        if path.is_dir():
            continue
        taken = getattr(here, "st_blocks", 0) * 512 or here.st_size
        if path.suffix == ".pyc":
            code += taken
        else:
            size += taken
    return size, code


def summary(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = [f"{'':12}{'median':>9}{'least':>9}{'CPU':>9}   of Python's own start"]
    for row in result["rows"]:
        bar = f"   (bar {row['bar_ms']:g} ms)" if row["bar_ms"] is not None else ""
        lines.append(
            f"{row['command']:12}{row['ms']:6.0f} ms{row['least_ms']:6.0f} ms{row['cpu_ms']:6.0f} ms"
            f"{row['times_python']:8.1f} times{bar}"
        )
    size, bar = result["size"], result["size"]["bar_bytes"]
    plain, code = size["bytes"], size["byte_code"]
    lines.append(
        f"On disk, without extras: {plain / 1e6:.0f} MB (bar {bar / 1e6:g} MB), and {code / 1e6:.0f} MB of "
        "byte code. The largest:"
    )
    lines += [
        f"  {one['name']:20}{one['bytes'] / 1e6:6.1f} MB, byte code {one['byte_code'] / 1e6:.1f}"
        for one in size["packages"][:12]
    ]
    if result["first_run"]:
        lines.append(first_run.summary(result["first_run"]))
    over = [f"{one['name']} {one['value']:g} {one['unit']} (bar {one['bar']:g})" for one in result["missed"]]
    lines.append(f"Bars: missed: {', '.join(over)}." if over else "Bars: held.")
    return "\n".join(lines)
