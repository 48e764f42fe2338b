"""Where the stages of a cycle do their work: on this machine, or on a Ray cluster (`evolve.executor`).

A stage gives a task and a stream of items, and gets one answer per item back, in their order. The answers
are the same for every executor, number of workers and size of batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from skillclaw.evolve.executors._answers import SetAside, Task
from skillclaw.evolve.executors._drive import ITEM_LIMIT, NoWorkerError
from skillclaw.evolve.executors.local import LocalExecutor

if TYPE_CHECKING:
    from skillclaw.settings import EvolveSettings

__all__ = ["Executor", "NoWorkerError", "SetAside", "Task", "make_executor"]


class Executor(Protocol):
    """Runs a task over many items."""

    @property
    def name(self) -> str:
        """What the setting `evolve.executor` calls it."""

    def run(
        self,
        task: Task,
        items: Iterable[bytes],
        *,
        batch: int,
        on_progress: Callable[[int], None] = ...,
    ) -> Iterator[tuple[int, bytes | SetAside]]:
        """For every item its place from 0 and its answer, in order; read lazily, a few batches ahead.

        An item for which the task raises, whose worker died twice, or that takes longer than the limit comes
        back as SetAside; the others of its batch are answered all the same. `on_progress` gets how many items
        are done. Workers end with the iterator, also when it is closed early. Raises NoWorkerError when no
        worker can be started or the workers cannot load the task, SkillClawError when theirs is another
        version; what `items` raises goes through.
        """

    def close(self) -> None:
        """Let go of what outlives a run (a local Ray). Harmless twice."""


def make_executor(settings: EvolveSettings, *, limit: float = ITEM_LIMIT) -> Executor:
    """The executor that the settings name; `limit` is what one item may take, in seconds.

    Nothing is started before the first run. Close it when the cycle is over.
    """
    if settings.executor == "ray":
        from skillclaw.evolve.executors.on_ray import RayExecutor

        return RayExecutor(settings.ray_address, settings.workers, limit=limit)
    return LocalExecutor(settings.workers, limit=limit)
