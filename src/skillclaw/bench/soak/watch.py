"""What the proxy's process holds while the soak goes on: memory, file descriptors, sockets, threads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

import psutil

__all__ = ["Held", "Sample", "floors", "held_by", "sample", "slope"]

WINDOW = 20.0
"""Seconds of which the lowest sample counts: longer than a body of 20 MB is under way."""
POINTS = 300
"""Samples that a slope is made of; more would cost the square of it."""


class Sample(NamedTuple):
    """Seconds since the start, resident MB (10**6 bytes), file descriptors (handles on Windows)."""

    at: float
    rss_mb: float
    fds: int


class Held(NamedTuple):
    """What a process holds: descriptors, connections (sockets that listen apart), threads."""

    fds: int
    connections: int
    threads: int


def sample(process: psutil.Process, began: float) -> Sample:
    """The process now."""
    return Sample(time.monotonic() - began, process.memory_info().rss / 1e6, _fds(process))


def held_by(process: psutil.Process) -> Held:
    """The process now."""
    connections = process.net_connections("inet")
    talking = sum(1 for connection in connections if connection.status != psutil.CONN_LISTEN)
    return Held(_fds(process), talking, process.num_threads())


def _fds(process: psutil.Process) -> int:
    # Windows counts handles.
    return int(getattr(process, "num_fds" if hasattr(process, "num_fds") else "num_handles")())


def floors(samples: Sequence[Sample]) -> list[Sample]:
    """The lowest sample of each WINDOW. Bodies under way come on top of it, the more the busier the machine
    is; what is not let go raises it."""
    lowest: dict[int, Sample] = {}
    for one in samples:
        window = int(one.at // WINDOW)
        if window not in lowest or one.rss_mb < lowest[window].rss_mb:
            lowest[window] = one
    return [lowest[window] for window in sorted(lowest)]


def slope(samples: Sequence[Sample]) -> float:
    """MB per second that memory grows: the median slope over all pairs (Theil 1950, Sen 1968), which a few
    large bodies under way do not move."""
    if len(samples) < 2:
        return 0.0
    step = max(1, len(samples) // POINTS)
    chosen = samples[::step]
    return statistics.median(
        (later.rss_mb - earlier.rss_mb) / (later.at - earlier.at)
        for at, earlier in enumerate(chosen)
        for later in chosen[at + 1 :]
        if later.at > earlier.at
    )
