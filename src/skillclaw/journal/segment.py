"""The journal's files: append-only segments of framed, zstd-compressed records (docs/formats.md).

A segment `NNNNNNNN.seg` is the 8 bytes MAGIC, then frames: payload length and CRC-32 of the payload (both
4 bytes, little endian), then the payload: one zstd frame with a msgpack record. References between records
never leave a segment, so that whole segments can be deleted when they expire.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from skillclaw import zstd
from skillclaw.journal.delta import Delta
from skillclaw.journal.records import Exchange

__all__ = ["MAGIC", "Frame", "Stored", "frames", "is_newer", "pack", "path_of", "segments", "unpack"]

MAGIC = b"SKCJRNL\x01"
HEAD = struct.Struct("<II")
LARGEST = 1 << 28
"""Payloads above this are damage, not data."""
LARGEST_RECORD = 1 << 28
"""Bytes that a record may say it has: room for them is made before any of it is read."""
NAME = re.compile(r"(\d{8})\.seg")


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """A record on disk: the exchange without its request body, and that body as a difference."""

    exchange: Exchange
    request: Delta


class Frame(msgspec.Struct, frozen=True):
    """One frame as found: where it begins, where the next one does, and its payload."""

    start: int
    end: int
    payload: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Stored)


def path_of(folder: Path, number: int) -> Path:
    """The file of segment `number`."""
    return folder / f"{number:08d}.seg"


def is_newer(path: Path) -> bool:
    """Whether a later version wrote this segment, in a format that is not known here."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(MAGIC))
    except OSError:
        return False
    return len(begin) == len(MAGIC) and begin[:-1] == MAGIC[:-1] and begin > MAGIC


def segments(folder: Path) -> list[int]:
    """The numbers of the segments in `folder`, oldest first; empty when there is no such folder."""
    try:
        found = [NAME.fullmatch(path.name) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for match in found if match)


def pack(stored: Stored, compressor: Callable[[bytes], bytes]) -> bytes:
    """The frame of a record."""
    payload = compressor(_encoder.encode(stored))
    return HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def unpack(payload: bytes) -> Stored:
    """The record in a frame; ValueError when it does not hold one."""
    try:
        size = zstd.size_of(payload)
        if size is None or size > LARGEST_RECORD:
            raise ValueError("a record of no or absurd size")
        return _decoder.decode(zstd.decompress(payload, size))
    except (zstd.Damaged, msgspec.DecodeError) as error:
        raise ValueError(f"not a record: {error}") from error


def read_frame(file: BinaryIO, start: int) -> Frame | Literal["end", "torn"]:
    """The frame at `start`; "end" where the file ends there, "torn" where what follows is no whole frame."""
    file.seek(start)
    head = file.read(HEAD.size)
    if not head:
        return "end"
    if len(head) < HEAD.size:
        return "torn"
    length, crc = HEAD.unpack(head)
    if not 0 < length <= LARGEST:
        return "torn"
    payload = file.read(length)
    if len(payload) < length or zlib.crc32(payload) != crc:
        return "torn"
    return Frame(start, start + HEAD.size + length, payload)


def frames(file: BinaryIO, start: int = len(MAGIC)) -> Iterator[Frame | Literal["torn"]]:
    """The whole frames from `start` on; a last "torn" when the file goes on with something else."""
    while True:
        frame = read_frame(file, start)
        if frame == "end":
            return
        yield frame
        if isinstance(frame, str):
            return
        start = frame.end
