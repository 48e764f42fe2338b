"""The executor of one machine: in this process, or in a few processes when that pays."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from multiprocessing.connection import Connection, wait

import msgspec

from skillclaw.evolve.executors._answers import (
    Message,
    SetAside,
    Task,
    answer,
    batches,
    decode_items,
    decode_message,
    encode,
    load,
    result,
)
from skillclaw.evolve.executors._drive import ITEM_LIMIT, Gone, NoWorkerError, drive

__all__ = ["LocalExecutor", "cores"]

PAYS = 8 << 20
"""Bytes of items from which workers pay. Measured on two free cores with cutting episodes, 6,120 sessions of
19 MB: 2.5 s in one process, 1.6 s in two, of which 0.35 s are their start. They draw at about 5.5 MB; where
another process has the second core nothing is won or lost."""

FEW = 4
"""Batches up to which workers never pay: there is too little to share out."""


class LocalExecutor:
    """`evolve.executor = "local"`.

    workers   processes at most; 0 is one per core. One works in this process
    limit     seconds that an item may take
    pays      bytes of items from which workers are started

    In this process an item that raises is set aside, but one that ends or blocks the process does just that.
    """

    name = "local"

    def __init__(self, workers: int = 0, *, limit: float = ITEM_LIMIT, pays: int = PAYS) -> None:
        self.workers = workers or cores()
        self.limit = limit
        self.pays = pays

    def run(
        self,
        task: Task,
        items: Iterable[bytes],
        *,
        batch: int,
        on_progress: Callable[[int], None] = lambda done: None,
    ) -> Iterator[tuple[int, bytes | SetAside]]:
        """See Executor.run."""
        stream = batches(items, batch)
        if self.workers > 1:
            first = _first(stream, self.pays)
            stream = chain(first, stream)
            if len(first) > FEW and sum(len(item) for held in first for item in held) >= self.pays:
                crew = _Crew(task)
                yield from drive(crew, self.workers, stream, limit=self.limit, on_progress=on_progress)
                return
        done = 0
        for held in stream:
            for index, given in enumerate(answer(task, held), done):
                yield index, result(index, given)
            done += len(held)
            on_progress(done)

    def close(self) -> None:
        """Nothing to do: workers end with their run."""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first(stream: Iterator[list[bytes]], pays: int) -> list[list[bytes]]:
    """As many batches as it takes to see whether workers pay."""
    first: list[list[bytes]] = []
    weight = 0
    for held in stream:
        first.append(held)
        weight += sum(map(len, held))
        if len(first) > FEW and weight >= pays:
            break
    return first


class _Process:
    """A worker in a process of its own, at the other end of a pipe."""

    def __init__(self, pickled: bytes) -> None:
        # Not fork: this process has threads and SQLite files open, which a copy must not touch.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, pickled), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, items: Sequence[bytes]) -> None:
        with suppress(OSError):  # it died meanwhile: its end of the pipe is closed, which `hear` sees
            self.pipe.send_bytes(encode(items))

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()


class _Crew:
    def __init__(self, task: Task) -> None:
        self._pickled = pickle.dumps(task)

    def hire(self) -> _Process:
        try:
            return _Process(self._pickled)
        except OSError as error:
            why = "Free memory, or let this user have more processes."
            raise NoWorkerError("No worker can be started.", str(error), why) from error

    def hear(self, workers: Sequence[_Process], timeout: float) -> list[tuple[_Process, Message | Gone]]:
        ready = wait([worker.pipe for worker in workers], timeout)
        return [(worker, _receive(worker.pipe)) for worker in workers if worker.pipe in ready]


def _receive(pipe: Connection) -> Message | Gone:
    try:
        return decode_message(pipe.recv_bytes())
    except (EOFError, OSError):
        return Gone(why="The process ended before it had the task.")
    except msgspec.DecodeError:
        return Gone(why="What it sent cannot be read.")


def _serve(pipe: Connection, pickled: bytes) -> None:
    """The life of a worker: until the pipe closes, or its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # As many workers as cores: more threads in each would only be in each other's way.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    first, task = load(pickled)
    with suppress(EOFError, OSError):
        pipe.send_bytes(encode(first))
        while task is not None:
            pipe.send_bytes(encode(answer(task, decode_items(pipe.recv_bytes()))))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
