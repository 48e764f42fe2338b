"""Which functions of the source run while a target is at work."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fuzzing.decoders import SOURCE

__all__ = ["Ran", "watched"]

Ran = set[tuple[str, int]]
"""Modules (below the package) and the first lines of their functions that ran."""


@contextmanager
def watched() -> Iterator[Ran]:
    """What runs within, also in threads that begin within."""
    begun: set[tuple[str, int]] = set()
    ran: Ran = set()

    def called(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if code.co_name != "<module>":
            begun.add((code.co_filename, code.co_firstlineno))

    before, in_threads = sys.gettrace(), threading.gettrace()
    threading.settrace(called)
    sys.settrace(called)
    try:
        yield ran
    finally:
        sys.settrace(before)
        threading.settrace(in_threads)  # type: ignore[arg-type]
        root = f"{SOURCE}/"
        ran.update((path.removeprefix(root), line) for path, line in begun if path.startswith(root))
