"""Processes beside this one whose words go to a log."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from skillclaw.own_log import begin

__all__ = ["logged"]


def logged(
    argv: Sequence[str],
    log: Path,
    *,
    stdout: int | None = None,
    environ: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """A process whose standard error goes to `log`, and its output, too, unless `stdout` says where. It looks
    after the log's size itself (`own_log`). Raises OSError."""
    with begin(log) as out:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out if stdout is None else stdout,
            stderr=out,
            env=dict(os.environ if environ is None else environ),
            pass_fds=pass_fds,
        )
