"""Power cuts: a command is recorded at work in a folder, then every state that a cut may leave is looked at.

    recording = Recording.of(place, [sys.executable, "-m", "skillclaw", ...], env)
    for state in recording.states(seed, 100):
        put(state, place)       # the folder as it may be after the cut
        ...                     # what reads it must find what was promised

`POWERCUT_STATES` multiplies how many states a sweep looks at; `POWERCUT_SEED` draws others.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from powercut_disk import Disk, differences, follow, taken
from powercut_states import State, kills, put, states
from powercut_trace import calls, environment, missing, recorded, tracing

__all__ = ["Recording", "State", "environment", "needs_strace", "put", "seed", "times", "tracing"]

needs_strace = pytest.mark.skipif(bool(missing()), reason=missing() or "strace works")


def times(number: int) -> int:
    """How many states to look at where `number` are enough for every day."""
    return max(1, round(number * float(os.environ.get("POWERCUT_STATES", "1"))))


def seed() -> int:
    """What the drawing of states begins with."""
    return int(os.environ.get("POWERCUT_SEED", "15"))


@dataclass
class Recording:
    """What a command did to `place`, and how it ended."""

    place: Path
    disk: Disk
    done: subprocess.CompletedProcess[str] | None = None

    @classmethod
    def of(
        cls, place: Path, command: Sequence[str], env: Mapping[str, str] | None = None, timeout: float = 240
    ) -> Recording:
        """Run `command` in `place`, which counts as on the disk before that."""
        root = taken(place)
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder, "trace")
            done = recorded(command, trace, os.environ if env is None else env, place, timeout)
            return cls(place, _followed(Disk(root, place), trace, place), done)

    @classmethod
    def begun(cls, place: Path) -> Recording:
        """For a process that runs on: what is there before it starts (under `tracing`); then `ended`."""
        return cls(place, Disk(taken(place), place))

    def ended(self, trace: Path, cwd: Path) -> None:
        """The process is over, and its trace whole."""
        _followed(self.disk, trace, cwd)

    def states(self, seed: int, most: int, marks: Sequence[float] = ()) -> Iterator[State]:
        """States that a power cut may leave."""
        return states(self.disk, random.Random(seed), most, marks)

    def kills(self, seed: int, most: int) -> Iterator[State]:
        """States that a kill may leave."""
        return kills(self.disk, random.Random(seed), most)


def _followed(disk: Disk, trace: Path, cwd: Path) -> Disk:
    follow(disk, list(calls(trace)), cwd)
    assert not disk.beyond, f"calls that the model does not know: {disk.beyond[:5]}"
    # what was written unseen (io_uring, memory that is a file) would show here
    wrong = differences(disk.root, taken(disk.place))
    assert not wrong, f"the model and the disk differ: {wrong[:5]}"
    return disk
