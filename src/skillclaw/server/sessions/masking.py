"""Masking as a task of an executor: past sessions are many, and a machine has several cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from skillclaw.server.machine import Machine
from skillclaw.trajectory.model import decode, encode

__all__ = ["Masking"]


class Masking:
    """Sessions masked with the redactor of `machine`; in another process with that of the same home and
    environment, so that the placeholders are the same.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __reduce__(self) -> tuple[Callable[[Path], Masking], tuple[Path]]:
        return _elsewhere, (self._machine.home,)

    def __call__(self, batch: Sequence[bytes], /) -> Sequence[bytes]:
        """The sessions of `batch`, each as one line of JSON, as this machine may keep them."""
        redactor = self._machine.redactor
        return [encode(redactor.trajectory(decode(body))) for body in batch]


def _elsewhere(home: Path) -> Masking:
    return Masking(Machine(home))
