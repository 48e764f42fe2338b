"""Looking at the programs and files of an agent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from skillclaw.agents.records import Env, HistoryFile

__all__ = ["file_stat", "oldest_first", "version_of"]

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:[-+.\w]*)?")
WAIT = 10.0
"""Seconds that a program may take to tell its version; a healthy one takes 0.1 to 1."""


def version_of(env: Env, program: str) -> str | None:
    """What `program --version` says, or None when it fails, hangs or says nothing like a version."""
    try:
        with subprocess.Popen(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**env.environ, "HOME": str(env.home)} if os.name != "nt" else dict(env.environ),
            cwd=env.home if env.home.is_dir() else None,
            start_new_session=True,
        ) as process:
            try:
                told, _ = process.communicate(timeout=WAIT)
            except BaseException:
                _end(process)
                raise
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    match = _VERSION.search(told.decode("utf-8", "replace"))
    return match[0] if match and process.returncode == 0 else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program with all that it started: it may be a script around the real one."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        import psutil

        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
    process.kill()


def file_stat(path: Path) -> tuple[int, float] | None:
    """(bytes, mtime in Unix seconds) of a regular file, or None."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_size, stat.st_mtime) if path.is_file() else None


def oldest_first(found: Iterable[HistoryFile]) -> list[HistoryFile]:
    """Histories in the order in which they were last written."""
    return sorted(found, key=lambda file: (file.mtime, file.key))
