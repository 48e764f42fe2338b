"""One loop for every kind of worker: hand out batches, keep the order, retry, set aside.

A worker has one batch at a time, so that it is known which batch a worker died on and when a batch began.
(A `ProcessPoolExecutor` ends all its workers when one dies and cannot tell which batch did it: innocent items
beside a poisoned one would be blamed.)

A batch that its worker died on is tried once more, then item by item; an item that its worker died on twice
is set aside. A batch that takes longer than the limit of one item is tried item by item, and an item that
takes longer is set aside, its worker ended. So what is set aside does not depend on the number of workers or
the size of batches.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from skillclaw import __version__
from skillclaw.errors import SkillClawError
from skillclaw.evolve.executors._answers import Answer, Failed, Message, Ready, Refused, SetAside, result
from skillclaw.trajectory.model import Record

__all__ = ["ITEM_LIMIT", "Crew", "Gone", "NoWorkerError", "Worker", "drive"]

ITEM_LIMIT = 120.0
"""Seconds that one item may take."""

HELD = 32 << 20
"""Bytes of items up to which answers wait for one before them, so that no worker has to."""

START_LIMIT = 120.0
"""Seconds within which one worker must have started when none is there; a busy cluster may be slow."""

DEATHS = 2
STILLBORN = 3


class NoWorkerError(SkillClawError):
    """There is nobody to do the work; what was to be done may be fine."""


class Gone(Record, frozen=True, kw_only=True):
    """Heard of a worker that died, with what is known of why."""

    why: str = ""


class Worker(Protocol):
    """A process of its own with the task in it."""

    def give(self, items: Sequence[bytes]) -> None:
        """Hand it a batch. When it is dead already, `hear` tells."""

    def end(self) -> None:
        """End it now, whatever it does; harmless when it is dead."""


_W = TypeVar("_W", bound=Worker)


class Crew(Protocol[_W]):
    """Starts workers and listens to them."""

    def hire(self) -> _W:
        """A new worker, still starting; its first message is Ready or Refused."""

    def hear(self, workers: Sequence[_W], timeout: float) -> list[tuple[_W, Message | Gone]]:
        """What came from these workers; waits until something does, at most `timeout` seconds."""


class _Batch:
    """Items from one place of the stream, with the answers so far."""

    def __init__(self, start: int, items: list[bytes]) -> None:
        self.start = start
        self.items = items
        self.answers: list[Answer] = [b""] * len(items)
        self.open = len(items)
        self.weight = sum(map(len, items))

    def settle(self, first: int, answers: Sequence[Answer]) -> None:
        self.answers[first : first + len(answers)] = answers
        self.open -= len(answers)

    def results(self) -> Iterator[tuple[int, bytes | SetAside]]:
        for index, given in enumerate(self.answers, self.start):
            yield index, result(index, given)


class _Job:
    """A stretch of a batch that goes to one worker."""

    def __init__(self, batch: _Batch, first: int, size: int) -> None:
        self.batch = batch
        self.first = first
        self.size = size
        self.deaths = 0

    @property
    def items(self) -> list[bytes]:
        return self.batch.items[self.first : self.first + self.size]


def drive(
    crew: Crew[_W],
    size: int,
    batches: Iterator[list[bytes]],
    *,
    limit: float,
    on_progress: Callable[[int], None],
) -> Iterator[tuple[int, bytes | SetAside]]:
    """The answers in the order of the items, from at most `size` workers, all ended when this ends.

    Held at a time, in work or waiting for their turn: 2 * size + 1 batches, or the HELD bytes of items that
    go on behind one that takes long, whichever is more. Raises SkillClawError when no worker can be started
    or the workers cannot run the task; what `batches` raises goes through.
    """
    loop = _Loop(crew, size, batches, limit, on_progress)
    try:
        yield from loop.run()
    finally:
        loop.end()


class _Loop(Generic[_W]):
    def __init__(
        self,
        crew: Crew[_W],
        size: int,
        batches: Iterator[list[bytes]],
        limit: float,
        on_progress: Callable[[int], None],
    ) -> None:
        self.crew = crew
        self.size = size
        self.batches = batches
        self.limit = limit
        self.on_progress = on_progress
        self.window: deque[_Batch] = deque()
        self.jobs: deque[_Job] = deque()
        self.starting: dict[_W, float] = {}
        self.idle: list[_W] = []
        self.busy: dict[_W, tuple[_Job, float]] = {}
        self.read = 0
        self.held = 0
        self.done = 0
        self.stillborn = 0

    def run(self) -> Iterator[tuple[int, bytes | SetAside]]:
        while True:
            self._fill()
            self._assign()
            if not self.window:
                return
            if self.window[0].open:
                self._listen(self._patience())
            else:
                batch = self.window.popleft()
                self.held -= batch.weight
                yield from batch.results()
                self._listen(0)

    def end(self) -> None:
        for worker in [*self.starting, *self.idle, *self.busy]:
            worker.end()

    def _fill(self) -> None:
        while len(self.jobs) <= self.size and (len(self.window) < 2 * self.size + 1 or self.held < HELD):
            items = next(self.batches, None)
            if items is None:
                return
            batch = _Batch(self.read, items)
            self.read += len(items)
            self.held += batch.weight
            self.window.append(batch)
            self.jobs.append(_Job(batch, 0, len(items)))

    def _assign(self) -> None:
        while self.jobs and self.idle:
            worker, job = self.idle.pop(), self.jobs.popleft()
            self.busy[worker] = (job, time.monotonic())
            worker.give(job.items)
        while len(self.starting) < len(self.jobs) and len(self.starting) + len(self.busy) < self.size:
            self.starting[self.crew.hire()] = time.monotonic()

    def _patience(self) -> float:
        """Seconds until somebody is late, if nothing is heard."""
        if self.busy:
            end = min(since for _, since in self.busy.values()) + self.limit
        else:
            end = max(self.starting.values()) + START_LIMIT
        return max(0.0, end - time.monotonic())

    def _listen(self, timeout: float) -> None:
        heard = self.crew.hear([*self.starting, *self.busy], timeout)
        for worker, message in heard:
            if worker in self.starting:
                self._started(worker, message)
            elif isinstance(message, list) and len(message) == self.busy[worker][0].size:
                job, _ = self.busy.pop(worker)
                self.idle.append(worker)
                self._settle(job, message)
            else:
                self._died(self._dismiss(worker))
        now = time.monotonic()
        for worker, (_, since) in list(self.busy.items()):
            if now - since >= self.limit:
                self._late(self._dismiss(worker))
        alone = self.starting and not self.idle and not self.busy
        if alone and now - max(self.starting.values()) >= START_LIMIT:
            raise SkillClawError(
                f"No worker has started within {START_LIMIT:.0f} s.",
                "",
                "Free cores, or try: skillclaw config set evolve.executor local",
            )

    def _started(self, worker: _W, message: Message | Gone) -> None:
        del self.starting[worker]
        if isinstance(message, Ready) and message.version == __version__:
            self.stillborn = 0
            self.idle.append(worker)
            return
        worker.end()
        if isinstance(message, Ready):
            raise SkillClawError(
                "The workers run another version of SkillClaw.",
                f"Theirs is {message.version}, this one is {__version__}.",
                f"Install SkillClaw {__version__} with the extra `evolve` on every node of the cluster.",
            )
        if isinstance(message, Refused):
            raise NoWorkerError(
                "The workers cannot load their task.",
                message.why,
                "Install the same packages for the workers as here.",
            )
        self.stillborn += 1
        if self.stillborn >= STILLBORN:
            raise NoWorkerError(
                "No worker can be started.",
                message.why if isinstance(message, Gone) else "",
                "Free memory; on a cluster, see that every node has this version, with the extra `evolve`.",
            )

    def _dismiss(self, worker: _W) -> _Job:
        job, _ = self.busy.pop(worker)
        worker.end()
        return job

    def _died(self, job: _Job) -> None:
        job.deaths += 1
        if job.deaths < DEATHS:
            self.jobs.appendleft(job)
        elif job.size > 1:
            self._split(job)
        else:
            self._settle(job, [Failed(why=f"its worker died {DEATHS} times")])

    def _late(self, job: _Job) -> None:
        if job.size > 1:
            self._split(job)
        else:
            self._settle(job, [Failed(why=f"took longer than {self.limit:g} s")])

    def _split(self, job: _Job) -> None:
        self.jobs.extendleft(_Job(job.batch, job.first + i, 1) for i in reversed(range(job.size)))

    def _settle(self, job: _Job, answers: Sequence[Answer]) -> None:
        job.batch.settle(job.first, answers)
        self.done += job.size
        self.on_progress(self.done)
