"""Zstandard (RFC 8878) by Python's own module, before 3.14 by its backport: the same library and bytes as the
package `zstandard`, in a twelfth of its size.

What it leaves out is here: bounds, frames one after the other, and streams that end too early.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from _typeshed import SupportsWrite, WriteableBuffer

__all__ = ["Damaged", "Writer", "compress", "compressor", "decompress", "reader", "size_of"]

Damaged = zstd.ZstdError
"""What is no zstd, or no longer."""
CHUNK = 1 << 16
"""Bytes read at a time."""


def compress(data: bytes, level: int) -> bytes:
    """One frame that says its size."""
    return zstd.compress(data, level)


def compressor(level: int) -> Callable[[bytes], bytes]:
    """`compress` with a memory of its own, five times as fast for small data; one call at a time."""
    made = zstd.ZstdCompressor(level)
    return lambda data: made.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


def size_of(data: bytes) -> int | None:
    """The size that the frame at the start of `data` says it unpacks to; None where it says none."""
    return zstd.get_frame_info(data).decompressed_size


def decompress(data: bytes, limit: int | None = None) -> bytes:
    """What the frame at the start of `data` holds; what follows it is left alone.

    Raises Damaged, also for a frame that is cut off or holds more than `limit` bytes.
    """
    unpacker = zstd.ZstdDecompressor()
    out = unpacker.decompress(data, -1 if limit is None else limit + 1)
    if limit is not None and len(out) > limit:
        raise Damaged(f"it unpacks to more than {limit} bytes")
    if not unpacker.eof:
        raise Damaged("it is cut off")
    return out


def reader(file: BinaryIO, *, frames: int | None = 1, alone: bool = False) -> io.BufferedReader:
    """The bytes that the first `frames` frames of `file` hold (None: all of them).

    Where the file ends within a frame, what was there of it. Damaged is raised on reading; with `alone` also
    where something follows the last frame, at its end. Closing it leaves `file` open.
    """
    return io.BufferedReader(_Frames(file, frames, alone), CHUNK)


class Writer:
    """Writes bytes to `file` as one frame, which `close` ends; `file` stays open.

    As a context it ends the frame unless something went wrong. One that is dropped writes nothing more.
    """

    def __init__(self, file: SupportsWrite[bytes], level: int, *, checksum: bool = False) -> None:
        parameter = zstd.CompressionParameter
        options: dict[int, int] = {parameter.compression_level: level, parameter.checksum_flag: int(checksum)}
        self._file = file
        self._compressor = zstd.ZstdCompressor(options=options)

    def write(self, data: bytes) -> int:
        """Add `data`; how much that is."""
        if packed := self._compressor.compress(data):
            self._file.write(packed)
        return len(data)

    def close(self) -> None:
        """End the frame."""
        self._file.write(self._compressor.flush())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()


class _Frames(io.RawIOBase):
    def __init__(self, file: BinaryIO, frames: int | None, alone: bool) -> None:
        self._file = file
        self._left = frames
        self._alone = alone
        self._held = b""
        self._unpacker = zstd.ZstdDecompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        out = b""
        while not out:
            if self._unpacker.eof and not self._next():
                break
            data, self._held = self._held, b""
            if not data and self._unpacker.needs_input and not (data := self._file.read(CHUNK)):
                break
            out = self._unpacker.decompress(data, len(view))
        view[: len(out)] = out
        return len(out)

    def _next(self) -> bool:
        """Begin the next frame; False where none follows or is wanted."""
        if self._left == 1:
            if self._alone and (self._unpacker.unused_data or self._file.read(1)):
                raise Damaged("something follows it")
            return False
        self._held = self._unpacker.unused_data or self._file.read(CHUNK)
        if not self._held:
            return False
        if self._left is not None:
            self._left -= 1
        self._unpacker = zstd.ZstdDecompressor()
        return True
