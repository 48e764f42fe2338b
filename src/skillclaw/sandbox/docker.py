"""The Docker runner: one container for each room, for tasks that need an image.

Processes of a room share its network and its `/tmp`, and what a command changes outside the mounts is there
for the next one, until the room is closed. An image must hold a POSIX shell with the usual small programs
(date, grep, kill, sleep, tr); with a socket also `python3`. Images are never pulled: what runs here is what
somebody has put here.

The environment variable SKILLCLAW_DOCKER names another program with Docker's command line, with arguments
where it needs some (`podman --runtime runc`).
"""

from __future__ import annotations

import csv
import io
import os
import resource
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from skillclaw.errors import StorageError, UsageError
from skillclaw.sandbox.model import Limits, Mount, Ran, shortened

__all__ = ["PROGRAM", "missing", "open_box", "program"]

PROGRAM = "SKILLCLAW_DOCKER"
INIT = 'end=$(($(date +%s) + 86400)); while [ "$(date +%s)" -lt "$end" ]; do sleep 3600; done'
"""The first process: a shell, which reaps the processes that others leave behind (`sleep` alone would let
them fill the limit as zombies). It ends after a day, should its maker have died."""

MEMORY_MB = 4_000
PROCESSES = 512
ROOM = {"LANG": "C.UTF-8", "TZ": "UTC"}
MARK = "SKILLCLAW_ROOM_COMMAND"
SOCKET = "/run/skillclaw/model.sock"
PORT = 8787

LIMIT = 'ulimit -c 0; ulimit -v "$1"; ulimit -f "$2"; shift 2; exec "$@"'
"""`ulimit -v` counts KiB and, in a POSIX shell, `ulimit -f` blocks of 512 bytes."""

ALL = "kill -9 -1"
MARKED = """\
for place in /proc/[0-9]*; do
  if tr '\\0' '\\n' < "$place/environ" 2>/dev/null | grep -qx "$1"; then kill -9 "${place#/proc/}"; fi
done
"""

FORWARD = """\
import socket, sys, threading
def copy(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass
server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
print("ready", flush=True)
while True:
    near, _ = server.accept()
    far = socket.socket(socket.AF_UNIX)
    try:
        far.connect(sys.argv[1])
    except OSError:
        near.close()
        continue
    for pair in ((near, far), (far, near)):
        threading.Thread(target=copy, args=pair, daemon=True).start()
"""


def program() -> list[str]:
    """The program and its own arguments."""
    return shlex.split(os.environ.get(PROGRAM, "")) or ["docker"]


def missing(image: str = "") -> str:
    """Why no container of `image` can run here, in one line; empty when it can.

    Without an image only the program and its engine are looked at.
    """
    return _missing(tuple(program()), image)


@cache
def _missing(command: tuple[str, ...], image: str) -> str:
    name = command[0]
    if shutil.which(name) is None:
        return f"Docker is not installed (no program {name})."
    if image.startswith("-"):
        return f"{image!r} is no name of an image."
    try:
        tried = subprocess.run([*command, "ps", "-q"], capture_output=True, timeout=30, check=False)
        if tried.returncode:
            return f"{name} reaches no engine: {_last_line(tried.stderr)}"
        if image:
            tried = subprocess.run(
                [*command, "image", "inspect", image], capture_output=True, timeout=30, check=False
            )
            if tried.returncode:
                return f"{name} has no image {image} (get it with: {name} pull {image})."
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name} does not answer: {error}"
    return ""


@contextmanager
def open_box(
    mounts: Sequence[Mount], *, workspace: str, socket: Path | None = None, image: str = ""
) -> Iterator[_Room]:
    """See `sandbox.open_box`. Raises UsageError when the image cannot serve as a room, StorageError when the
    engine fails."""
    if not image:
        raise UsageError("The runner docker needs an image.", "", "Say which one, as image=NAME.")
    command = program()
    made = _engine([*command, "run", *_options(mounts, command, socket), image, "-c", INIT], 120)
    container = made.stdout.decode("utf-8", "replace").strip()
    if made.returncode or not container:
        raise StorageError(
            f"No container of the image {image} could be started.",
            _last_line(made.stderr),
            "The image must hold a shell and the usual small programs.",
        )
    room = _Room(command, container, workspace)
    try:
        ready = room.run(["sh", "-c", "date && kill -l && grep -q . /proc/self/status && tr a b </dev/null"])
        if ready.code != 0:
            raise UsageError(
                f"The image {image} cannot serve as a room.",
                ready.output.strip()[-300:],
                "It must hold a shell and the usual small programs.",
            )
        if socket is not None:
            _forward(room, image)
        yield room
    finally:
        room.close()


