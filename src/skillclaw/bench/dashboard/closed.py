"""What the dashboard costs while nobody looks: `up` with its door, and without."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import psutil

from skillclaw.errors import SkillClawError

__all__ = ["closed_state"]

STARTS = 60.0
SETTLES = 3.0


def closed_state(environ: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """`{"door", "without"}`, each `processes` of the dashboard, `rss_mb` and `cpu_seconds` of `up` itself
    over so many seconds in which nobody came (MB are 10**6 bytes)."""
    return {
        name: _watched({**environ, "SKILLCLAW_DASHBOARD__ENABLED": enabled}, seconds)
        for name, enabled in (("door", "true"), ("without", "false"))
    }


def _watched(environ: Mapping[str, str], seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="skillclaw-bench-") as folder:
        home = Path(folder) / ".skillclaw"
        given = dict(environ) | {
            "HOME": folder,
            "USERPROFILE": folder,
            "SKILLCLAW_HOME": str(home),
            "SKILLCLAW_DASHBOARD__PORT": "0",
        }
        argv = [sys.executable, "-m", "skillclaw", "up", "--port", "0"]
        child = subprocess.Popen(
            argv, env=given, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process = _ready(child, home)
            time.sleep(SETTLES)
            before = process.cpu_times()
            time.sleep(seconds)
            after = process.cpu_times()
            return {
                "processes": sum(_is_dashboard(one) for one in process.children(recursive=True)),
                "rss_mb": round(process.memory_info().rss / 1e6, 1),
                "cpu_seconds": round(after.user + after.system - before.user - before.system, 2),
                "seconds": seconds,
            }
        finally:
            child.terminate()
            child.wait(30)


def _ready(child: subprocess.Popen[bytes], home: Path) -> psutil.Process:
    until = time.monotonic() + STARTS
    while time.monotonic() < until and child.poll() is None:
        try:
            if msgspec.json.decode((home / "run" / "up.json").read_bytes())["ready"]:
                return psutil.Process(child.pid)
        except (OSError, msgspec.DecodeError, KeyError):
            pass
        time.sleep(0.1)
    raise SkillClawError("`up` did not start.", f"Exit code: {child.poll()}.", "See: skillclaw logs")


def _is_dashboard(process: psutil.Process) -> bool:
    try:
        return "dashboard" in process.cmdline()
    except psutil.Error:
        return False
