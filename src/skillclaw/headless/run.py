"""A conversation with an agent's CLI: each thing said is one headless run of the program in its room.

The room has the program read-only, a HOME of its own, and no way out but the model (`sandbox.open_box`,
`door.socket_to`). HOME is made for one conversation and never read by the host.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from subprocess import Popen, TimeoutExpired
from typing import IO

import msgspec

from skillclaw.errors import UsageError
from skillclaw.headless.door import inside
from skillclaw.headless.model import HOME, Endpoint, Message, Platform, Turn
from skillclaw.headless.programs import Program
from skillclaw.sandbox import Box
from skillclaw.trajectory.model import Record

__all__ = ["Headless"]

LARGEST = 32_000_000
"""Bytes of a program's output that are kept; one that writes more is stopped."""
ASKED = 60.0
"""Seconds that a command may take which tells about a session afterwards."""
LOOK = 0.2
"""Seconds between two looks at whether a run is to be stopped."""
TOO_LONG = "takes what is said to it in its command line, and this is longer than one may be"
WRITE = ("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1"', "write")


class Headless:
    """One conversation.

    endpoint  as the host has it; the room sees the same path behind its socket
    session   the id to begin with, where the platform takes one
    stop      asked all the while that the program runs: whether to end it now
    """

    def __init__(
        self,
        platform: Platform,
        program: Program,
        box: Box,
        endpoint: Endpoint,
        session: str,
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._platform, self._program, self._box = platform, program, box
        self._endpoint = Endpoint(base_url=inside(endpoint.base_url), model=endpoint.model, key=endpoint.key)
        self._session, self._stop = session, stop
        self._first = True
        self._turns = 0
        self._counted = (0, 0)
        self.transcript: list[Message] = []

    def settle(self) -> None:
        """Write the program's settings into its HOME; once, before anything is said.

        Raises UsageError when they cannot be written.
        """
        folder = self._box.run(["pwd"]).output.strip()
        for path, text in self._platform.files(self._endpoint, folder).items():
            ran = self._box.run([*WRITE, f"{HOME}/{path}"], stdin=text.encode())
            if ran.code != 0:
                raise UsageError(
                    f"The settings of {self._platform.title} cannot be written in the room.",
                    ran.output.strip()[:300],
                    "The room must have been opened with this agent's mounts.",
                )

    def say(self, text: str, seconds: float) -> Turn:
        """Tell the agent something, and wait until it is done with it or `seconds` have gone.

        A text that is too long for the command line of an agent that takes it there is the turn's error.
        """
        began = time.monotonic()
        self.transcript.append({"role": "user", "content": text})
        arguments, stdin = self._platform.arguments(self._session, self._first, text)
        argv = [*self._program.command, *arguments]
        turn = Turn(late=True)
        if seconds > 0:
            try:
                turn = self._run(argv, stdin.encode(), began, seconds)
            except OSError as error:
                if error.errno != errno.E2BIG:
                    raise
                turn = Turn(error=f"{self._platform.title} {TOO_LONG} ({len(text.encode())} bytes).")
        self._first = self._first and not turn.session
        self._session = turn.session or self._session
        self._turns += 1
        self.transcript += _unique(turn.messages, self.transcript, self._turns)
        return turn

    def _run(self, argv: Sequence[str], stdin: bytes, began: float, seconds: float) -> Turn:
        environ = {"HOME": HOME, **self._platform.environ(self._endpoint)}
        process = self._box.start(argv, environ=environ)
        ended = _finish(process, stdin, began + seconds, self._stop)
        took = time.monotonic() - began  # what is asked for afterwards is not the agent's time
        return msgspec.structs.replace(self._counts(self._read(ended, environ)), seconds=took)

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
            process = self._box.start(command, environ=environ)
            told = _finish(process, b"", time.monotonic() + ASKED)
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


def _finish(
    process: Popen[bytes], stdin: bytes, end: float, stop: Callable[[], bool] = lambda: False
) -> _Ended:
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
    code: int | None = None
    try:
        while code is None and not stop() and (left := end - time.monotonic()) > 0:
            with suppress(TimeoutExpired):
                code = process.wait(min(left, LOOK))
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
