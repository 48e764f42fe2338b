"""The process that watches over one job of the dashboard: `python -m skillclaw.web.site.job_child`.

It gets its task as one line of JSON on stdin, which stays open as long as the dashboard lives. When that
ends, by whatever way, stdin ends too: the command is ended, with all that it started, and nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from skillclaw.compiled import keep_whole
from skillclaw.private import close_files
from skillclaw.web.site.jobs import Job, write

__all__ = ["main"]

OUTPUT = 1 << 20
"""Bytes of a command's output that are kept; a longer one is no result."""
LINES = 6
OFTEN = 0.7
"""Seconds between two notes of how far it is."""
GRACE = 4.0
"""Seconds that a command has to end by itself."""
PROGRESS = "progress: "


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The task: the command, the job's file and record; `finds`: exit code 1 is an answer."""

    path: str
    argv: list[str]
    job: Job
    finds: bool


class Watch:
    """One command while it runs."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.job = spec.job
        self.cut_off = False
        self._said: list[str] = []
        self._noted = time.monotonic()
        self.process = subprocess.Popen(
            spec.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self) -> None:
        """Until the command ended; what became of it is in the job's file then."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        listener = threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True)
        listener.start()
        threading.Thread(target=self._mind, daemon=True).start()
        printed = _most(self.process.stdout)
        code = self.process.wait()
        listener.join(GRACE)
        self._end(code, printed)

    def _mind(self) -> None:
        """End the command when the dashboard is gone."""
        while os.read(0, 4096):
            pass
        self.cut_off = True
        _signal(self.process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)
        # what it started may still be there when it has ended itself
        _signal(self.process, getattr(signal, "SIGKILL", signal.SIGTERM))

    def _listen(self, stream: IO[bytes]) -> None:
        for raw in stream:
            line = raw[:4000].decode("utf-8", "replace").strip()
            if line.startswith(PROGRESS):
                self._went_on(line.removeprefix(PROGRESS))
            elif line:
                self._said = [*self._said, line][-LINES:]

    def _went_on(self, text: str) -> None:
        now = time.monotonic()
        if now - self._noted < OFTEN:
            return
        self._noted = now
        with contextlib.suppress(msgspec.MsgspecError, OSError):
            done, total, what = msgspec.json.decode(text, type=tuple[int, int | None, str])
            self.job = msgspec.structs.replace(self.job, done=done, total=total, what=what[:200])
            write(Path(self.spec.path), self.job)

    def _end(self, code: int, printed: bytes) -> None:
        result = _json(printed)
        well = code == 0 or (self.spec.finds and code == 1 and result is not None)
        said = ["It was ended with the dashboard."] if self.cut_off else self._said
        ended = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        state = "done" if well and not self.cut_off else "failed"
        self.job = msgspec.structs.replace(
            self.job, state=state, ended=ended, result=result, said=said, code=code
        )
        write(Path(self.spec.path), self.job)


def main() -> None:
    """Watch over the job that stdin names."""
    close_files()
    line = b""
    # not by `sys.stdin`, whose buffer would hold what comes after the line
    while not line.endswith(b"\n"):
        more = os.read(0, 65_536)
        if not more:
            return  # the dashboard ended before it said what to do
        line += more
    Watch(msgspec.json.decode(line, type=Spec)).run()


def _most(stream: IO[bytes]) -> bytes:
    """All of it where that is not too much, else nothing; it is read to its end in any case."""
    kept, size = [], 0
    while more := stream.read1(65_536):  # type: ignore[attr-defined]
        size += len(more)
        if size <= OUTPUT:
            kept.append(more)
    return b"".join(kept) if size <= OUTPUT else b""


def _json(printed: bytes) -> Any:
    try:
        return msgspec.json.decode(printed) if printed.strip() else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """To the command and all that it started and did not set free."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
    elif process.poll() is None:
        process.terminate()


if __name__ == "__main__":
    keep_whole()
    main()
    sys.exit(0)
