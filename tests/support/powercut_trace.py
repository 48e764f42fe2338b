"""What a command and its children asked of the file system, in order, as strace saw it.

strace and not a library that is loaded first (LD_PRELOAD): it sees what every program of every language asks
of the kernel (SQLite's C code, the storage library's Rust, processes that were started), in the kernel's
order, with the bytes. A preloaded library misses what is called without libc, and has to guess what a
call did that failed half-way.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Call", "calls", "children", "environment", "missing", "recorded", "strings", "tracing"]

TRACED = [
    "open",
    "openat",
    "creat",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "lseek",
    "read",
    "readv",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "fsync",
    "fdatasync",
    "sync",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "ftruncate",
    "truncate",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "splice",
    "mmap",
    "chdir",
    "fchdir",
    "umask",
    "chmod",
    "fchmod",
    "fchmodat",
    "clone",
    "clone3",
    "fork",
    "vfork",
    "execve",
    "io_uring_setup",
    "ioctl",
]
LONGEST = 1 << 25
"""Bytes of one string that strace prints; a longer write ends the test with an error."""
_LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*)")
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)(?: .*)?")
_BEGUN = re.compile(r"(\w+)\((.*?),? ?<unfinished \.\.\.>")
_ENDED = re.compile(r"<\.\.\. (\w+) resumed>(.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)(?: .*)?")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@dataclass(frozen=True)
class Call:
    """One system call: who, what, the text of its arguments, what came back (-1: failed), when.

    `begin` and `end` are lines of the trace: something else may have happened between them. `time` is the
    Unix time at which the call began, `over` that of its end.
    """

    pid: int
    name: str
    args: str
    result: int
    begin: int
    end: int
    time: float
    over: float


@functools.cache
def missing() -> str:
    """Why nothing can be traced here; empty where it can."""
    if not sys.platform.startswith("linux"):
        return "strace is a program of Linux"
    if shutil.which("strace") is None:
        return "strace is not installed"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "trace")
        # as the commands do it, a process may forbid that others look into it
        code = (
            f"import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); open({folder + '/x'!r}, 'w').write('ab')"
        )
        try:
            done = subprocess.run(
                [*tracing(out), sys.executable, "-S", "-c", code], capture_output=True, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"strace cannot run: {error}"
        if done.returncode or '"\\x61\\x62"' not in out.read_text("ascii", "replace"):
            return f"strace cannot read what a process writes: {done.stderr.decode()[-200:]}"
    return ""


def tracing(out: Path) -> list[str]:
    """What to put before a command so that its trace goes to `out`."""
    quick = ["--seccomp-bpf"] if _has_filters() else []
    names = ",".join(f"?{name}" for name in TRACED)
    bare = "raw=read,readv,ioctl,lseek"
    what = ["-e", f"trace={names}", "-e", bare, "-e", "signal=none"]
    return ["strace", "-f", *quick, "-ttt", "-xx", "-s", str(LONGEST), "-o", str(out), *what]


@functools.cache
def _has_filters() -> bool:
    return "--seccomp-bpf" in subprocess.run(["strace", "--help"], capture_output=True, text=True).stdout


def recorded(
    command: Sequence[str], out: Path, env: Mapping[str, str], cwd: Path, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end with its trace in `out`."""
    return subprocess.run(
        [*tracing(out), *command],
        env=dict(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


def calls(trace: Path) -> Iterator[Call]:
    """The calls of a trace by their ends, when they have taken effect. ValueError: not understood."""
    begun: dict[int, tuple[int, float, str, str]] = {}
    with trace.open(encoding="ascii", errors="strict") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                raise ValueError(f"line {number} of the trace: {line[:200]}")
            pid, time, rest = int(found[1]), float(found[2]), found[3]
            if rest.startswith(("+++", "---")):
                continue
            if match := _BEGUN.fullmatch(rest):
                begun[pid] = number, time, match[1], match[2]
            elif match := _ENDED.fullmatch(rest):
                if pid in begun:
                    first, since, name, args = begun.pop(pid)
                    yield Call(pid, name, args + match[2], _number(match[3]), first, number, since, time)
            elif match := _CALL.fullmatch(rest):
                yield Call(pid, match[1], match[2], _number(match[3]), number, number, time, time)
            elif "<unfinished" not in rest and "resumed>" not in rest and "(" in rest and ") = " in rest:
                raise ValueError(f"line {number} of the trace: {line[:200]}")


def children(all_calls: Sequence[Call]) -> dict[int, tuple[int, bool]]:
    """By process or thread: who made it, and whether they share their open files."""
    return {
        call.result: (call.pid, "CLONE_FILES" in call.args)
        for call in all_calls
        if call.name in {"clone", "clone3", "fork", "vfork"} and call.result > 0
    }


def strings(args: str) -> list[bytes]:
    """The strings among the arguments of a call; ValueError where strace left some of one out."""
    found = []
    for match in _STRING.finditer(args):
        if match[2]:
            raise ValueError("the trace leaves out bytes of a write")
        found.append(bytes.fromhex(match[1].replace("\\x", "")))
    return found


def _number(text: str) -> int:
    if text == "?":
        return -1
    # the answer of umask is octal
    return int(text, 8) if text.startswith("0") and text.isdigit() else int(text, 0)


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a command whose user's home is `home`."""
    drop = ("SKILLCLAW_", "ANTHROPIC_", "OPENAI_", "CLAUDE_", "CODEX_", "XDG_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    return kept | {
        "HOME": str(home),
        "SKILLCLAW_HOME": str(home / ".skillclaw"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "200",
        **more,
    }
