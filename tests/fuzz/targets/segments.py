"""Segments of the journal that somebody damaged or made: torn, spliced, with right sums around wrong records.

The first byte chooses: the file as it is; or the frames of it (by a line `--`) given the lengths and sums
that they need, so that what is inside is read; or records made of the lines, whose differences refer to each
other as the numbers say.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from pathlib import Path

import msgspec
import zstandard

from skillclaw.journal import segment
from skillclaw.journal.reader import read

DICT = (
    segment.MAGIC,
    b"\n--\n",
    b"\x28\xb5\x2f\xfd",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\x7f",
    b"[[",
    b",-1,0,0,0,",
)

_made = msgspec.json.Decoder(segment.Stored)


def once(data: bytes) -> None:
    """Reading never raises, ends, and says what it skipped."""
    first, body = (data[0], data[1:]) if data else (0, b"")
    packer = zstandard.ZstdCompressor(level=1)
    if first % 3 == 0:
        whole = body
    else:
        frames = []
        for part in body.split(b"\n--\n")[:50]:
            if first % 3 == 2:
                try:
                    part = packer.compress(msgspec.msgpack.encode(_made.decode(part)))
                except (ValueError, RecursionError, OverflowError, msgspec.MsgspecError):
                    continue
            frames.append(struct.pack("<II", len(part), zlib.crc32(part)) + part)
        whole = segment.MAGIC + b"".join(frames)
    with tempfile.TemporaryDirectory() as folder:
        for number in (1, 2):
            segment.path_of(Path(folder), number).write_bytes(whole)
        skipped: list[str] = []
        found = list(read(Path(folder), on_skip=lambda path, at, why: skipped.append(why)))
        assert all(position.offset <= len(whole) for _, position in found)
