"""The bubblewrap runner: each command in fresh namespaces over the same mounts.

Files that a command leaves in a writable mount are there for the next; processes are not. The room has the
host's `/usr` and this interpreter, read-only, so that tasks find the usual programs and Python without an
image.
"""

from __future__ import annotations

import os
import platform
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import skillclaw
from skillclaw.errors import StorageError
from skillclaw.sandbox import relay, strays
from skillclaw.sandbox.disk import Disk
from skillclaw.sandbox.model import Limits, Mount, Ran, shortened

__all__ = ["missing", "open_box"]

PYTHON = Path(sys.base_prefix).resolve()
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
FILES = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ssl/certs")
RELAY, SOCKET = "/run/skillclaw/relay.py", "/run/skillclaw/model.sock"
DOOR = (f"{PYTHON}/bin/python3", "-I", "-S", RELAY, "8787", SOCKET)
"""What stands before a command whose room has a socket (`relay.py`)."""
ROOM = {"PATH": f"{PYTHON}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TZ": "UTC"}
ROOM_MB, ROOM_FILES = 2_000, 200_000
"""By how much the writable mounts of a room may grow."""
MEMORY_MB = 500
"""Size of each file system in memory that a room has."""
STARTED = Limits(memory_mb=0, file_mb=1_000, processes=1_000)
"""Of a program that is started, such as an agent. No limit on address space: JavaScript engines reserve
more than they ever use."""
LOOK = 0.2
"""Seconds between two looks at how much a room has written."""
END = 30.0
"""Seconds that the processes of a room may take to be gone once they are killed."""
ASKED = 30.0
"""Seconds that bwrap has to show that it works."""
BEGIN = """\
tries=0
while :; do
  left=
  for file in "$5"/*; do [ -d "$file/" ] && left=$file; done
  [ -z "$left" ] && break
  tries=$((tries + 1)); [ "$tries" -gt 500 ] && { echo "$left stays open"; exit 125; }
  /bin/sleep 0.01
done
ulimit -c 0; ulimit -f "$2"; ulimit -v "$3"; ulimit -u "$4"; shift 5; exec "$@"
"""
"""What stands before every command: who made the room (`strays`), and its limits. They are set in the room,
because one on processes that is set outside counts all processes of the user. It waits until bwrap, which is
the room's first process, has closed the folders of the host that it had open to make the room: on a busy
machine that may come after the command's begin, and until then they are ways out."""
OPEN = "/proc/1/fd"
"""Where that is seen."""
FIRST = 'echo 1000 2>/dev/null >/proc/self/oom_score_adj; exec "$@"'
"""Where memory runs out, rooms go before anything else of the host."""


def missing() -> str:
    """Why bubblewrap cannot run here; empty when it can, which is then not asked again."""
    try:
        _tried()
    except _MissingError as error:
        return str(error)
    return ""


class _MissingError(Exception):
    """The message says why."""


