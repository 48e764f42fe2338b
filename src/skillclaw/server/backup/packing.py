"""The archive: regular files as tar, zstd around it, a seal around that where there is a passphrase.

A skippable zstd frame ends the file: `SKBACKUP` and the SHA-256 of all before it, so that a file that is torn
or altered is known before anything is made of it. `tar --zstd -xf` reads one that is not sealed. Headers are
read one by one (`TarInfo.frombuf`) and not by `tarfile.open`, which follows a header on how long a name
or its attributes are into memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from skillclaw import zstd
from skillclaw.errors import BadInputError, StorageError, UsageError
from skillclaw.server.backup.sealing import Sealer, Unsealer, is_sealed

__all__ = ["Member", "Packer", "checked_path", "members", "opened", "readable"]

BLOCK = 512
PART = 1 << 20
_SKIP = struct.pack("<II", 0x184D2A5B, 8 + 32)
_MARK = b"SKBACKUP"
_END = len(_SKIP) + len(_MARK) + 32
_USTAR_MOST = 8 << 30
"""Bytes from which on a size needs GNU's form of the header."""


class _Hashed(io.RawIOBase):
    """Passes what is written on to `file` and keeps its hash."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.digest.update(data)
        self._file.write(data)
        return len(data)


class Packer:
    """Writes an archive to `file`, member by member, and ends it with `finish`."""

    def __init__(self, file: BinaryIO, passphrase: bytes | None) -> None:
        self._file = file
        self._hashed = _Hashed(file)
        self._sealer = Sealer(self._hashed, passphrase) if passphrase is not None else None  # type: ignore[arg-type]
        under: IO[bytes] = self._sealer or self._hashed  # type: ignore[assignment]
        self._zstd = zstd.Writer(under, 6)

    def add(self, path: str, source: BinaryIO, size: int, *, executable: bool = False) -> str:
        """Add `size` bytes of `source` as `path`; their SHA-256. EOFError where there are fewer; ValueError
        where the path does not fit into a header.
        """
        info = tarfile.TarInfo(path)
        info.size, info.mode = size, 0o700 if executable else 0o600
        if size < _USTAR_MOST:
            header = info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
        else:
            header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
        if len(header) != BLOCK:
            raise ValueError("its path is too long")
        self._zstd.write(header)
        digest, left = hashlib.sha256(), size
        while left:
            data = source.read(min(left, PART))
            if not data:
                raise EOFError(path)
            digest.update(data)
            self._zstd.write(data)
            left -= len(data)
        self._zstd.write(bytes(-size % BLOCK))
        return digest.hexdigest()

    def finish(self) -> None:
        """Write what ends the archive."""
        self._zstd.write(bytes(2 * BLOCK))
        self._zstd.close()
        if self._sealer is not None:
            self._sealer.finish()
        self._file.write(_SKIP + _MARK + self._hashed.digest.digest())


class _Part(io.RawIOBase):
    """The first `size` bytes of a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


@contextmanager
def opened(path: Path, passphrase: bytes | None) -> Iterator[BinaryIO]:
    """The tar inside the archive, once its hash holds. BadInputError for what is none or torn, or goes on
    behind its end, which is seen when all is read; UsageError where a passphrase is missing.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        try:
            size = _checked(file, path)
            start = file.read(16)
            file.seek(0)
        except OSError as error:
            raise _unreadable(path, error) from error
        inside: Any = _Part(file, size)
        if is_sealed(start):
            if passphrase is None:
                raise UsageError(
                    f"{path} is sealed with a passphrase.", "", "Give its file: --passphrase-file"
                )
            inside = Unsealer(inside, passphrase)
        with zstd.reader(inside, alone=True) as stream:
            yield stream


def readable(path: Path) -> None:
    """Raise StorageError where there is no file that can be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"Cannot read {path}.", error.strerror or str(error), "Check the file.")


def _checked(file: BinaryIO, path: Path) -> int:
    """The size of what stands before the end's mark; BadInputError where its hash is another."""
    size = file.seek(0, io.SEEK_END) - _END
    end = b""
    if size > 0:
        file.seek(size)
        end = file.read(_END)
    if not end.startswith(_SKIP + _MARK):
        raise BadInputError(
            f"{path} is no backup of SkillClaw, or its end is missing.", "", "Take another copy of the file."
        )
    file.seek(0)
    digest, left = hashlib.sha256(), size
    while left:
        data = file.read(min(left, PART))
        if not data:
            break
        digest.update(data)
        left -= len(data)
    if digest.digest() != end[-32:]:
        raise BadInputError(
            f"{path} is damaged.", "It is not what was written.", "Take another copy of the file."
        )
    file.seek(0)
    return size


class Member:
    """One file of the archive while it is read."""

    def __init__(self, path: str, size: int, executable: bool, stream: BinaryIO) -> None:
        self.path = path
        self.size = size
        self.executable = executable
        self._stream = stream
        self._left = size

    def parts(self) -> Iterator[bytes]:
        """Its bytes; BadInputError where the archive ends in them."""
        while self._left:
            data = _exactly(self._stream, min(self._left, PART))
            self._left -= len(data)
            yield data

    def all(self, most: int) -> bytes:
        """All its bytes, which may be `most`."""
        if self.size > most:
            raise _refused(f"{self.path} says that it has {self.size} bytes")
        return b"".join(self.parts())


def members(stream: BinaryIO) -> Iterator[Member]:
    """The files of a tar, in their order, each with its path checked. What is not read of one is skipped.

    BadInputError for anything but a regular file with a path that stays inside, and for what is cut off.
    """
    while True:
        block = _exactly(stream, BLOCK)
        if not block.strip(b"\0"):
            if _exactly(stream, BLOCK).strip(b"\0") or _some(stream, 1):
                raise _refused("something follows its end")
            return
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.TarError, UnicodeDecodeError, ValueError) as error:
            raise _refused("a header in it is none") from error
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
            raise _refused(f"{info.name[:100]!r} is no regular file")
        checked_path(info.name)
        member = Member(info.name, info.size, bool(info.mode & 0o100), stream)
        yield member
        for _ in member.parts():
            pass
        _exactly(stream, -info.size % BLOCK)


def checked_path(text: str) -> PurePosixPath:
    """The path; BadInputError for one that leaves the folder, or that some system takes for another."""
    parts = text.split("/")
    if (
        not text
        or any(part in ("", ".", "..") for part in parts)
        or any(ord(sign) < 0x20 or sign in "\\\x7f" for sign in text)
        or (os.name == "nt" and _not_on_windows(parts))
    ):
        raise _refused(f"{text[:100]!r} is no path inside a home")
    return PurePosixPath(text)


def _not_on_windows(parts: list[str]) -> bool:
    return any(set(part) & set(':*?"<>|') or part.endswith((" ", ".")) for part in parts)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = _some(stream, size)
    while len(data) < size:
        more = _some(stream, size - len(data))
        if not more:
            raise _refused("it ends in the middle")
        data += more
    return data


def _some(stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except zstd.Damaged as error:
        raise _refused("it cannot be unpacked") from error


def _refused(why: str) -> BadInputError:
    return BadInputError(
        "This is no backup that can be restored.", f"{why[:1].upper()}{why[1:]}.", "Nothing was changed."
    )
