"""Content codings: gzip, deflate, zstd, brotli and layers of them, damaged, cut off, and bombs.

The first byte chooses what the body is: as it came, or packed here once to three times (so that what is
inside gets through), repeated a million times where its highest bit is set. The second chooses the header.
"""

from __future__ import annotations

import gzip
import zlib

import brotli
import zstandard

from skillclaw.wire.body import known_encoding, plain

NAMES = (
    "gzip",
    "deflate",
    "zstd",
    "br",
    "identity",
    "x-gzip",
    "gzip, br",
    "zstd,gzip , deflate",
    "GZIP,zstd",
    "br, br, br, br",
    "gzip,gzip,gzip,gzip,gzip",
    "compress",
    "",
    ",,",
    "zstd\x00",
)
MOST = 1 << 20
"""Bytes that are asked for; the same code runs with 64 MB."""
DICT = (b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\x50\x2a\x4d\x18", b"\x00" * 8, b"\xff\xff")
MOST_MB = 256
MOST_SECONDS = 3.0


def once(data: bytes) -> None:
    """What is unpacked is never longer than was asked for."""
    kind, name, body = (
        (data[0], NAMES[data[1] % len(NAMES)], data[2:]) if len(data) > 1 else (0, "gzip", data)
    )
    if kind & 128:
        body = body[:64] * 200_000
    if kind & 1:
        for part in name.lower().split(",")[: (kind >> 1) % 4]:
            body = _packed(body, part.strip())
    if kind & 16:
        body = body[: len(body) * 3 // 4]
    known_encoding(name)
    found = plain(body, name, MOST)
    assert found is None or name in ("", ",,", "identity") or len(found) <= MOST


def _packed(body: bytes, name: str) -> bytes:
    if "gzip" in name:
        return gzip.compress(body, 1, mtime=0)
    if name == "deflate":
        return zlib.compress(body, 1)
    if name == "br":
        return bytes(brotli.compress(body, quality=1))
    return zstandard.ZstdCompressor(level=1).compress(body) if name == "zstd" else body
