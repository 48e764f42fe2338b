"""What the platforms' CLIs share: each thing said is one headless run of the program in the task's room.

The room has the program and the user's skills read-only, a HOME of its own, and no way out but the model
(`sandbox.open_box`, `door.socket_to`). HOME is made for one conversation and never read by the host.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import IO

import msgspec

from skillclaw.bench.agents.model import Endpoint, Reply
from skillclaw.bench.agents.programs import Program, find
from skillclaw.bench.sandbox import Box, Mount
from skillclaw.bench.suites.model import Message, Task, Workspace
from skillclaw.errors import UsageError
from skillclaw.trajectory.model import Record

__all__ = ["HOME", "CliAgent", "Platform", "Turn"]

HOME = "/home/agent"
"""In the room. Not /root: the interpreter of the host may lie there."""
SKILLS = (".agents/skills", ".claude/skills")
LARGEST = 32_000_000
"""Bytes of a program's output that are kept; one that writes more is stopped."""
ASKED = 60.0
"""Seconds that a command may take which tells about a session afterwards."""
WRITE = ("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1"', "write")


class Turn(Record, frozen=True, kw_only=True):
    """What a run of the program told. `session` is the id to go on with, where the program gives it."""

    messages: tuple[Message, ...] = ()
    text: str = ""
    steps: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    session: str = ""
    late: bool = False
    error: str = ""


class Platform(ABC):
    """What differs between the CLIs. `cumulative`: its counts of tokens are those of the session so far."""

    name = ""
    title = ""
    program = ""
    install = ""
    cumulative = False

    def files(self, endpoint: Endpoint, folder: str) -> Mapping[str, str]:
        """Settings to write: path under HOME -> text. Endpoint and workspace folder as the room sees them."""
        return {}

    def environ(self, endpoint: Endpoint) -> Mapping[str, str]:
        """Variables of the program."""
        return {}

    @abstractmethod
    def arguments(self, session: str, first: bool, text: str) -> tuple[list[str], str]:
        """The arguments and the stdin of a run that says `text`."""

    @abstractmethod
    def read(self, out: str, err: str) -> Turn:
        """What the run's output says; it never raises."""

    def after(self, program: Sequence[str], session: str) -> list[str]:
        """A command that tells more about the session than the run did; empty where it told all."""
        return []

    def more(self, turn: Turn, out: str) -> Turn:
        """`turn` with what that command told."""
        return turn


class CliAgent:
    """An agent that is a program of its own.

    label    sets sessions apart that have the same task and seed, where the platform takes an id
    program  where the program is, already found; for tests
    """

    def __init__(self, platform: Platform, *, label: str = "", program: Program | None = None) -> None:
        self.name = platform.name
        self._platform, self._label, self._found = platform, label, program

    def mounts(self, home: Path, state: Path) -> Sequence[Mount]:
        """The program, the skills in `home`, and `state` (an empty folder) as the HOME of one conversation.

        Raises UsageError when the program is not installed.
        """
        skills = [
            Mount(outside=home / folder, inside=f"{HOME}/{folder}")
            for folder in SKILLS
            if (home / folder).is_dir()
        ]
        return [Mount(outside=state, inside=HOME, writable=True), *skills, *self._program().mounts]

    def _program(self) -> Program:
        if self._found is None:
            self._found = find(self._platform.program, self._platform.title, self._platform.install)
        return self._found

    @contextmanager
    def open(
        self, task: Task, workspace: Workspace, endpoint: Endpoint, *, home: Path, seed: int
    ) -> Iterator[_Conversation]:
        """See `Agent.open`. The workspace's room must have been opened with `mounts` and a socket."""
        from skillclaw.bench.agents.door import inside

        platform = self._platform
        if not endpoint.model or not endpoint.base_url:
            raise UsageError(
                f"No model is configured for {platform.title}.",
                "It needs a model's name and a base URL that speaks its API.",
                "Name both, and lead the base URL through the proxy's prefix of this agent.",
            )
        if workspace.box is None:
            raise UsageError(
                f"{platform.title} cannot work on tasks of {task.suite}.",
                "It works in a room with files and commands, and this suite has tools alone.",
                "Take the agent minimal for it.",
            )
        seen = Endpoint(base_url=inside(endpoint.base_url), model=endpoint.model, key=endpoint.key)
        folder = workspace.box.run(["pwd"]).output.strip()
        for path, text in platform.files(seen, folder).items():
            ran = workspace.box.run([*WRITE, f"{HOME}/{path}"], stdin=text.encode())
            if ran.code != 0:
                raise UsageError(
                    f"The settings of {platform.title} cannot be written in the room.",
                    ran.output.strip()[:300],
                    "Open the suite with this agent's mounts.",
                )
        named = json.dumps([self._label, task.suite, task.id, task.seed, seed])
        session = str(uuid.uuid5(uuid.NAMESPACE_URL, named))
        yield _Conversation(platform, self._program(), workspace.box, seen, session, task.timeout)


class _Conversation:
    def __init__(
        self,
        platform: Platform,
        program: Program,
        box: Box,
        endpoint: Endpoint,
        session: str,
        seconds: float,
    ) -> None:
        self._platform, self._program, self._box = platform, program, box
        self._endpoint, self._session, self._left = endpoint, session, seconds
        self._first = True
        self._turns = 0
        self._counted = (0, 0)
        self.transcript: list[Message] = []

    def say(self, text: str) -> Reply:
        """See `Conversation.say`."""
        began = time.monotonic()
        self.transcript.append({"role": "user", "content": text})
        arguments, stdin = self._platform.arguments(self._session, self._first, text)
        argv = [*self._program.command, *arguments]
        environ = {"HOME": HOME, **self._platform.environ(self._endpoint)}
        seconds, turn = 0.0, Turn(late=True)
        if self._left > 0:
            process = self._box.start(argv, environ=environ)
            ended = _finish(process, stdin.encode(), began + self._left)
            seconds = time.monotonic() - began  # what is asked for afterwards is not the agent's time
            turn = self._counts(self._read(ended, environ))
        self._left -= seconds
        self._first = self._first and not turn.session
        self._session = turn.session or self._session
        self._turns += 1
        self.transcript += _unique(turn.messages, self.transcript, self._turns)
        return Reply(
            text=turn.text,
            steps=turn.steps,
            tokens_in=turn.tokens_in,
            tokens_out=turn.tokens_out,
            seconds=seconds,
            late=turn.late,
            error=turn.error,
        )

    def _counts(self, turn: Turn) -> Turn:
        if not self._platform.cumulative or not turn.tokens_in:
            return turn
        before, self._counted = self._counted, (turn.tokens_in, turn.tokens_out)
        return msgspec.structs.replace(
            turn,
            tokens_in=max(0, turn.tokens_in - before[0]),
            tokens_out=max(0, turn.tokens_out - before[1]),
        )

    def _read(self, ended: _Ended, environ: Mapping[str, str]) -> Turn:
        turn = self._platform.read(ended.out, ended.err)
        command = self._platform.after(self._program.command, turn.session) if turn.session else []
        if command:
            told = _finish(self._box.start(command, environ=environ), b"", time.monotonic() + ASKED)
            turn = self._platform.more(turn, told.out) if told.code == 0 else turn
        title = self._platform.title
        if ended.flooded:
            error = f"{title} wrote more than {LARGEST} bytes."
        elif ended.code is None:
            return msgspec.structs.replace(turn, late=True, error="")
        elif turn.error or ended.code == 0:
            return turn
        else:
            error = f"{title} ended with exit code {ended.code}: {_last(ended.err or ended.out)}"
        return msgspec.structs.replace(turn, error=error)


def _unique(messages: Sequence[Message], known: Sequence[Message], turn: int) -> list[Message]:
    """The messages, ids of calls renamed where the platform counts them anew in each run."""
    taken = {message["tool_call_id"] for message in known if message.get("role") == "tool"}
    ids = {call["id"] for message in messages for call in message.get("tool_calls", ())}
    if not taken & ids:
        return list(messages)

    def named(message: Message) -> Message:
        message = dict(message)
        if "tool_calls" in message:
            message["tool_calls"] = [{**c, "id": f"t{turn}_{c['id']}"} for c in message["tool_calls"]]
        if "tool_call_id" in message:
            message["tool_call_id"] = f"t{turn}_{message['tool_call_id']}"
        return message

    return [named(message) for message in messages]


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-3:])[-300:] or "(no output)"