class _Room:
    def __init__(self, command: Sequence[str], container: str, workspace: str) -> None:
        self._command = list(command)
        self._container = container
        self._workspace = workspace
        self._started: list[_Started] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        environ: Mapping[str, str] = {},
        stdin: bytes = b"",
        limits: Limits = Limits(),  # noqa: B008 - a frozen record
    ) -> Ran:
        began = time.monotonic()
        mark = secrets.token_hex(8)
        memory, file = limits.memory_mb * 10**6 // 1024, limits.file_mb * 10**6 // 512
        line, variables = self._exec(environ, mark)
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(
                [*line, "sh", "-c", LIMIT, "sh", str(memory), str(file), *argv],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=variables,
                # What it writes is a file here: it counts like a file that it makes there.
                preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (limits.file_mb * 10**6, limits.file_mb * 10**6)
                ),
            )
            code: int | None
            try:
                process.communicate(stdin, timeout=limits.seconds)
                code = process.returncode
            except subprocess.TimeoutExpired:
                code = None
            # Killing the client leaves the command alive in the container: that one goes first.
            self._sweep(mark)
            process.kill()
            process.wait()
            return Ran(code=code, output=shortened(out, limits.output), seconds=time.monotonic() - began)

    def start(self, argv: Sequence[str], *, environ: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        mark = secrets.token_hex(8)
        line, variables = self._exec(environ, mark)
        started = _Started(self, mark, [*line, *argv], variables)
        self._started.append(started)
        return started

    def end(self, mark: str) -> None:
        """End the processes of one command, as far as they still carry its mark."""
        self._inside(MARKED, f"{MARK}={mark}")

    def close(self) -> None:
        _engine([*self._command, "rm", "-f", self._container], 60)
        for one in self._started:
            subprocess.Popen.kill(one)
            one.wait()

    def _sweep(self, mark: str) -> None:
        """End what a command left running. A process can shed its mark, so that all go when nothing else has
        a right to live here."""
        self._started = [one for one in self._started if one.poll() is None]
        if self._started:
            self.end(mark)
        else:
            self._inside(ALL)

    def _inside(self, script: str, *arguments: str) -> None:
        _engine([*self._command, "exec", self._container, "sh", "-c", script, "sh", *arguments], 60)

    def _exec(self, environ: Mapping[str, str], mark: str) -> tuple[list[str], dict[str, str]]:
        """The command line, and the variables of the client: values go through these, not through the command
        line, which every user of the host may read. A name that the client has itself cannot go so."""
        line = [*self._command, "exec", "-i", "--workdir", self._workspace]
        variables = dict(os.environ)
        for name, value in (ROOM | dict(environ) | {MARK: mark}).items():
            if name in os.environ:
                line += ["--env", f"{name}={value}"]
            else:
                line += ["--env", name]
                variables[name] = value
        return [*line, self._container], variables


class _Started(subprocess.Popen[bytes]):
    """A client whose end is the end of its command in the container too."""

    def __init__(self, room: _Room, mark: str, line: Sequence[str], variables: Mapping[str, str]) -> None:
        self._room, self._mark = room, mark
        pipe = subprocess.PIPE
        super().__init__(line, stdin=pipe, stdout=pipe, stderr=pipe, env=variables)

    def kill(self) -> None:
        self._room.end(self._mark)
        super().kill()

    def terminate(self) -> None:
        self.kill()


def _options(mounts: Sequence[Mount], command: Sequence[str], socket: Path | None) -> list[str]:
    options = ["-d", "--rm", "--pull", "never", "--stop-timeout", "0", "--label", "skillclaw=box"]
    options += ["--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += ["--memory", f"{MEMORY_MB}m", "--pids-limit", str(PROCESSES), "--hostname", "sandbox"]
    # Named, since an engine's own defaults may be higher than what this process may give.
    options += ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", "--ulimit", "core=0:0"]
    options += _user(command)
    for mount in mounts:
        options += ["--mount", _mount(mount)]
    if socket is not None:
        options += ["--mount", _mount(Mount(outside=socket, inside=SOCKET, writable=True))]
    return [*options, "--entrypoint", "sh"]


def _user(command: Sequence[str]) -> list[str]:
    """Who the commands are, so that they may write into the mounts and the host may delete what they wrote.

    Without capabilities even root may write only what is its own. In a rootless engine the container's root
    is the user; in another one it is the host's root, and the user must be named.
    """
    user = os.getuid()
    if user == 0 or Path(command[0]).name.startswith("podman"):
        return []
    told = _engine([*command, "info", "--format", "{{.SecurityOptions}}"], 30)
    if b"rootless" in told.stdout:
        return []
    return ["--user", f"{user}:{os.getgid()}", "--env", "HOME=/tmp"]


def _mount(mount: Mount) -> str:
    """`--mount` takes one line of CSV, so that paths may hold commas and colons."""
    fields = ["type=bind", f"source={mount.outside.resolve()}", f"target={mount.inside}"]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields if mount.writable else [*fields, "readonly"])
    return line.getvalue()


def _forward(room: _Room, image: str) -> None:
    """Make the socket what the room sees as http://127.0.0.1:8787."""
    server = room.start(["python3", "-c", FORWARD, SOCKET, str(PORT)])
    assert server.stdout is not None and server.stderr is not None
    if server.stdout.readline().strip() != b"ready":
        raise UsageError(
            f"The image {image} has nothing to reach the model with.",
            _last_line(server.stderr.read()),
            "It must hold the program python3.",
        )


def _engine(line: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            line, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StorageError(f"{line[0]} did not answer.", str(error)) from error


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing."
