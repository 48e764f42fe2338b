"""The lines of a history file: plain, gzip or zstd JSONL, possibly still being written, possibly damaged.

Nothing in a file makes the reader fail but what makes all of it unreadable; what could not be used is
counted.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from skillclaw import zstd
from skillclaw.errors import BadInputError, SkillClawError, StorageError

__all__ = [
    "MAX_LINE",
    "Tally",
    "beginning",
    "beginning_of",
    "first_text",
    "json_value",
    "objects",
    "open_bytes",
    "raw_lines",
]

MAX_LINE = 256 * 1024 * 1024
"""Bytes of one line; pictures make lines of tens of megabytes, nothing real has more than this."""

MAX_REASONS = 40
"""Different reasons that one file can be skipped for; more than this is noise."""

_BEGINNING = 1 << 16

_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, zstd.Damaged)

_DEPTH = 100
"""Levels of nesting that are kept; no agent's record has more, and deeper ones exhaust the stack later."""


class Tally:
    """Counts of what was left out, by reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, reason: str, count: int = 1) -> None:
        """Count one more."""
        if count and (reason in self.counts or len(self.counts) < MAX_REASONS):
            self.counts[reason] += count

    def unknown(self, kind: object) -> None:
        """Count a line whose type this version does not know."""
        text = kind if isinstance(kind, str) else type(kind).__name__
        clean = "".join(c if c.isprintable() else "?" for c in text[:40])
        self.add(f"lines of unknown type {clean or '(none)'}")

    def result(self) -> dict[str, int]:
        """The counts by reason."""
        return dict(sorted(self.counts.items()))


@contextmanager
def open_bytes(path: Path) -> Iterator[io.BufferedIOBase]:
    """The file's bytes, decompressed by what it begins with; StorageError when it cannot be read."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic == b"\x28\xb5\x2f\xfd":
                with zstd.reader(file, frames=None) as stream:
                    yield stream
            elif magic[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as stream:
                    yield stream
            else:
                yield file
    except _DAMAGE as error:
        raise BadInputError(f"{path} is damaged.", str(error), "Get it again.") from error
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check who owns the file.") from error


def beginning(path: Path, size: int) -> bytes:
    """Up to `size` bytes from the start, decompressed; what a damaged compression still gives."""
    return beginning_of(path, size)[0]


def beginning_of(path: Path, size: int) -> tuple[bytes, bool]:
    """The same, and whether the compression is damaged there."""
    with open_bytes(path) as stream:
        out = []
        try:
            while size > 0 and (more := stream.read(min(size, 1 << 16))):
                out.append(more)
                size -= len(more)
        except _DAMAGE:
            return b"".join(out), True
        return b"".join(out), False


def raw_lines(path: Path, tally: Tally) -> Iterator[tuple[int, bytes, bool]]:
    """(number from 1, line without its end, whether it had an end) of each line that is not blank."""
    with open_bytes(path) as stream:
        number = 0
        while True:
            try:
                line = stream.readline(MAX_LINE)
            except _DAMAGE:
                tally.add("rest of the file, whose compression is damaged")
                return
            if not line:
                return
            number += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                tally.add("lines longer than 256 MB")
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE)
                continue
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            bare = line.strip()
            if bare:
                yield number, bare, line.endswith(b"\n")


def objects(path: Path, tally: Tally) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of each line that holds a JSON object; the others are counted in `tally`."""
    for number, line, ended in raw_lines(path, tally):
        try:
            value = json_value(line)
        except BadInputError:
            tally.add("corrupt lines (not JSON)" if ended else "torn last lines (still being written)")
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            tally.add("corrupt lines (no JSON object)")


def first_text(path: Path, name: str) -> str:
    """The first text under a key of the objects that a file begins with; empty where none is near there."""
    try:
        begun = beginning(path, _BEGINNING).split(b"\n")
    except SkillClawError:
        return ""
    for line in begun:
        try:
            value = json_value(line)
        except BadInputError:  # also the last one, cut off
            continue
        found = value.get(name) if isinstance(value, dict) else None
        if isinstance(found, str) and found:
            return found
    return ""


def json_value(line: bytes) -> Any:
    """The JSON value in a line; half characters, which cut texts leave behind, become '\ufffd'."""
    try:
        value = msgspec.json.decode(line)
        if line.count(b"{") + line.count(b"[") < _DEPTH:
            return value
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        try:
            value = json.loads(line.decode("utf-8", "replace"), parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            raise BadInputError("This is not JSON.", str(error)) from error
    return _clean(value, 0)


def _clean(value: Any, depth: int) -> Any:
    """The value with text that can be written again, no infinite number, and no endless nesting."""
    if isinstance(value, str):
        if value.isascii():
            return value
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            # A pair of half characters is one whole character; a half alone is lost.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if depth > _DEPTH:
        return None
    if isinstance(value, dict):
        return {_clean(key, depth + 1): _clean(child, depth + 1) for key, child in value.items()}
    if isinstance(value, list):
        return [_clean(child, depth + 1) for child in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value
