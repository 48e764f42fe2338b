"""What a run of `skillclaw bench loop` leaves behind: a finished attempt or night a line, in `results.jsonl`.

The first line is `{"type":"results","v":1}`. A line that was not written to its end is as if it had never
been: its work is done again. Whatever else does not read is an error, for a result that quietly lacks lines
is worse than none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from filelock import FileLock, Timeout

from skillclaw.errors import BadInputError, BusyError, StorageError, UpgradeNeededError
from skillclaw.trajectory.model import Record

__all__ = [
    "ABLATIONS",
    "ARMS",
    "VERSION",
    "Arm",
    "Attempt",
    "Night",
    "Phase",
    "Proposed",
    "ResultsFile",
    "Variant",
    "read_results",
]

VERSION = 1

Arm = Literal["evolving", "frozen", "ceiling", "no-gate", "single", "llm"]
"""Whose skills: learned night by night; none, ever; written by people who know the rules. Then learned too,
but released without the gate; from the sessions of one user alone; by an evolver that asks a model."""

ARMS: tuple[Arm, ...] = ("evolving", "frozen", "ceiling")
"""The arms of the criterion."""

ABLATIONS: tuple[Arm, ...] = ("no-gate", "single", "llm")
"""Arms that learn otherwise than the evolving one; measured on the last day only."""

Phase = Literal["screen", "stream", "held_out"]
"""Before the run, to choose templates; work that is learned from; work that measures."""

Variant = Literal["instance", "template"]
"""Of held-out work: a fresh instance of a template that learning works on too, or a template that it never
sees."""

Count = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]


class Attempt(Record, frozen=True, kw_only=True, tag="attempt", forbid_unknown_fields=True):
    """One task that one agent worked on once.

    `day` counts as the run does; `task` is the task's id, `seed` what it was drawn with, `user` whose agent
    it was. `skills` are the names offered. `turns` are things said to the agent, `steps` its tool calls,
    tokens as the model's server counts them, `seconds` wall time. `broken` and `reason` are the grade's.
    `late`: the task's time ended before the agent was done; what it had done is graded like any other work.
    `error` is set where the grader or the model's server failed: the attempt says nothing about the agent.
    """

    arm: Arm
    phase: Phase
    day: Count
    suite: str
    category: str
    template: str
    task: str
    seed: int
    variant: Variant = "instance"
    user: str = ""
    success: bool
    score: Annotated[float, msgspec.Meta(ge=0, le=1)]
    steps: Count
    tokens_in: Count
    tokens_out: Count
    seconds: Amount
    turns: Count
    skills: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    reason: str = ""
    late: bool = False
    error: str = ""

    @property
    def key(self) -> tuple[str, str, int, str, int, str]:
        """What no two attempts of a run share."""
        return self.arm, self.phase, self.day, self.template, self.seed, self.user


class Proposed(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposal of a night, and what the gate said of it."""

    skill: str
    action: str = ""
    verdict: str = ""
    reason: str = ""


class Night(Record, frozen=True, kw_only=True, tag="night", forbid_unknown_fields=True):
    """The cycle after a day: what it read and found, what was released, what it cost.

    `arm` is the one that slept. `released` are names of skills; `usd` is None where nobody knows the price;
    `error` is set where the cycle failed and the skills stayed as they were. `holds`: of the texts that the
    plan has watched (`Plan.watched`), those that an installed skill holds afterwards.
    """

    arm: Arm = "evolving"
    day: Count
    sessions: Count
    patterns: Count
    proposals: tuple[Proposed, ...] = ()
    released: tuple[str, ...] = ()
    tokens: Count = 0
    calls: Count = 0
    usd: Amount | None = None
    seconds: Amount
    error: str = ""
    holds: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int, str]:
        """What no two nights of a run share."""
        return "night", self.day, self.arm


class _Head(Record, frozen=True, kw_only=True, tag="results"):
    v: int


_LINE = msgspec.json.Decoder(Attempt | Night)
_HEAD = msgspec.json.encode(_Head(v=VERSION)) + b"\n"
Key = tuple[Any, ...]