class _Ended(Record, frozen=True, kw_only=True):
    """How a run ended; `code` is None when it was stopped."""

    code: int | None
    out: str
    err: str
    flooded: bool


def _finish(process: Popen[bytes], stdin: bytes, end: float) -> _Ended:
    """Wait until `end` (monotonic seconds) for the run and all that it writes. The room ends with it."""
    assert process.stdin and process.stdout and process.stderr
    texts = (bytearray(), bytearray())
    readers = [
        threading.Thread(target=_read_all, args=(pipe, kept, process), daemon=True)
        for pipe, kept in zip((process.stdout, process.stderr), texts, strict=True)
    ]
    # A program that does not read its stdin must not hold the caller: the pipe is filled beside it.
    writer = threading.Thread(target=_write_all, args=(process.stdin, stdin), daemon=True)
    for thread in (*readers, writer):
        thread.start()
    code: int | None
    try:
        code = process.wait(max(0.0, end - time.monotonic()))
    except TimeoutExpired:
        code = None
    finally:
        process.kill()
        process.wait()
        for thread in readers:
            thread.join(10)
    flooded = any(len(kept) > LARGEST for kept in texts)
    out, err = (kept.decode("utf-8", "replace") for kept in texts)
    return _Ended(code=None if flooded else code, out=out, err=err, flooded=flooded)


def _read_all(pipe: IO[bytes], kept: bytearray, process: Popen[bytes]) -> None:
    with suppress(OSError, ValueError), pipe:
        while part := pipe.read1(65536):  # type: ignore[attr-defined]  # a pipe of Popen is buffered
            kept += part
            if len(kept) > LARGEST:
                process.kill()
                return


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    with suppress(OSError, ValueError), pipe:
        pipe.write(data)
