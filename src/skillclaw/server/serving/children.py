"""A cycle as a process: started, heard, told to stop, ended."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from skillclaw.errors import UNREADABLE
from skillclaw.limits import lacking, of_memory
from skillclaw.own_log import begin
from skillclaw.server.serving.worker import Order, Result, Said

__all__ = ["Child"]

log = logging.getLogger("skillclaw.serve")
WORKER = "skillclaw.cli.cycle_worker"
"""The module that is run: the room above knows what comes with the package."""
MOST = 1 << 20
"""Bytes of a line that a worker may say."""
LAST_WORDS = 1 << 16
"""Bytes of the log in which is looked for what a worker died of."""
SILENT = 6 * 3600.0
"""Seconds without a word after which a cycle counts as hung: its claim is kept up by a thread of its own, so
that without an end to it no server would ever work for its group."""


class Child:
    """One running cycle. `heard` is called for each line, `ended` once, both from a thread of the child's."""

    def __init__(
        self,
        order: Order,
        environ: Mapping[str, str],
        *,
        heard: Callable[[Said], None],
        ended: Callable[[Result], None],
        silent: float = SILENT,
    ) -> None:
        """Start it; it is ended after `silent` seconds without a word. Raises OSError where no process can be
        made, RuntimeError where no thread can."""
        self._silent, self._word = silent, time.monotonic()
        self._hung, self._over = False, threading.Event()
        self._log = Path(order.home) / "logs" / "serve.log"
        with begin(self._log) as errors:
            self._since = os.fstat(errors.fileno()).st_size
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environ),
                # A Ctrl-C in a terminal is for the server, which gives its cycles time to end.
                start_new_session=os.name == "posix",
            )
        self.pid = self._process.pid
        self._heard = heard
        self._ended = ended
        self._asked = self._killed = False
        assert self._process.stdin is not None
        with suppress(OSError):  # it died already, which its output tells
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
        try:
            threading.Thread(target=self._watch, name="silence", daemon=True).start()
            threading.Thread(target=self._listen, name=f"cycle {order.cycle}", daemon=True).start()
        except RuntimeError:  # no more threads: nobody would hear it
            self._over.set()
            self._process.kill()
            self._process.communicate()
            raise

    def ask_to_stop(self) -> None:
        """Have it stop where it next tells how far it is."""
        self._asked = True
        with suppress(OSError):
            self._process.terminate()

    def kill(self) -> None:
        """End it now; what it did is kept, as with every kill."""
        self._killed = True
        with suppress(OSError):
            self._process.kill()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def _listen(self) -> None:
        """Hear it to its end; `ended` is called however that goes, or the server would wait for ever."""
        try:
            result = self._listened()
        except Exception as error:  # this server lacks memory, or has a fault: it loses the cycle
            with suppress(OSError):
                self._process.kill()
            self._process.wait()
            limit = lacking(error)
            why = f"{limit[0]}. {limit[1]}" if limit else f"It could not be heard ({type(error).__name__})."
            result = Result(outcome="lost", error=why, kind=type(error).__name__)
        self._over.set()
        self._ended(result)

    def _listened(self) -> Result:
        result: Result | None = None
        assert self._process.stdout is not None and self._process.stdin is not None
        with self._process.stdout as lines:
            while line := lines.readline(MOST):
                self._word = time.monotonic()
                try:
                    said = msgspec.json.decode(line, type=Said)
                except UNREADABLE:
                    log.warning("a cycle's process said something else than lines of progress")
                    continue
                if said.result is not None:
                    result = said.result
                else:
                    self._heard(said)
        code = self._process.wait()
        with suppress(OSError):
            self._process.stdin.close()
        return result or (self._hung_up() if self._hung else self._died(code))

    def _watch(self) -> None:
        while not self._over.wait(min(self._silent / 4, 60.0)):
            if time.monotonic() - self._word > self._silent:
                self._hung = True
                with suppress(OSError):
                    self._process.kill()
                return

    def _hung_up(self) -> Result:
        why = f"The process of the cycle said nothing for {self._silent / 3600:.1f} hours, so it was ended."
        return Result(
            outcome="lost",
            error=f"{why} What it had done is kept; the next cycle goes on. See: skillclaw logs serve",
            kind="Hung",
        )

    def _died(self, code: int) -> Result:
        """What to make of a process that ended without a word."""
        if self._asked or self._killed:
            why = "It did not stop in time, so it was ended." if self._killed else "The server ended."
            return Result(outcome="stopped", error=f"{why} What it had done is kept.", kind="Ended")
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        why = f"The process of the cycle ended by {how} before it was done."
        if of_memory(self._last_words()):
            why += " There was not enough memory."
        return Result(
            outcome="lost",
            error=f"{why} What it had done is kept; the next cycle goes on. See: skillclaw logs serve",
            kind="Died",
        )

    def _last_words(self) -> str:
        """What the log got since it began; of a log that began anew meanwhile, its end."""
        with suppress(OSError), self._log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._since if self._since <= size else 0, size - LAST_WORDS))
            return file.read(LAST_WORDS).decode("utf-8", "replace")
        return ""
