"""A command on a terminal of its own, with somebody who reads and types."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

CHILD = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'skillclaw', *sys.argv[1:]])"
)


class Terminal:
    """`skillclaw` with these arguments; `said` is all that it wrote."""

    def __init__(self, *args: str, home: Path, environ: Mapping[str, str]) -> None:
        import pty

        self.ours, theirs = pty.openpty()
        kept = {k: v for k, v in os.environ.items() if k.startswith(("PYTHON", "XDG_CACHE", "LANG"))}
        own = {
            "HOME": str(home),
            "SKILLCLAW_HOME": str(home / ".skillclaw"),
            "COLUMNS": "160",
            "TERM": "xterm",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *args],
            env={**kept, **own, **environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.said = ""

    def until(self, text: str, seconds: float = 60) -> None:
        """Wait until it has written this."""
        end = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < end, self.said
            assert self._read(end - time.monotonic()), self.said

    def types(self, text: str) -> None:
        """Keys; `\\x03` is Ctrl-C."""
        os.write(self.ours, text.encode())

    def answers(self, text: str) -> None:
        """Keys, once it waits for them: no person is quicker than that. Python takes no notice of a Ctrl-C
        between the writing of a question and the reading of its answer until another key comes.
        """
        asleep, end = 0, time.monotonic() + 10
        while asleep < 10 and time.monotonic() < end:
            asleep = asleep + 1 if self._asleep() else 0
            time.sleep(0.01)
        self.types(text)

    def ends(self, seconds: float = 90) -> int:
        """Its exit code, once it has ended by itself."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            assert time.monotonic() < end, self.said
        try:
            return self.process.wait(max(1.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it has not ended, and wrote: {self.said}") from None
        finally:
            os.close(self.ours)

    def _asleep(self) -> bool:
        """Whether its main thread waits for something; where the system does not tell, that it does."""
        try:
            told = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8")
        except OSError:
            return True
        return told.rpartition(")")[2].split()[0] == "S"

    def _read(self, seconds: float) -> bool:
        if not select.select([self.ours], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # Linux says so once nobody has the other end
            return False
        self.said += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)
