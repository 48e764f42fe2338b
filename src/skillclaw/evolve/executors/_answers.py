"""What a worker does, whoever started it: load the task, answer batches, say why an item has no answer."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from skillclaw import __version__
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.text import one_line

__all__ = [
    "Answer",
    "Failed",
    "Message",
    "Ready",
    "Refused",
    "SetAside",
    "Task",
    "answer",
    "batches",
    "decode_items",
    "decode_message",
    "encode",
    "load",
    "result",
]

BATCH_BYTES = 4 << 20
"""A batch is closed when it holds this many bytes: a few long sessions must not make it large."""

REASON_CUT = 160


class Task(Protocol):
    """A module-level function, or a frozen record with `__call__`: workers get it pickled, by its name."""

    def __call__(self, batch: Sequence[bytes], /) -> Sequence[bytes]:
        """One answer per item, in order. Which items share a batch must not matter to an answer."""


class SetAside(Record, frozen=True, kw_only=True):
    """An item without an answer: its place among the items, from 0, and why, in one line."""

    index: int
    reason: str


class Ready(Record, frozen=True, kw_only=True, tag="ready"):
    """A worker's first word when it has the task: the version of SkillClaw that it runs."""

    version: str


class Refused(Record, frozen=True, kw_only=True, tag="refused"):
    """A worker's first word when it cannot load the task, as when a module is not there."""

    why: str


class Failed(Record, frozen=True, kw_only=True):
    """In the place of an answer: why there is none."""

    why: str


Answer = bytes | Failed

Message = Ready | Refused | list[Answer]

_encoder = msgspec.msgpack.Encoder()
_items = msgspec.msgpack.Decoder(list[bytes])
_messages: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
encode = _encoder.encode
decode_items = _items.decode
decode_message = _messages.decode


def load(pickled: bytes) -> tuple[Message, Task | None]:
    """The task, and the worker's first word."""
    try:
        task: Task = pickle.loads(pickled)  # noqa: S301 - it comes from the process that started this one
    except Exception as error:
        return Refused(why=one_line(f"{type(error).__name__}: {error}", 300)), None
    return Ready(version=__version__), task


def result(index: int, given: Answer) -> bytes | SetAside:
    """What the caller of a run gets for the item at `index`."""
    return given if isinstance(given, bytes) else SetAside(index=index, reason=given.why)


def batches(items: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """The items in lists of at most `size` and about BATCH_BYTES, read as they are asked for."""
    held: list[bytes] = []
    weight = 0
    for item in items:
        held.append(item)
        weight += len(item)
        if len(held) >= size or weight >= BATCH_BYTES:
            yield held
            held, weight = [], 0
    if held:
        yield held


def answer(task: Task, batch: Sequence[bytes]) -> list[Answer]:
    """One answer per item. When the task raises, the items go through it one by one, so that only those
    that raise are without.
    """
    try:
        given = list(task(batch))
        if len(given) != len(batch):
            raise ValueError(f"{len(given)} answers for {len(batch)} items")
        if not all(isinstance(one, bytes) for one in given):
            raise TypeError("an answer is not bytes")
    except (Exception, SystemExit) as error:
        if len(batch) == 1:
            return [Failed(why=_reason(error, batch[0]))]
        return [one for item in batch for one in answer(task, [item])]
    return [*given]


_QUOTED = re.compile(r"""(?<!\w)(['"]).*?(?:\1(?!\w)|$)""")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_WORD = re.compile(r"\w{4,}")


def _reason(error: BaseException, item: bytes) -> str:
    """Class and message of the error, without what may be the session's own words.

    Messages quote what they choke on, so quoted text goes, and so does every longer word that the item holds.
    Addresses go because they differ from run to run.
    """
    name = type(error).__name__
    try:
        text = " ".join(str(error)[:2000].split())
    except Exception:  # a __str__ that fails too
        return name
    text = _ADDRESS.sub("0x…", _QUOTED.sub("…", text))
    held = item.lower()

    def mask(match: re.Match[str]) -> str:
        word = match[0].lower()
        return "…" if word.encode() in held or json.dumps(word)[1:-1].encode() in held else match[0]

    text = _WORD.sub(mask, text)
    return one_line(f"{name}: {text}" if text else name, REASON_CUT)
