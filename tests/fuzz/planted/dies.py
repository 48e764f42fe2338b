"""Planted: the process itself dies, as it would of a fault in C code."""

from __future__ import annotations

import os
import signal
import tempfile

LEFT = tempfile.mkdtemp()
"""Nobody but the runner is left to take this away."""


def once(data: bytes) -> None:
    """Kills its own process."""
    if b"k" in data:
        os.kill(os.getpid(), signal.SIGKILL)
