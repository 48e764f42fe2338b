"""The executor of a cluster: workers are Ray actors, placed and watched by Ray.

Without an address a Ray of this machine is started for the cycle and ended by `close`. It listens on the
loopback address only and asks for a token that its own processes alone know (Ray >= 2.52), because whoever
reaches a Ray port can run code. A cluster that is given by address is left as it is; access to it is the
user's to set up (Ray's RAY_AUTH_* variables).
"""

from __future__ import annotations

import logging
import os
import pickle
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from skillclaw.errors import SkillClawError
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
)
from skillclaw.evolve.executors._drive import ITEM_LIMIT, Gone, drive
from skillclaw.evolve.executors.local import cores
from skillclaw.extras import install
from skillclaw.trajectory.text import one_line

__all__ = ["RayExecutor"]

STORE_BYTES = 256 << 20
"""Shared memory of a local Ray: room for the few batches that are under way; more goes to its disk."""

SOCKET_ROOM = 75
"""Bytes that Ray adds to its folder for a socket, whose name may have 103 (macOS; Linux 107)."""

REACH_SECONDS = 5.0

LOCALLY = "Or work on this machine: skillclaw config set evolve.executor local"


class RayExecutor:
    """`evolve.executor = "ray"`.

    address   host:port of a cluster's head; empty starts a Ray on this machine
    workers   actors at most, of one core each; 0 is one per core (of the cluster)
    limit     seconds that an item may take
    """

    name = "ray"

    def __init__(self, address: str = "", workers: int = 0, *, limit: float = ITEM_LIMIT) -> None:
        self.address = address
        self.workers = workers
        self.limit = limit
        self._ray: Any = None
        self._ours = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def run(
        self,
        task: Task,
        items: Iterable[bytes],
        *,
        batch: int,
        on_progress: Callable[[int], None] = lambda done: None,
    ) -> Iterator[tuple[int, bytes | SetAside]]:
        """See Executor.run. Starts or joins Ray when this is the first run; raises SkillClawError when Ray is
        not installed, cannot be started or cannot be reached.
        """
        ray = self._connected()
        size = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        crew = _Crew(ray, task)
        yield from drive(crew, size, batches(items, batch), limit=self.limit, on_progress=on_progress)

    def close(self) -> None:
        """End the Ray that this started, or leave the cluster that it joined."""
        ray, self._ray = self._ray, None
        folder, self._folder = self._folder, None
        try:
            if self._ours:
                self._ours = False
                ray.shutdown()
        finally:
            if folder is not None:
                folder.cleanup()

    def _connected(self) -> Any:
        if self._ray is None:
            if self.address:
                self._reach()  # before Ray is loaded, which is for good
            with _environment(_variables(local=not self.address)):
                ray = _imported(local=not self.address)
                # Without an address, a Ray that the program around this has is used, and left to it.
                if self.address or not ray.is_initialized():
                    _must_be_loaded_for(local=not self.address)
                    self._ray, self._ours = ray, True  # before it starts, so that `close` ends half a start
                    self._join(ray) if self.address else self._start(ray)
                self._ray = ray
        return self._ray

    def _reach(self) -> None:
        try:
            _reach(self.address)
        except (OSError, ValueError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> SkillClawError:
        return SkillClawError(
            f"The Ray cluster at {self.address} cannot be used.",
            one_line(str(error), 200),
            f"Mend evolve.ray_address (host:port of its head). {LOCALLY}",
        )

    def _start(self, ray: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="skillclaw-ray-", dir=_short_folder(), ignore_cleanup_errors=True
        )
        try:
            ray.init(
                address="local",
                num_cpus=self.workers or cores(),
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                object_store_memory=STORE_BYTES,
                _node_ip_address="127.0.0.1",
                # Ray opens its folder to everybody; the one around it stays private.
                _temp_dir=str(Path(self._folder.name) / "r"),
            )
        except Exception as error:
            with suppress(Exception):
                self.close()
            raise SkillClawError(
                "A local Ray cannot be started.", one_line(str(error), 200), LOCALLY
            ) from error

    def _join(self, ray: Any) -> None:
        try:
            ray.init(address=self.address, log_to_driver=False, configure_logging=False)
        except Exception as error:
            with suppress(Exception):
                self.close()
            raise self._unusable(error) from error


_loaded: list[str] = []
"""What Ray was loaded for by this module; empty where it was not, or where something else loaded it."""

KINDS = {True: "a Ray of this machine", False: "a cluster"}


def _must_be_loaded_for(*, local: bool) -> None:
    """Ray reads what it listens on and whom it lets in once, as it is loaded. One that was loaded for
    something else would let other machines run code here, or show a cluster a token that is not its own.
    """
    if _loaded != [KINDS[local]]:
        by = f"for {_loaded[0]}" if _loaded else "by something else"
        raise SkillClawError(
            f"Ray cannot be used for {KINDS[local]} by this process.",
            f"It was loaded {by} before, and stays as it was loaded for as long as the process lives.",
            "Start the process again. (A program that loads Ray itself starts it too, with ray.init.)",
        )


def _imported(*, local: bool) -> Any:
    before = "ray" in sys.modules
    try:
        import ray
    except ImportError as error:
        raise SkillClawError(
            "Ray is not installed.",
            one_line(str(error), 200),
            f"{install('evolve', 'cluster')}. {LOCALLY}",
        ) from error
    if not before:
        _loaded[:] = [KINDS[local]]
    # What goes wrong comes back as an error; Ray's hints on standard error would be in the way.
    logging.getLogger("ray").setLevel(logging.ERROR)
    return ray


@cache
def _token() -> str:
    """What a local Ray asks for; one per process, since Ray's library keeps the first that it sees."""
    return secrets.token_hex(32)


def _variables(*, local: bool) -> dict[str, str]:
    """What Ray takes from the environment alone, while it is loaded and starts."""
    found = {
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray tells of each worker that died on standard output, in the middle of what --json prints.
        "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    }
    if local:
        # Where this process finds its modules, its workers find them too. (A runtime_env would say the same,
        # but then each worker takes twice as long to start.)
        found["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        # Without this Ray puts the address of the network in the place of the loopback address.
        found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        found["RAY_AUTH_TOKEN"] = _token()
        found["RAY_AUTH_MODE"] = "token"
    else:
        # One try is 40 s; Ray makes twenty of them at a port where something else answers.
        found["RAY_NUM_REDIS_GET_RETRIES"] = "1"
    return found


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """With these variables. Afterwards they, and what Ray sets for the whole process beside them (its own
    variables, `breakpoint()`, the handler of SIGTERM), are as before.
    """
    before = dict(os.environ)
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if main else None
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in [n for n in os.environ if n.startswith(("RAY_", "PYTHON"))]:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]
        if handler is not None:
            signal.signal(signal.SIGTERM, handler)


def _short_folder() -> str | None:
    """The folder for temporary files, unless sockets in it would have too long a name."""
    usual = tempfile.gettempdir()
    short = Path("/tmp")  # noqa: S108 - a private folder is made in it
    return (
        str(short)
        if len(usual) + len("/skillclaw-ray-12345678/r") + SOCKET_ROOM > 100 and short.is_dir()
        else None
    )


def _reach(address: str) -> None:
    """Raises OSError or ValueError when nothing answers: Ray itself would try for long."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise ValueError(f"{address!r} is not host:port")
    socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_SECONDS).close()


class Served:
    """The actor: a worker with the task in it."""

    def __init__(self, pickled: bytes) -> None:
        self._first, self._task = load(pickled)

    def first(self) -> bytes:
        """Its first message."""
        return encode(self._first)

    def answer(self, items: bytes) -> bytes:
        """The answers to a batch, both as MessagePack."""
        assert self._task is not None, "a worker that refused is given nothing"
        return encode(answer(self._task, decode_items(items)))


class _Actor:
    """A worker somewhere on the cluster; `ref` is the message that it owes."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        self._actor = actor
        self.ref = actor.first.remote()

    def give(self, items: Sequence[bytes]) -> None:
        self.ref = self._actor.answer.remote(encode(items))

    def end(self) -> None:
        with suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(self._actor)


class _Crew:
    def __init__(self, ray: Any, task: Task) -> None:
        self._ray = ray
        self._pickled = pickle.dumps(task)
        # Retries are ours (_drive): the same count for a worker that dies, its node and its memory, where
        # Ray itself would try a batch that runs out of memory for ever.
        self._served = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Served)

    def hire(self) -> _Actor:
        return _Actor(self._ray, self._served.remote(self._pickled))

    def hear(self, workers: Sequence[_Actor], timeout: float) -> list[tuple[_Actor, Message | Gone]]:
        by_ref = {worker.ref: worker for worker in workers}
        if not by_ref:
            return []
        wait, refs = self._ray.wait, list(by_ref)
        ready, _ = wait(refs, num_returns=len(refs), timeout=0)
        if not ready and timeout > 0:
            ready, _ = wait(refs, num_returns=1, timeout=timeout)
        return [(by_ref[ref], self._receive(ref)) for ref in ready]

    def _receive(self, ref: Any) -> Message | Gone:
        try:
            return decode_message(self._ray.get(ref))
        except self._ray.exceptions.RayError as error:
            return Gone(why=one_line(str(error), 300))
