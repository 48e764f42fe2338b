"""Ctrl-C that is never lost.

Python drops the exception of an interrupt that meets it in a hook, as there is one in every fork. What was
dropped is remembered here, so that the run stops at its next border all the same.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupts"]


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """The interrupts since the block began; each raises KeyboardInterrupt too, as ever. The list stays empty
    where none arrives: outside of the main thread, and where interrupts are not heeded."""
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not main or before is not signal.default_int_handler:
        yield seen
        return

    def interrupted(number: int, frame: object) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