class ResultsFile:
    """The results of a run while it runs. One process at a time has it open.

    Use as a context manager, or call `close`.
    """

    def __init__(self, path: Path, fd: int, lock: FileLock, records: Iterable[Attempt | Night]) -> None:
        self.path = path
        self._fd = fd
        self._lock = lock
        self._records: dict[Key, Attempt | Night] = {record.key: record for record in records}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or begin it; a line that was not written to its end is cut off.

        Raises BusyError while another process has it open, UpgradeNeededError for a newer format,
        BadInputError for a damaged file, StorageError where the disk refuses.
        """
        lock = FileLock(path.with_name(path.name + ".lock"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                f"Another run writes {path}.", "", "Wait for it, or choose another folder."
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            with _storage(path):
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                with _storage(path):
                    raw = path.read_bytes()
                whole, records = _parse(path, raw)
                with _storage(path):
                    if whole < len(raw):
                        os.ftruncate(fd, whole)
                    if not whole:
                        _write(fd, _HEAD)
            except BaseException:
                os.close(fd)
                raise
        except BaseException:
            lock.release()
            raise
        return cls(path, fd, lock, records)

    def append(self, record: Attempt | Night) -> bool:
        """Write a record so that it outlives a crash of the machine.

        False, and nothing is written, where the file has a record of the same key: the first one counts.
        Raises BadInputError for a record that could not be read back, StorageError where the disk refuses.
        """
        line, kept = _line(record)
        if kept.key in self._records:
            return False
        with _storage(self.path):
            _write(self._fd, line)
        self._records[kept.key] = kept
        return True

    def has(self, key: Key) -> bool:
        """Whether a record with this `key` is there."""
        return key in self._records

    @property
    def attempts(self) -> list[Attempt]:
        """All attempts, in the order in which they were written."""
        return [r for r in self._records.values() if isinstance(r, Attempt)]

    @property
    def nights(self) -> list[Night]:
        """All nights, in the order in which they were written."""
        return [r for r in self._records.values() if isinstance(r, Night)]

    def close(self) -> None:
        """Let go of the file. A second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_results(path: Path) -> tuple[list[Attempt], list[Night]]:
    """The attempts and nights of a file, which may be in use; it is not changed. Errors as of
    `ResultsFile.open`; a file that is not there is a StorageError."""
    with _storage(path):
        raw = path.read_bytes()
    records = _parse(path, raw)[1]
    return [r for r in records if isinstance(r, Attempt)], [r for r in records if isinstance(r, Night)]


def _parse(path: Path, raw: bytes) -> tuple[int, list[Attempt | Night]]:
    """The bytes that are whole lines, and their records; of two with one key the first."""
    whole = raw.rfind(b"\n") + 1
    lines = raw[:whole].split(b"\n")[:-1]
    if not lines:
        return 0, []
    try:
        head = msgspec.json.decode(lines[0], type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, 1, error) from error
    if head.v > VERSION:
        raise _newer(path, f"Its format is {head.v}; this version reads up to {VERSION}.")
    found: dict[Key, Attempt | Night] = {}
    for number, line in enumerate(lines[1:], 2):
        try:
            record = _LINE.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if unknown := _unknown(line):
                raise _newer(path, f"Line {number} has {unknown}.") from error
            raise _damaged(path, number, error) from error
        found.setdefault(record.key, record)
    return whole, list(found.values())


def _unknown(line: bytes) -> str:
    """What in a line only a newer version can have written; empty where it is damage."""
    try:
        said = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(said, dict):
        return ""
    kinds: dict[Any, type[Record]] = {"attempt": Attempt, "night": Night}
    tag = said.get("type")
    kind = kinds.get(tag) if isinstance(tag, str) else None
    if kind is None:
        return f"the unknown type {tag!r}" if isinstance(tag, str) else ""
    extra = sorted(set(said) - {"type", *kind.__struct_fields__})
    return f"the unknown field {extra[0]!r}" if extra else ""


def _line(record: Attempt | Night) -> tuple[bytes, Attempt | Night]:
    """The record's line, and what a reader will make of it. Text from outside may hold halves of characters,
    which no UTF-8 can say: they become U+FFFD."""
    try:
        body = msgspec.json.encode(record)
    except UnicodeEncodeError:
        body = msgspec.json.encode(_speakable(msgspec.to_builtins(record)))
    try:
        return body + b"\n", _LINE.decode(body)
    except msgspec.DecodeError as error:
        raise BadInputError("A result cannot be recorded.", str(error)) from error


def _speakable(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, list | tuple):
        return [_speakable(v) for v in value]
    if isinstance(value, dict):
        return {_speakable(k): _speakable(v) for k, v in value.items()}
    return value


def _write(fd: int, line: bytes) -> None:
    """Append a line whole, or not at all where the disk fills up in the middle of it."""
    before = os.fstat(fd).st_size
    rest = memoryview(line)
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, before)
        raise


@contextlib.contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"Cannot use {path}.", str(error), "Free space or mend permissions.")


def _damaged(path: Path, number: int, error: Exception) -> BadInputError:
    return BadInputError(
        f"{path} does not hold what it should.",
        f"Line {number}: {error}",
        "Put it back from a backup, or begin the run anew in another folder.",
    )


def _newer(path: Path, why: str) -> UpgradeNeededError:
    return UpgradeNeededError(f"{path} was written by a newer SkillClaw.", why, "Upgrade SkillClaw.")
