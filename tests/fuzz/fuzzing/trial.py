"""One input through a target: what was wrong, if anything, and a key by which equal findings are one."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from fuzzing.target import FUZZ, Target

__all__ = ["Finding", "name_of", "trial"]


class Finding(NamedTuple):
    """What an input did that it must not.

    `kind` is crash (an error that the door does not document), slow, memory, hang or died; `key` is the
    same for findings of one cause: the error's type and the place that raised it.
    """

    kind: str
    key: str
    told: str


def trial(target: Target, data: bytes) -> Finding | None:
    """Runs the target once; None when all is well."""
    begun = time.process_time()
    try:
        target.once(data)
    except target.allowed:
        pass
    except MemoryError:
        return Finding("memory", "memory", traceback.format_exc(limit=-12))
    except (Exception, SystemExit) as error:
        key = f"{type(error).__name__} at {_place(error.__traceback__)}"
        return Finding("crash", key, traceback.format_exc(limit=-12))
    spent = time.process_time() - begun
    if spent > target.most_seconds:
        return Finding("slow", "slow", f"{spent:.1f} s of CPU for {len(data)} bytes")
    return None


def _place(found: TracebackType | None) -> str:
    """The innermost frame in the project's source; else in the target; else whatever was last."""
    frames = [
        (Path(frame.f_code.co_filename), frame.f_code.co_name, line)
        for frame, line in traceback.walk_tb(found)
    ]
    for part in ("src/skillclaw", str(FUZZ)):
        for path, function, line in reversed(frames):
            if part in path.as_posix() and "fuzzing" not in path.parts:
                return f"{path.name}:{function}:{line}"
    path, function, line = frames[-1]
    return f"{path.name}:{function}:{line}"


def name_of(finding: Finding) -> str:
    """A name for the finding's file, without what file systems dislike."""
    return "".join(char if char.isalnum() else "-" for char in f"{finding.kind}-{finding.key}")[:100]