@cache  # keeps no error: a machine that was busy, or lacked a package, may have it next time
def _tried() -> None:
    if not sys.platform.startswith("linux"):
        raise _MissingError("bubblewrap needs Linux.")
    program = shutil.which("bwrap")
    if program is None:
        raise _MissingError("bubblewrap is not installed (no program bwrap).")
    try:
        tried = _asked([program, "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "true"])
    except StorageError as error:
        raise _MissingError(f"{error.what} {error.why}") from error
    if tried.returncode:
        said = tried.stderr.decode("utf-8", "replace").strip().rstrip(".")
        raise _MissingError(
            f"bubblewrap cannot make a sandbox ({said}). The system must let you make user namespaces."
        )


def _asked(line: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Raises StorageError where it cannot be started or does not end."""
    try:
        return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASKED, check=False)
    except OSError as error:
        raise StorageError(f"bubblewrap cannot be started ({line[0]}).", f"{error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        why = f"It did not end within {ASKED:.0f} seconds."
        raise StorageError(f"bubblewrap does not answer ({line[0]}).", why) from error


@contextmanager
def open_box(
    mounts: Sequence[Mount], *, workspace: str, socket: Path | None = None, scratch: Path | None = None
) -> Iterator[_Room]:
    """See `sandbox.open_box`."""
    strays.end_strays()
    with tempfile.TemporaryDirectory(prefix="skillclaw-box-", dir=scratch) as folder:
        disk = Disk([m.outside for m in mounts if m.writable], ROOM_MB * 10**6, ROOM_FILES)
        yield _Room(_options(mounts, workspace, Path(folder), socket), DOOR if socket else (), disk)


class _Room:
    def __init__(self, options: Sequence[str], first: Sequence[str], disk: Disk) -> None:
        self._options = list(options)
        self._first = list(first)
        self._disk = disk

    def run(
        self,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str] = {},
        stdin: bytes = b"",
        limits: Limits = Limits(),  # noqa: B008 - a frozen record
    ) -> Ran:
        began = time.monotonic()
        # A file, not a pipe: `communicate` forgets what is left to write when it is asked a second time.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out:
            given.write(stdin)
            given.seek(0)
            process = self._process(argv, environ, limits, given, out, subprocess.STDOUT)
            code: int | None = None
            stopped = ""
            try:
                code, stopped = self._wait(process, began + limits.seconds)
            finally:
                process.kill()
                process.wait()
            output = shortened(out, limits.output)
            if code is not None and not process.ran:
                raise StorageError("A command could not be run in its sandbox.", output.strip()[-300:])
            return Ran(code=code, output=output, seconds=time.monotonic() - began, stopped=stopped)

    def _wait(self, process: _Process, end: float) -> tuple[int | None, str]:
        """The exit code, or None and why it is to be stopped."""
        while True:
            left = end - time.monotonic()
            try:
                return process.wait(max(0.0, min(left, LOOK))), ""
            except subprocess.TimeoutExpired:
                if left <= LOOK:
                    return None, ""
                if said := self._disk.over():
                    return None, said

    def start(self, argv: Sequence[str], *, environ: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = self._process(argv, environ, STARTED, pipe, pipe, pipe)
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()
        return process

    def _watch(self, process: _Process) -> None:
        while process.poll() is None:
            if self._disk.over():
                process.kill()
            time.sleep(LOOK)

    def _process(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        limits: Limits,
        stdin: int | IO[bytes],
        stdout: int | IO[bytes],
        stderr: int,
    ) -> _Process:
        options = [*self._options, *_variables(environ)]
        return _Process(options, [*_begin(limits), *self._first, *argv], stdin, stdout, stderr)


class _Process(subprocess.Popen[bytes]):
    """bwrap. Its end is the end of all processes of the room; `ran` says whether the command got to run and
    to its own end."""

    def __init__(
        self, options: Sequence[str], line: Sequence[str], stdin: int | IO[bytes], stdout: Any, stderr: int
    ) -> None:
        self.ran = False
        self._status, status = os.pipe()
        try:
            # Options go by a file: the variables among them may be keys, and every user sees command lines.
            with tempfile.TemporaryFile() as given:
                given.write(b"".join(os.fsencode(option) + b"\0" for option in options))
                given.seek(0)
                start = ["/bin/sh", "-c", FIRST, "sh", shutil.which("bwrap") or "bwrap"]
                start += ["--args", str(given.fileno()), "--json-status-fd", str(status), "--"]
                super().__init__(
                    [*start, *line],
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    pass_fds=(given.fileno(), status),
                    env={},  # bwrap is the first process in the room, where its environment can be read
                    cwd="/",  # of which a shell makes a variable
                )
        except BaseException:
            os.close(self._status)
            self._status = -1
            raise
        finally:
            os.close(status)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the room, not of its first process alone."""
        code = super().wait(timeout)
        if self._status >= 0:
            status, self._status = self._status, -1
            os.set_blocking(status, False)
            said = b""
            with suppress(BlockingIOError):
                said = os.read(status, 65536)
            os.close(status)
            self.ran = b'"exit-code"' in said
            _wait_for(said)
        return code


def _wait_for(said: bytes) -> None:
    """Wait until the room's first process is gone, which is the last of them to go."""
    found = re.search(rb'"child-pid": *(\d+)', said)
    if found is None:
        return
    # Gone already where it cannot be opened.
    with suppress(OSError):
        watched = os.pidfd_open(int(found[1]))
        try:
            select.select([watched], [], [], END)
        finally:
            os.close(watched)


def _options(mounts: Sequence[Mount], workspace: str, folder: Path, socket: Path | None) -> list[str]:
    options = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    # The same user in the room whoever runs it, so that tasks go the same way everywhere.
    options += ["--uid", "0", "--gid", "0", "--cap-drop", "ALL", "--hostname", "sandbox"]
    for name in SYSTEM:
        path = Path(name)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            options += ["--ro-bind", name, name]
    for name in FILES:
        options += ["--ro-bind-try", name, name]
    (folder / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n", "utf-8")
    (folder / "group").write_text("root:x:0:\n", "utf-8")
    options += ["--ro-bind", str(folder / "passwd"), "/etc/passwd"]
    options += ["--ro-bind", str(folder / "group"), "/etc/group"]
    # Where root runs this, root's files in /proc could be written, and they are the host's.
    options += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]
    for name in ("/tmp", "/root", "/dev/shm"):  # noqa: S108 - paths in the room
        options += [*_size(), "--tmpfs", name]
    if not PYTHON.is_relative_to("/usr"):
        options += ["--ro-bind", str(PYTHON), str(PYTHON)]
    for package in _packages():
        options += ["--tmpfs", str(package), "--remount-ro", str(package)]  # the tasks' answers lie in it
    for mount in mounts:
        how = "--bind" if mount.writable else "--ro-bind"
        options += [how, str(mount.outside.resolve()), mount.inside]
    if socket is not None:
        options += ["--ro-bind", str(Path(relay.__file__).resolve()), RELAY]
        options += ["--bind", str(socket.resolve()), SOCKET]
    # What is written elsewhere would be lost with the command, and fill the memory till then.
    options += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", workspace]
    return options


@cache
def _size() -> tuple[str, ...]:
    """The option that bounds a file system in memory, where this bwrap has it (since 0.7)."""
    told = _asked([shutil.which("bwrap") or "bwrap", "--help"])
    known = b"--size " in told.stdout + told.stderr
    return ("--size", str(MEMORY_MB * 10**6)) if known else ()


@cache
def _packages() -> tuple[Path, ...]:
    """SkillClaw where the room would have it: this one, and any other that is installed beside a Python."""
    shown = (Path("/usr"), PYTHON)
    found = {Path(skillclaw.__file__).resolve().parent}
    for place in (*shown, Path("/usr/local")):
        found |= {path.resolve() for path in place.glob("lib/python3*/*-packages/skillclaw")}
    return tuple(sorted(path for path in found if any(path.is_relative_to(place) for place in shown)))


def _variables(environ: Mapping[str, str]) -> list[str]:
    return [part for name, value in (ROOM | dict(environ)).items() for part in ("--setenv", name, value)]


def _begin(limits: Limits) -> list[str]:
    memory = str(limits.memory_mb * 10**6 // 1024) if limits.memory_mb else "unlimited"
    count = str(limits.processes) if _counts_by_room() else "unlimited"
    files = str(limits.file_mb * 10**6 // 1024)
    return ["/bin/bash", "-p", "-c", BEGIN, strays.MARK, strays.maker(), files, memory, count, OPEN]


@cache
def _counts_by_room() -> bool:
    """Whether the limit on processes counts those of the user namespace (Linux 5.14), not all of the user."""
    numbers = re.match(r"(\d+)\.(\d+)", platform.release())
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= (5, 14)
