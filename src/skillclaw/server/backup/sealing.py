"""A passphrase around an archive: Argon2id makes the key, libsodium's secretstream seals piece by piece.

The format: MAGIC, salt (16 bytes), Argon2id's operations and memory in bytes (u32 and u64, little endian),
the stream's header (24 bytes); then pieces of 64 KiB, each 17 bytes longer when sealed, the last one marked
as such. What stands before the stream is authenticated with the first piece.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO

from nacl import bindings, exceptions, pwhash, utils

from skillclaw.errors import BadInputError, StorageError, UpgradeNeededError, UsageError

__all__ = ["MAGIC", "Sealer", "Unsealer", "is_sealed", "passphrase_in"]

MAGIC = b"SKBACKS\x01"
PIECE = 64 << 10
SHORTEST = 8
"""Characters of a passphrase."""
_HEAD = struct.Struct("<IQ")
_OPS, _MEMORY = pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE
_MOST_OPS, _MOST_MEMORY = 4, 512 << 20
"""What an archive may ask of this machine before its passphrase is known to be right: twice what one that
was made here does."""
_LEAST_MEMORY = pwhash.argon2id.MEMLIMIT_MIN
_LONGER = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
_STREAM_HEAD = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_KEY = bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES
_MORE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_LAST = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL


def passphrase_in(path: Path) -> bytes:
    """The passphrase in a file: its first line. UsageError where that is none, StorageError if unreadable."""
    try:
        with path.open("rb") as file:
            line = file.readline(4096).rstrip(b"\r\n")
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", error.strerror or "", "Check the file.") from error
    if len(line) < SHORTEST:
        raise UsageError(
            f"{path} holds no passphrase.",
            f"Its first line has {len(line)} characters; {SHORTEST} are the least.",
            "Put a longer one there: openssl rand -base64 24",
        )
    return line


def is_sealed(start: bytes) -> bool:
    """Whether a file that begins so is sealed."""
    return start.startswith(MAGIC[:-1])


def _key(passphrase: bytes, salt: bytes, ops: int, memory: int) -> bytes:
    return pwhash.argon2id.kdf(_KEY, passphrase, salt, opslimit=ops, memlimit=memory)


class Sealer(io.RawIOBase):
    """Writes what it is given, sealed, to `file`; `close` writes the last piece and leaves `file` open."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        self._file = file
        salt = utils.random(pwhash.argon2id.SALTBYTES)
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        head = MAGIC + salt + _HEAD.pack(_OPS, _MEMORY)
        key = _key(passphrase, salt, _OPS, _MEMORY)
        stream = bindings.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self._file.write(head + stream)
        self._before: bytes | None = head
        self._waiting = bytearray()

    def writable(self) -> bool:
        """It is written to."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Take `data` in."""
        self._waiting += data
        while len(self._waiting) > PIECE:  # the last piece is marked, so one always waits
            self._push(bytes(self._waiting[:PIECE]), _MORE)
            del self._waiting[:PIECE]
        return len(data)

    def finish(self) -> None:
        """Write the last piece."""
        self._push(bytes(self._waiting), _LAST)
        self._waiting.clear()

    def _push(self, piece: bytes, tag: int) -> None:
        sealed = bindings.crypto_secretstream_xchacha20poly1305_push(self._state, piece, self._before, tag)
        self._before = None
        self._file.write(sealed)


class Unsealer(io.RawIOBase):
    """Reads a sealed archive. BadInputError for a wrong passphrase and for damage, which look the same."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        self._file = file
        head = file.read(len(MAGIC) + pwhash.argon2id.SALTBYTES + _HEAD.size)
        if head[: len(MAGIC)] != MAGIC:
            raise UpgradeNeededError(
                "Upgrade needed: the backup is sealed in a newer way.", "", "Upgrade SkillClaw."
            )
        stream = file.read(_STREAM_HEAD)
        salt = head[len(MAGIC) : -_HEAD.size]
        if len(salt) < pwhash.argon2id.SALTBYTES or len(stream) < _STREAM_HEAD:
            raise _wrong()
        ops, memory = _HEAD.unpack(head[-_HEAD.size :])
        if not (1 <= ops <= _MOST_OPS and _LEAST_MEMORY <= memory <= _MOST_MEMORY):
            raise BadInputError(
                "The backup cannot be opened.",
                f"Its head asks for {ops} passes over {memory >> 20} MiB of memory to make the key; "
                f"{_MOST_OPS} over {_MOST_MEMORY >> 20} MiB are the most.",
                "SkillClaw made no such file. Take another copy of it; nothing was changed.",
            )
        try:
            key = _key(passphrase, salt, ops, memory)
        except exceptions.CryptoError as error:  # all that fails here is to get the memory
            raise StorageError(
                "The backup cannot be opened.",
                f"There is no memory for its key: {memory >> 20} MiB.",
                "End other programs and try again; nothing was changed.",
            ) from error
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, stream, key)
        self._before: bytes | None = head
        self._open = bytearray()
        self._ended = False

    def readable(self) -> bool:
        """It is read from."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; none at the end. A file that was cut off is an error."""
        while not self._ended and (size < 0 or len(self._open) < size):
            self._pull()
        size = len(self._open) if size < 0 else size
        found = bytes(self._open[:size])
        del self._open[:size]
        return found

    def _pull(self) -> None:
        sealed = self._file.read(PIECE + _LONGER)
        if len(sealed) < _LONGER:
            raise _wrong()
        try:
            piece, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(
                self._state, sealed, self._before
            )
        except (exceptions.CryptoError, RuntimeError) as error:
            raise _wrong() from error
        self._before = None
        self._open += piece
        if tag == _LAST:
            self._ended = True
            if self._file.read(1):
                raise _wrong()


def _wrong() -> BadInputError:
    return BadInputError(
        "The backup cannot be opened.",
        "The passphrase is another one, or the file was altered.",
        "Try another passphrase or another copy of the file; nothing was changed.",
    )
